/** What `WireWriter` and `WireReader` throw at anything unusual: the careful way then decides. */
export class Unusual extends Error {
  override readonly name = "Unusual";
}

/** One object for all: it is caught in this folder, and never says where it came from. */
export const UNUSUAL = new Unusual("not on the short way");

const FIRST_BYTES = 4096;
/** A message that grew the buffer beyond this gives it back afterwards. */
const KEPT_BYTES = 1 << 20;

/** Value of a lower-case hex digit by character code; 16 for any other. */
const NIBBLE_OF = new Uint8Array(128).fill(16);
const DIGITS = "0123456789abcdef";
for (let value = 0; value < 16; value++) NIBBLE_OF[DIGITS.charCodeAt(value)] = value;

/**
 * Writes the MessagePack forms that Mizan uses, each in its only spelling, into one growing buffer.
 * Every method checks what it is given as strictly as the schema does and throws UNUSUAL at
 * anything else, non-ASCII text included. Format: msgpack spec, github.com/msgpack/msgpack.
 */
export class WireWriter {
  #bytes = new Uint8Array(FIRST_BYTES);
  #at = 0;
  #busy = false;

  /** False while another message is being written: a schema's own code may encode in between. */
  begin(): boolean {
    if (this.#busy) return false;
    this.#busy = true;
    this.#at = 0;
    return true;
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    const out = this.#bytes.slice(0, this.#at);
    this.abandon();
    return out;
  }

  abandon(): void {
    this.#busy = false;
    if (this.#bytes.length > KEPT_BYTES) this.#bytes = new Uint8Array(FIRST_BYTES);
  }

  /** Whether exactly these bytes were written since `begin`. */
  wrote(bytes: Uint8Array, from: number, to: number): boolean {
    if (to - from !== this.#at) return false;
    for (let i = 0; i < this.#at; i++) if (this.#bytes[i] !== bytes[from + i]) return false;
    return true;
  }

  nil(): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = 0xc0;
  }

  bool(value: boolean): void {
    if (typeof value !== "boolean") throw UNUSUAL;
    this.#reserve(1);
    this.#bytes[this.#at++] = value ? 0xc3 : 0xc2;
  }

  /** 0 … max, max < 2^32. */
  uint(value: number, max: number): void {
    if (typeof value !== "number" || value >>> 0 !== value || value > max) throw UNUSUAL;
    if (Object.is(value, -0)) throw UNUSUAL;
    this.#reserve(5);
    const bytes = this.#bytes;
    if (value < 0x80) {
      bytes[this.#at++] = value;
    } else if (value < 0x100) {
      bytes[this.#at++] = 0xcc;
      bytes[this.#at++] = value;
    } else if (value < 0x1_0000) {
      bytes[this.#at++] = 0xcd;
      bytes[this.#at++] = value >>> 8;
      bytes[this.#at++] = value;
    } else {
      bytes[this.#at++] = 0xce;
      this.#word(value);
    }
  }

  /** A safe integer from 0, as int64. */
  counter(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) throw UNUSUAL;
    this.#reserve(9);
    this.#bytes[this.#at++] = 0xd3;
    this.#word(Math.floor(value / 2 ** 32));
    this.#word(value % 2 ** 32);
  }

  /** Sixteen bytes, big-endian; 0 … 2^127 − 1. */
  amount(value: bigint): void {
    if (typeof value !== "bigint" || value < 0n) throw UNUSUAL;
    this.#reserve(18);
    this.#bytes[this.#at++] = 0xc4;
    this.#bytes[this.#at++] = 16;
    if (value <= 0x1f_ffff_ffff_ffffn) {
      const small = Number(value);
      this.#word(0);
      this.#word(0);
      this.#word(Math.floor(small / 2 ** 32));
      this.#word(small % 2 ** 32);
      return;
    }
    if (value >> 127n !== 0n) throw UNUSUAL;
    for (let shift = 96n; shift >= 0n; shift -= 32n) {
      this.#word(Number((value >> shift) & 0xffff_ffffn));
    }
  }

  blob(value: Uint8Array, min: number, max: number): void {
    if (!(value instanceof Uint8Array) || value.length < min || value.length > max) throw UNUSUAL;
    const { length } = value;
    this.#reserve(length + 5);
    this.#header(length, 0xc4);
    this.#bytes.set(value, this.#at);
    this.#at += length;
  }

  /** 64 lower-case hex digits as 32 bytes. */
  hash(value: string): void {
    if (typeof value !== "string" || value.length !== 64) throw UNUSUAL;
    this.#reserve(34);
    const bytes = this.#bytes;
    bytes[this.#at++] = 0xc4;
    bytes[this.#at++] = 32;
    let seen = 0;
    for (let i = 0; i < 64; i += 2) {
      const high = NIBBLE_OF[value.charCodeAt(i)] ?? 16;
      const low = NIBBLE_OF[value.charCodeAt(i + 1)] ?? 16;
      seen |= high | low;
      bytes[this.#at++] = (high << 4) | low;
    }
    if (seen > 15) throw UNUSUAL;
  }

  /** ASCII text; what pattern it has is for the caller to check. */
  text(value: string, maxBytes: number): void {
    if (typeof value !== "string" || value.length > maxBytes) throw UNUSUAL;
    const { length } = value;
    this.#reserve(length + 5);
    const bytes = this.#bytes;
    if (length < 32) bytes[this.#at++] = 0xa0 | length;
    else this.#header(length, 0xd9);
    let seen = 0;
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i);
      seen |= code;
      bytes[this.#at++] = code;
    }
    if (seen > 0x7f) throw UNUSUAL;
  }

  array(count: number): void {
    this.#reserve(5);
    if (count < 16) {
      this.#bytes[this.#at++] = 0x90 | count;
    } else if (count < 0x1_0000) {
      this.#bytes[this.#at++] = 0xdc;
      this.#bytes[this.#at++] = count >>> 8;
      this.#bytes[this.#at++] = count;
    } else {
      this.#bytes[this.#at++] = 0xdd;
      this.#word(count);
    }
  }

  /** A length of one, two or four bytes behind the type bytes `first`, `first + 1`, `first + 2`. */
  #header(length: number, first: number): void {
    const bytes = this.#bytes;
    if (length < 0x100) {
      bytes[this.#at++] = first;
    } else if (length < 0x1_0000) {
      bytes[this.#at++] = first + 1;
      bytes[this.#at++] = length >>> 8;
    } else {
      bytes[this.#at++] = first + 2;
      bytes[this.#at++] = length >>> 24;
      bytes[this.#at++] = length >>> 16;
      bytes[this.#at++] = length >>> 8;
    }
    bytes[this.#at++] = length;
  }

  #word(value: number): void {
    const bytes = this.#bytes;
    bytes[this.#at++] = value >>> 24;
    bytes[this.#at++] = value >>> 16;
    bytes[this.#at++] = value >>> 8;
    bytes[this.#at++] = value;
  }

  #reserve(count: number): void {
    const needed = this.#at + count;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    grown.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = grown;
  }
}
