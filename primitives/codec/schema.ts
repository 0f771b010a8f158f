import { invariant } from "../assert.ts";
import { copyBytes, utf8 } from "../bytes.ts";
import { invalidValue } from "./codec-error.ts";

/** What crosses the msgpack boundary: positional arrays of scalars, nothing else. */
export type Wire = number | bigint | string | boolean | null | Uint8Array | Wire[];

/**
 * How one type stands on the wire. `toWire` checks as strictly as `fromWire`: a value that we
 * could not read back is never written. `describe` is the text used in docs and error messages.
 */
export interface Schema<T> {
  readonly describe: string;
  toWire(value: T, field: string): Wire;
  fromWire(wire: unknown, field: string): T;
}

export type Infer<S> = S extends Schema<infer T> ? T : never;

function scalar<T extends Wire>(
  describe: string,
  admits: (value: unknown) => value is T,
): Schema<T> {
  const check = (value: unknown, field: string): T => {
    if (!admits(value)) throw invalidValue(field, value, describe);
    return value;
  };
  return { describe, toWire: check, fromWire: check };
}

/** 0 … max (at most 2^32 − 1), as a minimal msgpack integer. */
export function uint(max = 0xffff_ffff): Schema<number> {
  invariant(max <= 0xffff_ffff, "uint() covers 32 bits; use counter() for more");
  return scalar(
    `integer 0..${max}`,
    (value): value is number =>
      typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= max && !Object.is(value, -0),
  );
}

export const bool: Schema<boolean> = scalar(
  "boolean",
  (value): value is boolean => typeof value === "boolean",
);

/** Heights, views, epochs, milliseconds: 0 … 2^53 − 1, always nine bytes on the wire (uint64). */
export const counter: Schema<number> = {
  describe: "counter 0..2^53-1",
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
};

/** The largest amount: 2^127 − 1 minor units, so that a sum of two never leaves 128 bits. */
export const AMOUNT_MAX = (1n << 127n) - 1n;

/** Amounts in minor units, 0 … 2^127 − 1: sixteen bytes big-endian. */
export const amount: Schema<bigint> = {
  describe: "amount 0..2^127-1",
  toWire(value, field) {
    if (typeof value !== "bigint" || value < 0n || value > AMOUNT_MAX) {
      throw invalidValue(field, value, this.describe);
    }
    const out = new Uint8Array(16);
    const view = new DataView(out.buffer);
    view.setBigUint64(0, value >> 64n);
    view.setBigUint64(8, value & 0xffff_ffff_ffff_ffffn);
    return out;
  },
  fromWire(wire, field) {
    if (!(wire instanceof Uint8Array) || wire.length !== 16) {
      throw invalidValue(field, wire, this.describe);
    }
    const view = new DataView(wire.buffer, wire.byteOffset, 16);
    const value = (view.getBigUint64(0) << 64n) | view.getBigUint64(8);
    if (value > AMOUNT_MAX) throw invalidValue(field, value, this.describe);
    return value;
  },
};

/** Exactly `size` bytes. Decoded bytes are copies: decoders alias pooled input buffers. */
export function fixedBytes(size: number): Schema<Uint8Array> {
  return bytesBetween(size, size);
}

/** 0 … max bytes. */
export function bytesUpTo(max: number): Schema<Uint8Array> {
  return bytesBetween(0, max);
}

function bytesBetween(min: number, max: number): Schema<Uint8Array> {
  const describe = min === max ? `${min} bytes` : `at most ${max} bytes`;
  const admits = (value: unknown): value is Uint8Array =>
    value instanceof Uint8Array && value.length >= min && value.length <= max;
  return {
    describe,
    toWire(value, field) {
      if (!admits(value)) throw invalidValue(field, value, describe);
      return value;
    },
    fromWire(wire, field) {
      if (!admits(wire)) throw invalidValue(field, wire, describe);
      return copyBytes(wire);
    },
  };
}

/** A 32-byte hash, kept in memory as 64 lower-case hex digits, on the wire as 32 bytes. */
export const hash: Schema<string> = {
  describe: "32-byte hash",
  toWire(value, field) {
    if (typeof value !== "string" || !/^[0-9a-f]{64}$/.test(value)) {
      throw invalidValue(field, value, this.describe);
    }
    const out = new Uint8Array(32);
    for (let i = 0; i < 32; i++) out[i] = Number.parseInt(value.slice(2 * i, 2 * i + 2), 16);
    return out;
  },
  fromWire(wire, field) {
    if (!(wire instanceof Uint8Array) || wire.length !== 32) {
      throw invalidValue(field, wire, this.describe);
    }
    let out = "";
    for (const byte of wire) out += byte.toString(16).padStart(2, "0");
    return out;
  },
};

/** Text of at most `maxBytes` UTF-8 bytes that matches `pattern` whole, where one is given. */
export function text(maxBytes: number, pattern?: RegExp): Schema<string> {
  return scalar(
    `text of at most ${maxBytes} bytes${pattern === undefined ? "" : ` matching ${pattern.source}`}`,
    (value): value is string =>
      typeof value === "string" &&
      value.isWellFormed() &&
      utf8(value).length <= maxBytes &&
      (pattern === undefined || pattern.test(value)),
  );
}

/** One of a closed list, on the wire as its place in the list: never reorder, only append. */
export function oneOf<const Values extends readonly string[]>(values: Values): Schema<Values[number]> {
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
  };
}

/** A value or nothing; nothing is nil on the wire and undefined in memory. */
export function optional<T>(inner: Schema<T>): Schema<T | undefined> {
  return {
    describe: `${inner.describe} or nothing`,
    toWire: (value, field) => (value === undefined ? null : inner.toWire(value, field)),
    fromWire: (wire, field) => (wire === null ? undefined : inner.fromWire(wire, field)),
  };
}

/** A list of at most `max` items. */
export function list<T>(item: Schema<T>, max: number): Schema<readonly T[]> {
  const describe = `list of at most ${max}`;
  return {
    describe,
    toWire(values, field) {
      if (!Array.isArray(values) || values.length > max) throw invalidValue(field, values, describe);
      return values.map((value: T, i) => item.toWire(value, `${field}[${i}]`));
    },
    fromWire(wire, field) {
      if (!Array.isArray(wire) || wire.length > max) throw invalidValue(field, wire, describe);
      return wire.map((value: unknown, i) => item.fromWire(value, `${field}[${i}]`));
    },
  };
}

type Fields = Readonly<Record<string, Schema<never>>>;
type RecordOf<F> = { readonly [K in keyof F]: Infer<F[K]> };

export interface RecordSchema<T> extends Schema<T> {
  /** Name and text of each field in wire order: docs, RPC and `tx inspect` are derived from it. */
  readonly fields: readonly (readonly [name: string, describe: string])[];
}

/** Named fields in memory, an array in the order of definition on the wire. */
export function record<F extends Record<keyof F, Schema<never>>>(
  fields: { readonly [K in keyof F]: F[K] },
): RecordSchema<RecordOf<F>> {
  const entries = Object.entries(fields as Fields) as (readonly [string, Schema<unknown>])[];
  const describe = `[${entries.map(([name]) => name).join(", ")}]`;
  return {
    describe,
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
      return out as RecordOf<F>;
    },
  };
}

/** A tagged union: [tag, body]; the tag is the variant's place in the list, only ever appended. */
export function union<V extends Record<keyof V, Schema<never>>>(
  variants: { readonly [K in keyof V]: V[K] },
): Schema<{ [K in keyof V]: { readonly type: K; readonly body: Infer<V[K]> } }[keyof V]> {
  type Value = { [K in keyof V]: { readonly type: K; readonly body: Infer<V[K]> } }[keyof V];
  const entries = Object.entries(variants as Fields) as (readonly [string, Schema<unknown>])[];
  const describe = `one of ${entries.map(([name]) => name).join(", ")}`;
  return {
    describe,
    toWire(value, field) {
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
  };
}
