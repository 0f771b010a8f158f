import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import { invariant } from "./assert.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Throws TypeError on bytes that are not well-formed UTF-8. */
export function fromUtf8(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

export function toHex(bytes: Uint8Array): string {
  return bytesToHex(bytes);
}

/** Lower- or upper-case hex to bytes; throws on an odd length or another character. */
export function fromHex(hex: string): Uint8Array {
  return hexToBytes(hex);
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

/** A copy with its own memory: network and codec buffers are pooled and get overwritten. */
export function copyBytes(bytes: Uint8Array): Uint8Array {
  return Uint8Array.prototype.slice.call(bytes);
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
