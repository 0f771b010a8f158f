import type { Schema, Wire } from "./schema.ts";
import type { WireReader } from "./wire-reader.ts";
import { UNUSUAL, WireWriter } from "./wire-writer.ts";

/** No text or data of a message is longer than the message. */
const ANY_LENGTH = Number.MAX_SAFE_INTEGER;
const ANY_UINT = 0xffff_ffff;

/** For the check that a schema without a short way reads canonical bytes only. */
const proof = new WireWriter();

export type WriteValue<T> = (out: WireWriter, value: T) => void;
export type ReadValue<T> = (input: WireReader) => T;

/** How a value is written: by the schema's own short way, otherwise through its wire form. */
export function writerOf<T>(schema: Schema<T>): WriteValue<T> {
  const { write } = schema;
  if (write !== undefined) return write;
  return (out, value) => writeWire(out, schema.toWire(value, ""));
}

/** How a value is read. Either way accepts only what `writerOf` would write for it. */
export function readerOf<T>(schema: Schema<T>): ReadValue<T> {
  const { read } = schema;
  if (read !== undefined) return read;
  return (input) => {
    const start = input.at;
    const value = schema.fromWire(readWire(input), "");
    if (!proof.begin()) throw UNUSUAL;
    try {
      writeWire(proof, schema.toWire(value, ""));
      if (!proof.wrote(input.bytes, start, input.at)) throw UNUSUAL;
    } finally {
      proof.abandon();
    }
    return value;
  };
}

function writeWire(out: WireWriter, wire: Wire): void {
  if (wire === null) out.nil();
  else if (typeof wire === "number") out.uint(wire, ANY_UINT);
  else if (typeof wire === "bigint") out.counter(Number(wire));
  else if (typeof wire === "string") out.text(wire, ANY_LENGTH);
  else if (typeof wire === "boolean") out.bool(wire);
  else if (wire instanceof Uint8Array) out.blob(wire, 0, ANY_LENGTH);
  else {
    out.array(wire.length);
    for (const item of wire) writeWire(out, item);
  }
}

function readWire(input: WireReader): Wire {
  const tag = input.bytes[input.at];
  if (tag === undefined) throw UNUSUAL;
  if (tag === 0xc0) {
    input.nil();
    return null;
  }
  if (tag === 0xc2 || tag === 0xc3) return input.bool();
  if (tag === 0xd3) return BigInt(input.counter());
  if (tag < 0x80 || (tag >= 0xcc && tag <= 0xce)) return input.uint(ANY_UINT);
  if (tag >= 0xc4 && tag <= 0xc6) return input.blobView(0, ANY_LENGTH);
  if ((tag >= 0xa0 && tag < 0xc0) || (tag >= 0xd9 && tag <= 0xdb)) return input.text(ANY_LENGTH);
  const items: Wire[] = [];
  for (let left = input.enter(); left > 0; left--) items.push(readWire(input));
  input.leave();
  return items;
}
