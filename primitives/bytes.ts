import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import { invariant } from "./assert.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** Character codes of the digits 0 … f, and back. */
const DIGIT_OF = encoder.encode("0123456789abcdef");
const NIBBLE_OF = new Uint8Array(128).fill(16);
for (const [value, code] of DIGIT_OF.entries()) NIBBLE_OF[code] = value;

/** Working memory of toHex, used within one call. */
const hashDigits = new Uint8Array(64 + 1).subarray(0, 64);

export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Throws TypeError on bytes that are not well-formed UTF-8. */
export function fromUtf8(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** Lower-case hex. Hashes (32 bytes) take a path of half the cost. */
export function toHex(bytes: Uint8Array): string {
  if (bytes.length !== 32) return bytesToHex(bytes);
  for (let i = 0; i < 32; i++) {
    const byte = bytes[i] ?? 0;
    hashDigits[2 * i] = DIGIT_OF[byte >> 4] ?? 0;
    hashDigits[2 * i + 1] = DIGIT_OF[byte & 15] ?? 0;
  }
  return decoder.decode(hashDigits);
}

/** Lower- or upper-case hex to bytes; throws on an odd length or another character. */
export function fromHex(hex: string): Uint8Array {
  return hexToBytes(hex);
}

/** The 32 bytes of exactly 64 lower-case hex digits; undefined for any other text. */
export function hashBytes(hex: string): Uint8Array | undefined {
  if (hex.length !== 64) return undefined;
  const out = new Uint8Array(32);
  let seen = 0;
  for (let i = 0; i < 32; i++) {
    const high = nibble(hex.charCodeAt(2 * i));
    const low = nibble(hex.charCodeAt(2 * i + 1));
    seen |= high | low;
    out[i] = (high << 4) | low;
  }
  return seen < 16 ? out : undefined;
}

/** Value of a lower-case hex digit; 16 for another character. */
function nibble(code: number): number {
  return NIBBLE_OF[code] ?? 16;
}

/** Lexicographic order; a prefix sorts first. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && compareBytes(a, b) === 0;
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

/**
 * A copy with its own memory: network and codec buffers are pooled and get overwritten. Always a
 * plain Uint8Array, also of a Buffer (whose `slice` would give a Buffer again).
 */
export function copyBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

/** Writes fixed-width big-endian fields one after the other into one buffer of known size. */
export class FixedWriter {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    this.#view = new DataView(this.bytes.buffer);
  }

  u8(value: number): this {
    invariant(Number.isInteger(value) && value >= 0 && value <= 0xff, "u8 in range");
    this.#view.setUint8(this.#offset, value);
    this.#offset += 1;
    return this;
  }

  u32(value: number): this {
    invariant(Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff, "u32 in range");
    this.#view.setUint32(this.#offset, value);
    this.#offset += 4;
    return this;
  }

  /** A counter kept as a JS number: must be a safe integer. */
  u64(value: number): this {
    invariant(Number.isSafeInteger(value) && value >= 0, "u64 counter is a safe integer");
    this.#view.setBigUint64(this.#offset, BigInt(value));
    this.#offset += 8;
    return this;
  }

  put(bytes: Uint8Array): this {
    this.bytes.set(bytes, this.#offset);
    this.#offset += bytes.length;
    return this;
  }

  finish(): Uint8Array {
    invariant(this.#offset === this.bytes.length, "fixed-width statement is filled exactly");
    return this.bytes;
  }
}
