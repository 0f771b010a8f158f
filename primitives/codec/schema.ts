import { invariant } from "../assert.ts";
import { copyBytes, hashBytes, toHex } from "../bytes.ts";
import { invalidValue } from "./codec-error.ts";
import { readerOf, writerOf } from "./wire-generic.ts";
import type { WireReader } from "./wire-reader.ts";
import { UNUSUAL, type WireWriter } from "./wire-writer.ts";

/** What crosses the msgpack boundary: positional arrays of scalars, nothing else. */
export type Wire = number | bigint | string | boolean | null | Uint8Array | Wire[];

/**
 * How one type stands on the wire. `toWire` checks as strictly as `fromWire`: a value that we
 * could not read back is never written. `describe` is the text used in docs and error messages.
 */
export interface Schema<T> {
  readonly describe: string;
  /** How the type stands in JSON; without it the value is its own JSON. */
  readonly shape?: Shape;
  toWire(value: T, field: string): Wire;
  fromWire(wire: unknown, field: string): T;
  /**
   * The short way between value and bytes, several times faster: no wire form in between, no names
   * of fields. It agrees with the other one, or throws UNUSUAL; then the other one decides.
   */
  write?(this: void, out: WireWriter, value: T): void;
  read?(this: void, input: WireReader): T;
}

/**
 * What a walk over a value by its schema must know. Amounts and counters are decimal strings in
 * JSON, bytes are hex.
 */
export type Shape =
  | { readonly kind: "decimal-bigint" | "decimal-number" | "hex" }
  | { readonly kind: "optional" | "list"; readonly inner: AnySchema }
  | { readonly kind: "record" | "union"; readonly fields: ReadonlyMap<string, AnySchema> };

/** A schema of whatever type: for walks that the shape guides. */
export type AnySchema = Pick<Schema<never>, "describe" | "shape">;

export type Infer<S> = S extends Schema<infer T> ? T : never;

function scalar<T extends Wire>(
  describe: string,
  admits: (value: unknown) => value is T,
  short: Required<Pick<Schema<T>, "write" | "read">>,
): Schema<T> {
  const check = (value: unknown, field: string): T => {
    if (!admits(value)) throw invalidValue(field, value, describe);
    return value;
  };
  return { describe, toWire: check, fromWire: check, ...short };
}

/** 0 … max (at most 2^32 − 1), as a minimal msgpack integer. */
export function uint(max = 0xffff_ffff): Schema<number> {
  invariant(max <= 0xffff_ffff, "uint() covers 32 bits; use counter() for more");
  return scalar(
    `integer 0..${max}`,
    (value): value is number =>
      typeof value === "number" &&
      Number.isInteger(value) &&
      value >= 0 &&
      value <= max &&
      !Object.is(value, -0),
    { write: (out, value) => out.uint(value, max), read: (input) => input.uint(max) },
  );
}

export const bool: Schema<boolean> = scalar(
  "boolean",
  (value): value is boolean => typeof value === "boolean",
  { write: (out, value) => out.bool(value), read: (input) => input.bool() },
);

/** Heights, views, epochs, milliseconds: 0 … 2^53 − 1, nine bytes on the wire (int64, tag 0xd3). */
export const counter: Schema<number> = {
  describe: "counter 0..2^53-1",
  shape: { kind: "decimal-number" },
  toWire(value, field) {
    if (!Number.isSafeInteger(value) || value < 0) throw invalidValue(field, value, this.describe);
    return BigInt(value);
  },
  fromWire(wire, field) {
    if (typeof wire !== "bigint" || wire < 0n || wire > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw invalidValue(field, wire, this.describe);
    }
    return Number(wire);
  },
  write: (out, value) => out.counter(value),
  read: (input) => input.counter(),
};

/** The largest amount: 2^127 − 1 minor units, so that a sum of two never leaves 128 bits. */
export const AMOUNT_MAX = (1n << 127n) - 1n;

/** Amounts in minor units, 0 … 2^127 − 1: sixteen bytes big-endian. */
export const amount: Schema<bigint> = {
  describe: "amount 0..2^127-1",
  shape: { kind: "decimal-bigint" },
  toWire(value, field) {
    if (typeof value !== "bigint" || value < 0n || value > AMOUNT_MAX) {
      throw invalidValue(field, value, this.describe);
    }
    const out = new Uint8Array(16);
    // 32 bits at a time: nearly every amount fits the low two words, and then needs two steps.
    let rest = value;
    for (let end = 16; rest > 0n; end -= 4) {
      const word = Number(rest & 0xffff_ffffn);
      out[end - 4] = word >>> 24;
      out[end - 3] = word >>> 16;
      out[end - 2] = word >>> 8;
      out[end - 1] = word;
      rest >>= 32n;
    }
    return out;
  },
  fromWire(wire, field) {
    if (!(wire instanceof Uint8Array) || wire.length !== 16) {
      throw invalidValue(field, wire, this.describe);
    }
    const high = (BigInt(word32(wire, 0)) << 32n) | BigInt(word32(wire, 4));
    const low = (BigInt(word32(wire, 8)) << 32n) | BigInt(word32(wire, 12));
    const value = high === 0n ? low : (high << 64n) | low;
    if (value > AMOUNT_MAX) throw invalidValue(field, value, this.describe);
    return value;
  },
  write: (out, value) => out.amount(value),
  read: (input) => input.amount(),
};

function word32(bytes: Uint8Array, at: number): number {
  const [a = 0, b = 0, c = 0, d = 0] = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
}

/** Exactly `size` bytes. Decoded bytes are copies: decoders alias pooled input buffers. */
export function fixedBytes(size: number): Schema<Uint8Array> {
  return bytesBetween(size, size);
}

/** 0 … max bytes. */
export function bytesUpTo(max: number): Schema<Uint8Array> {
  return bytesBetween(0, max);
}

/**
 * The same, where whoever decodes owns the input and never writes to it again: decoded bytes are
 * views of it, not copies.
 */
export function borrowedBytes(max: number, min = 0): Schema<Uint8Array> {
  return { ...bytesBetween(min, max), read: (input) => input.blobView(min, max) };
}

function bytesBetween(min: number, max: number): Schema<Uint8Array> {
  const describe = min === max ? `${min} bytes` : `at most ${max} bytes`;
  const admits = (value: unknown): value is Uint8Array =>
    value instanceof Uint8Array && value.length >= min && value.length <= max;
  return {
    describe,
    shape: { kind: "hex" },
    toWire(value, field) {
      if (!admits(value)) throw invalidValue(field, value, describe);
      return value;
    },
    fromWire(wire, field) {
      if (!admits(wire)) throw invalidValue(field, wire, describe);
      return copyBytes(wire);
    },
    write: (out, value) => out.blob(value, min, max),
    read: (input) => input.blob(min, max),
  };
}

/** A 32-byte hash, kept in memory as 64 lower-case hex digits, on the wire as 32 bytes. */
export const hash: Schema<string> = {
  describe: "32-byte hash",
  toWire(value, field) {
    const bytes = typeof value === "string" ? hashBytes(value) : undefined;
    if (bytes === undefined) throw invalidValue(field, value, this.describe);
    return bytes;
  },
  fromWire(wire, field) {
    if (!(wire instanceof Uint8Array) || wire.length !== 32) {
      throw invalidValue(field, wire, this.describe);
    }
    return toHex(wire);
  },
  write: (out, value) => out.hash(value),
  read: (input) => input.hash(),
};

/**
 * Text of at most `maxBytes` UTF-8 bytes, all of which `pattern` matches where one is given: the
 * anchors are added here.
 */
export function text(maxBytes: number, pattern?: RegExp): Schema<string> {
  invariant(!/[gmy]/.test(pattern?.flags ?? ""), "a text pattern has no flag g, m or y");
  const whole = pattern && new RegExp(`^(?:${pattern.source})$`, pattern.flags);
  const matching = pattern === undefined ? "" : ` matching ${pattern.source}`;
  return scalar(
    `text of at most ${maxBytes} bytes${matching}`,
    (value): value is string =>
      typeof value === "string" &&
      value.length <= maxBytes &&
      utf8Length(value) <= maxBytes &&
      (whole === undefined || whole.test(value)),
    {
      write(out, value) {
        out.text(value, maxBytes);
        if (whole !== undefined && !whole.test(value)) throw UNUSUAL;
      },
      read(input) {
        const value = input.text(maxBytes);
        if (whole !== undefined && !whole.test(value)) throw UNUSUAL;
        return value;
      },
    },
  );
}

/** Bytes of the UTF-8 form; infinite for text with a lone surrogate, which has none. */
function utf8Length(value: string): number {
  let bytes = value.length;
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code < 0x80) continue;
    if (code < 0x800) bytes += 1;
    else if (code < 0xd800 || code > 0xdfff) bytes += 2;
    else {
      const low = code < 0xdc00 ? value.charCodeAt(i + 1) : 0;
      if (!(low >= 0xdc00 && low <= 0xdfff)) return Number.POSITIVE_INFINITY;
      bytes += 2; // four bytes for two code units
      i += 1;
    }
  }
  return bytes;
}

/** One of a closed list, on the wire as its place in the list: never reorder, only append. */
export function oneOf<const Values extends readonly string[]>(
  values: Values,
): Schema<Values[number]> {
  const describe = `one of ${values.join(", ")}`;
  return {
    describe,
    toWire(value, field) {
      const place = values.indexOf(value);
      if (place < 0) throw invalidValue(field, value, describe);
      return place;
    },
    fromWire(wire, field) {
      const value = typeof wire === "number" ? values[wire] : undefined;
      if (value === undefined) throw invalidValue(field, wire, describe);
      return value;
    },
    write(out, value) {
      const place = values.indexOf(value);
      if (place < 0) throw UNUSUAL;
      out.uint(place, values.length);
    },
    read(input) {
      const value = values[input.uint(values.length)];
      if (value === undefined) throw UNUSUAL;
      return value;
    },
  };
}

/** A value or nothing; nothing is nil on the wire and undefined in memory. */
export function optional<T>(inner: Schema<T>): Schema<T | undefined> {
  const writeInner = writerOf(inner);
  const readInner = readerOf(inner);
  return {
    describe: `${inner.describe} or nothing`,
    shape: { kind: "optional", inner },
    toWire: (value, field) => (value === undefined ? null : inner.toWire(value, field)),
    fromWire: (wire, field) => (wire === null ? undefined : inner.fromWire(wire, field)),
    write: (out, value) => (value === undefined ? out.nil() : writeInner(out, value)),
    read: (input) => (input.nil() ? undefined : readInner(input)),
  };
}

/** A list of at most `max` items. */
export function list<T>(item: Schema<T>, max: number): Schema<readonly T[]> {
  const describe = `list of at most ${max}`;
  const writeItem = writerOf(item);
  const readItem = readerOf(item);
  return {
    describe,
    shape: { kind: "list", inner: item },
    toWire(values, field) {
      if (!Array.isArray(values) || values.length > max)
        throw invalidValue(field, values, describe);
      return values.map((value: T, i) => item.toWire(value, `${field}[${i}]`));
    },
    fromWire(wire, field) {
      if (!Array.isArray(wire) || wire.length > max) throw invalidValue(field, wire, describe);
      return wire.map((value: unknown, i) => item.fromWire(value, `${field}[${i}]`));
    },
    write(out, values) {
      if (!Array.isArray(values) || values.length > max) throw UNUSUAL;
      out.array(values.length);
      for (const value of values) writeItem(out, value);
    },
    read(input) {
      const count = input.enter();
      if (count > max) throw UNUSUAL;
      const values: T[] = [];
      for (let i = 0; i < count; i++) values.push(readItem(input));
      input.leave();
      return values;
    },
  };
}

type Fields = Readonly<Record<string, Schema<unknown>>>;

export interface RecordSchema<T> extends Schema<T> {
  /** Name and text of each field in wire order: docs, RPC and `tx inspect` are derived from it. */
  readonly fields: readonly (readonly [name: string, describe: string])[];
}

/** Named fields in memory, an array in the order of definition on the wire. */
export function record<T extends object>(
  fields: {
    readonly [K in keyof T]: Schema<T[K]>;
  },
): RecordSchema<{ readonly [K in keyof T]: T[K] }> {
  // The entries lose their own types here; each is used for the field of its own name only.
  const entries = Object.entries(fields as Fields);
  const describe = `[${entries.map(([name]) => name).join(", ")}]`;
  const parts = entries.map(([name, schema]) => ({
    name,
    write: writerOf(schema),
    read: readerOf(schema),
  }));
  return {
    describe,
    shape: { kind: "record", fields: new Map(entries) },
    fields: entries.map(([name, schema]) => [name, schema.describe] as const),
    toWire(value, field) {
      if (typeof value !== "object" || value === null) throw invalidValue(field, value, describe);
      const source = value as Readonly<Record<string, unknown>>;
      return entries.map(([name, schema]) => schema.toWire(source[name], `${field}.${name}`));
    },
    fromWire(wire, field) {
      if (!Array.isArray(wire) || wire.length !== entries.length) {
        throw invalidValue(field, wire, `${describe}, an array of ${entries.length}`);
      }
      const out: Record<string, unknown> = {};
      for (const [i, [name, schema]] of entries.entries()) {
        out[name] = schema.fromWire(wire[i], `${field}.${name}`);
      }
      return out as T; // every field of T was set by its own schema
    },
    write(out, value) {
      if (typeof value !== "object" || value === null) throw UNUSUAL;
      const source = value as Readonly<Record<string, unknown>>;
      out.array(parts.length);
      for (const { name, write } of parts) write(out, source[name]);
    },
    read(input) {
      if (input.enter() !== parts.length) throw UNUSUAL;
      const out: Record<string, unknown> = {};
      for (const { name, read } of parts) out[name] = read(input);
      input.leave();
      return out as T; // as above
    },
  };
}

/** A tagged union: [tag, body]; the tag is the variant's place in the list, only ever appended. */
export function union<V extends object>(
  variants: {
    readonly [K in keyof V]: Schema<V[K]>;
  },
): Schema<{ [K in keyof V]: { readonly type: K; readonly body: V[K] } }[keyof V]> {
  type Value = { [K in keyof V]: { readonly type: K; readonly body: V[K] } }[keyof V];
  const entries = Object.entries(variants as Fields);
  const describe = `one of ${entries.map(([name]) => name).join(", ")}`;
  const tags = new Map(entries.map(([name], tag) => [name, tag]));
  const parts = entries.map(([name, schema]) => ({
    name,
    write: writerOf(schema),
    read: readerOf(schema),
  }));
  return {
    describe,
    shape: { kind: "union", fields: new Map(entries) },
    toWire(value, field) {
      if (typeof value !== "object" || value === null) throw invalidValue(field, value, describe);
      const tag = entries.findIndex(([name]) => name === value.type);
      const entry = entries[tag];
      if (entry === undefined) throw invalidValue(field, value.type, describe);
      return [tag, entry[1].toWire(value.body, `${field}.${entry[0]}`)];
    },
    fromWire(wire, field) {
      const tag: unknown = Array.isArray(wire) && wire.length === 2 ? wire[0] : undefined;
      const entry = typeof tag === "number" ? entries[tag] : undefined;
      if (entry === undefined || !Array.isArray(wire)) throw invalidValue(field, wire, describe);
      const [name, schema] = entry;
      return { type: name, body: schema.fromWire(wire[1], `${field}.${name}`) } as Value;
    },
    write(out, value) {
      const tag = tags.get(String(value?.type)) ?? parts.length;
      const part = parts[tag];
      if (part === undefined) throw UNUSUAL;
      out.array(2);
      out.uint(tag, parts.length);
      part.write(out, value.body);
    },
    read(input) {
      if (input.enter() !== 2) throw UNUSUAL;
      const part = parts[input.uint(parts.length)];
      if (part === undefined) throw UNUSUAL;
      const body = part.read(input);
      input.leave();
      return { type: part.name, body } as Value; // read by the schema of that name
    },
  };
}
