import { copyBytes, toHex } from "../bytes.ts";
import type { DecodeLimits } from "./message-pack-scan.ts";
import { UNUSUAL } from "./wire-writer.ts";

/** Texts remembered by their bytes: identifiers come again and again. A power of two. */
const KNOWN_TEXTS = 4096;
/** Longer ones are rarely met twice. */
const KNOWN_TEXT_BYTES = 35;

/** Each place holds the last text whose bytes hashed to it; whoever comes next takes the place. */
const knownTexts = Array.from({ length: KNOWN_TEXTS }, () => "");

/**
 * Reads the MessagePack forms that Mizan uses, each in its only spelling: what it accepts, the
 * writer would have written. Anything else, non-ASCII text and passed limits included, is UNUSUAL:
 * the careful way then finds out what it is. Nothing is allocated before its length is known to be
 * there.
 */
export class WireReader {
  readonly bytes: Uint8Array;
  /** Of the next byte to read. */
  at = 0;
  #elements: number;
  #depth: number;
  /** The last hash read: a chain's id stands in most messages. */
  static #lastHash = "";
  static readonly #lastHashBytes = new Uint8Array(32);

  constructor(bytes: Uint8Array, limits: DecodeLimits) {
    if (bytes.length > limits.maxBytes) throw UNUSUAL;
    this.bytes = bytes;
    this.#elements = limits.maxElements;
    this.#depth = limits.maxDepth;
  }

  get isAtEnd(): boolean {
    return this.at === this.bytes.length;
  }

  /** Whether nil comes next; it is taken then. */
  nil(): boolean {
    if (this.bytes[this.at] !== 0xc0) return false;
    this.#element();
    this.at += 1;
    return true;
  }

  bool(): boolean {
    this.#element();
    const tag = this.bytes[this.at++];
    if (tag === 0xc3) return true;
    if (tag === 0xc2) return false;
    throw UNUSUAL;
  }

  uint(max: number): number {
    this.#element();
    const { bytes, at } = this;
    const tag = bytes[at] ?? 0xff;
    let value: number;
    if (tag < 0x80) {
      value = tag;
      this.at = at + 1;
    } else if (tag === 0xcc) {
      value = bytes[at + 1] ?? 0;
      this.at = at + 2;
      if (value < 0x80) throw UNUSUAL;
    } else if (tag === 0xcd) {
      value = ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
      this.at = at + 3;
      if (value < 0x100) throw UNUSUAL;
    } else if (tag === 0xce) {
      value = this.#word(at + 1);
      this.at = at + 5;
      if (value < 0x1_0000) throw UNUSUAL;
    } else throw UNUSUAL;
    if (value > max || this.at > bytes.length) throw UNUSUAL;
    return value;
  }

  counter(): number {
    this.#element();
    const { at } = this;
    if (this.bytes[at] !== 0xd3 || at + 9 > this.bytes.length) throw UNUSUAL;
    const high = this.#word(at + 1);
    if (high > 0x1f_ffff) throw UNUSUAL;
    this.at = at + 9;
    return high * 2 ** 32 + this.#word(at + 5);
  }

  amount(): bigint {
    const at = this.#blob(16, 16);
    const high = this.#word(at) | this.#word(at + 4);
    const third = this.#word(at + 8);
    const fourth = this.#word(at + 12);
    if (high === 0 && third < 0x20_0000) return BigInt(third * 2 ** 32 + fourth);
    if (this.#word(at) > 0x7fff_ffff) throw UNUSUAL;
    return (
      (BigInt(this.#word(at)) << 96n) |
      (BigInt(this.#word(at + 4)) << 64n) |
      (BigInt(third) << 32n) |
      BigInt(fourth)
    );
  }

  /** A copy with memory of its own. */
  blob(min: number, max: number): Uint8Array {
    const start = this.#blob(min, max);
    return copyBytes(this.bytes.subarray(start, this.at));
  }

  /** A view of the input. */
  blobView(min: number, max: number): Uint8Array {
    const start = this.#blob(min, max);
    return this.bytes.subarray(start, this.at);
  }

  hash(): string {
    const at = this.#blob(32, 32);
    const last = WireReader.#lastHashBytes;
    for (let i = 0; i < 32; i++) {
      if (this.bytes[at + i] !== last[i]) return this.#otherHash(at);
    }
    return WireReader.#lastHash === "" ? this.#otherHash(at) : WireReader.#lastHash;
  }

  /** ASCII text; what pattern it has is for the caller to check. */
  text(maxBytes: number): string {
    this.#element();
    const { bytes } = this;
    const tag = bytes[this.at++] ?? 0;
    let length: number;
    if ((tag & 0xe0) === 0xa0) {
      length = tag & 0x1f;
    } else {
      length = this.#length(tag, 0xd9);
      if (length < 32) throw UNUSUAL;
    }
    const start = this.at;
    const end = start + length;
    if (length > maxBytes || end > bytes.length) throw UNUSUAL;
    this.at = end;
    let seen = 0;
    // FNV-1a: spreads short texts well enough for a table of this size.
    let sum = 0x811c_9dc5;
    for (let i = start; i < end; i++) {
      const code = bytes[i] ?? 0;
      seen |= code;
      sum = Math.imul(sum ^ code, 0x0100_0193);
    }
    if (seen > 0x7f) throw UNUSUAL;
    if (length > KNOWN_TEXT_BYTES) return asciiText(bytes, start, end);
    const place = (sum ^ (sum >>> 15)) & (KNOWN_TEXTS - 1);
    const known = knownTexts[place] ?? "";
    if (known.length === length && isText(known, bytes, start)) return known;
    const fresh = asciiText(bytes, start, end);
    knownTexts[place] = fresh;
    return fresh;
  }

  /** Enters an array and gives its count; `leave` goes with it. */
  enter(): number {
    this.#element();
    const { bytes } = this;
    const tag = bytes[this.at++] ?? 0;
    let count: number;
    if ((tag & 0xf0) === 0x90) {
      count = tag & 0x0f;
    } else if (tag === 0xdc) {
      count = ((bytes[this.at] ?? 0) << 8) | (bytes[this.at + 1] ?? 0);
      this.at += 2;
      if (count < 16) throw UNUSUAL;
    } else if (tag === 0xdd) {
      count = this.#word(this.at);
      this.at += 4;
      if (count < 0x1_0000) throw UNUSUAL;
    } else throw UNUSUAL;
    if (count > this.#elements || this.at > bytes.length) throw UNUSUAL;
    if (count > 0 && this.#depth <= 0) throw UNUSUAL;
    this.#depth -= 1;
    return count;
  }

  leave(): void {
    this.#depth += 1;
  }

  #element(): void {
    this.#elements -= 1;
    if (this.#elements < 0) throw UNUSUAL;
  }

  /** Start of binary data of so many bytes; `at` is behind it. */
  #blob(min: number, max: number): number {
    this.#element();
    const tag = this.bytes[this.at++] ?? 0;
    const length = this.#length(tag, 0xc4);
    const start = this.at;
    if (length < min || length > max || start + length > this.bytes.length) throw UNUSUAL;
    this.at = start + length;
    return start;
  }

  /** A length in its shortest form behind the type bytes `first`, `first + 1`, `first + 2`. */
  #length(tag: number, first: number): number {
    const { bytes, at } = this;
    if (tag === first) {
      this.at = at + 1;
      return bytes[at] ?? 0;
    }
    if (tag === first + 1) {
      this.at = at + 2;
      const length = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
      if (length < 0x100) throw UNUSUAL;
      return length;
    }
    if (tag !== first + 2) throw UNUSUAL;
    this.at = at + 4;
    const length = this.#word(at);
    if (length < 0x1_0000) throw UNUSUAL;
    return length;
  }

  #otherHash(at: number): string {
    const bytes = this.bytes.subarray(at, at + 32);
    WireReader.#lastHashBytes.set(bytes);
    WireReader.#lastHash = toHex(bytes);
    return WireReader.#lastHash;
  }

  /** Bytes past the end count as 0: who reads them looks at the end afterwards. */
  #word(at: number): number {
    const { bytes } = this;
    const high = ((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16);
    return (high | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>> 0;
  }
}

function isText(text: string, bytes: Uint8Array, start: number): boolean {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) !== bytes[start + i]) return false;
  }
  return true;
}

const decoder = new TextDecoder();

function asciiText(bytes: Uint8Array, start: number, end: number): string {
  return decoder.decode(bytes.subarray(start, end));
}
