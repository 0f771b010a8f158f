import * as crypto from "node:crypto";
import { createRequire } from "node:module";
import { invariant } from "../assert.ts";
import { equalBytes, fromHex } from "../bytes.ts";
import { CodedError, messageOf } from "../errors.ts";
import { type HashBackend, portableBackend, useHashBackend } from "../sha256.ts";

/** Which implementations now serve, for the start-up log. */
export interface HashingReport {
  readonly sha256: "crypto.hash" | "crypto.createHash";
  readonly hashBlocks: "hashtree" | "node:crypto";
  /** Why hashtree could not be loaded; absent when it serves. */
  readonly fallbackReason?: string;
}

/** A native hash function gives another result than the portable one: the machine can't be used. */
export class HashingError extends CodedError<"HASH_MISMATCH"> {
  override readonly name = "HashingError";
}

/** @chainsafe/hashtree: SHA-256 of each 64-byte block, several at a time with SIMD or SHA-NI. */
interface Hashtree {
  hash(input: Uint8Array): Uint8Array;
}

export interface NativeHashingOptions {
  /** Loads hashtree; replaced in tests to see the fallback. */
  readonly loadHashtree?: () => unknown;
}

/**
 * Makes node:crypto and hashtree the hash backend of this thread, after comparing them with the
 * portable one. Without a hashtree build for this platform the blocks go through node:crypto, with
 * equal results at about a twentieth of the speed: the report says so.
 *
 * @throws HashingError HASH_MISMATCH, leaving the portable backend in place
 */
export function installNativeHashing(options: NativeHashingOptions = {}): HashingReport {
  const { sha256, sha256Hex, name: sha256Name } = nodeSha256();
  const loaded = tryHashtree(options.loadHashtree ?? loadHashtree);
  const backend: HashBackend = {
    sha256,
    sha256Hex,
    hashBlocks: "hashtree" in loaded ? hashtreeBlocks(loaded.hashtree) : cryptoBlocks(sha256),
  };
  checkAgreement(backend);
  useHashBackend(backend);
  return "hashtree" in loaded
    ? { sha256: sha256Name, hashBlocks: "hashtree" }
    : { sha256: sha256Name, hashBlocks: "node:crypto", fallbackReason: loaded.reason };
}

type Sha256 = HashBackend["sha256"];

interface NodeSha256 {
  readonly sha256: Sha256;
  readonly sha256Hex: HashBackend["sha256Hex"];
  readonly name: HashingReport["sha256"];
}

function nodeSha256(): NodeSha256 {
  // One-shot `crypto.hash` came with Node 20.12 and saves the hash object. A Buffer of its own is
  // two thirds of its cost: as text, a character a byte, the hash comes out three times as fast.
  if (typeof crypto.hash === "function") {
    return {
      sha256: (bytes) => bytesOfBinary(crypto.hash("sha256", bytes, "binary")),
      sha256Hex: (bytes) => crypto.hash("sha256", bytes, "hex"),
      name: "crypto.hash",
    };
  }
  return {
    sha256: (bytes) => plainBytes(crypto.createHash("sha256").update(bytes).digest()),
    sha256Hex: (bytes) => crypto.createHash("sha256").update(bytes).digest("hex"),
    name: "crypto.createHash",
  };
}

function bytesOfBinary(text: string): Uint8Array {
  const out = new Uint8Array(text.length);
  for (let i = 0; i < out.length; i++) out[i] = text.charCodeAt(i);
  return out;
}

/** A Buffer's `slice` shares memory where a Uint8Array's copies: callers get one kind only. */
function plainBytes(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}

function loadHashtree(): unknown {
  return createRequire(import.meta.url)("@chainsafe/hashtree");
}

function tryHashtree(load: () => unknown): { hashtree: Hashtree } | { reason: string } {
  try {
    const loaded = load();
    return isHashtree(loaded) ? { hashtree: loaded } : { reason: "hashtree has no hash()" };
  } catch (error) {
    return { reason: messageOf(error) };
  }
}

function isHashtree(loaded: unknown): loaded is Hashtree {
  return (
    typeof loaded === "object" &&
    loaded !== null &&
    "hash" in loaded &&
    typeof loaded.hash === "function"
  );
}

function hashtreeBlocks(hashtree: Hashtree): HashBackend["hashBlocks"] {
  return (input) => {
    invariant(input.length % 64 === 0, "hashBlocks takes whole 64-byte blocks");
    return hashtree.hash(input);
  };
}

function cryptoBlocks(sha256: Sha256): HashBackend["hashBlocks"] {
  return (input) => {
    invariant(input.length % 64 === 0, "hashBlocks takes whole 64-byte blocks");
    const out = new Uint8Array(input.length / 2);
    for (let i = 0; i < input.length; i += 64) out.set(sha256(input.subarray(i, i + 64)), i / 2);
    return out;
  };
}

/** Lengths around SHA-256's block and padding boundaries, and a long message. */
const MESSAGE_LENGTHS = [0, 1, 31, 32, 55, 56, 63, 64, 65, 119, 120, 128, 1000, 70_000];
/** Block counts around the lane counts (4, 8, 16) of the vectorised implementations. */
const BLOCK_COUNTS = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33, 257];

function checkAgreement(backend: HashBackend): void {
  for (const length of MESSAGE_LENGTHS) {
    const input = pattern(length);
    expectEqual(backend.sha256(input), portableBackend.sha256(input), "sha256", length);
    const digits = fromHex(backend.sha256Hex(input));
    expectEqual(digits, portableBackend.sha256(input), "sha256Hex", length);
  }
  for (const count of BLOCK_COUNTS) {
    // One byte in: native code must not rely on alignment.
    const input = pattern(count * 64 + 1).subarray(1);
    expectEqual(backend.hashBlocks(input), portableBackend.hashBlocks(input), "hashBlocks", count);
  }
}

function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 167 + (i >> 8) * 31 + 11) & 0xff);
}

function expectEqual(got: Uint8Array, expected: Uint8Array, name: string, size: number): void {
  if (equalBytes(got, expected)) return;
  throw new HashingError("HASH_MISMATCH", `native ${name} disagrees at size ${size}`, {
    function: name,
    size,
  });
}
