import { sha256 as nobleSha256 } from "@noble/hashes/sha2.js";
import { toHex } from "./bytes.ts";

/**
 * SHA-256 for every room. The default is @noble/hashes, which runs anywhere; a node installs the
 * native backend once at start (`primitives/native/hashing.ts`), which checks that both agree.
 */
export interface HashBackend {
  sha256(bytes: Uint8Array): Uint8Array;
  /** The same as 64 lower-case hex digits: no array in between where the platform has it so. */
  sha256Hex(bytes: Uint8Array): string;
  /** SHA-256 of each 64-byte block of `input`, 32 bytes each, in order: one level of a tree. */
  hashBlocks(input: Uint8Array): Uint8Array;
}

export const portableBackend: HashBackend = {
  sha256: (bytes) => nobleSha256(bytes),
  sha256Hex: (bytes) => toHex(nobleSha256(bytes)),
  hashBlocks(input) {
    const out = new Uint8Array(input.length / 2);
    for (let i = 0; i < input.length; i += 64) {
      out.set(nobleSha256(input.subarray(i, i + 64)), i / 2);
    }
    return out;
  },
};

let backend = portableBackend;

/** Called once at process start, before anything is hashed. */
export function useHashBackend(next: HashBackend): void {
  backend = next;
}

export function sha256(bytes: Uint8Array): Uint8Array {
  return backend.sha256(bytes);
}

/** SHA-256 as 64 lower-case hex digits, the form in which hashes are kept in memory. */
export function sha256Hex(bytes: Uint8Array): string {
  return backend.sha256Hex(bytes);
}

export function hashBlocks(input: Uint8Array): Uint8Array {
  return backend.hashBlocks(input);
}
