import { invariant } from "../primitives/assert.ts";
import { fromHex, toHex } from "../primitives/bytes.ts";
import { CodecError, invalidValue } from "../primitives/codec/codec-error.ts";
import { amount, counter } from "../primitives/codec/schema.ts";
import { parseAmount } from "../primitives/decimal.ts";
import { CodedError } from "../primitives/errors.ts";
import {
  type BodyHeader,
  encodeBody,
  TRANSACTION_VERSION,
  type TransactionBody,
} from "./envelope.ts";
import { isKind, kinds, kindTable } from "./transactions/kinds.ts";

export type TransactionJsonErrorCode = "UNKNOWN_KIND" | "UNKNOWN_FIELD" | "TOO_DEEP";

/** JSON that names something the kind does not have. */
export class TransactionJsonError extends CodedError<TransactionJsonErrorCode> {
  override readonly name = "TransactionJsonError";
}

/** A value of JSON on its way to a payload. */
type Plain = string | number | boolean | bigint | undefined | Uint8Array | Plain[] | PlainObject;
interface PlainObject {
  [name: string]: Plain;
}

/** Payloads are shallow: terms inside a payload are at depth 3. */
const MAX_DEPTH = 6;

/** Fields of one payload that may stand as decimal strings: an attestation weighs 512 bars. */
const MAX_CONVERSIONS = 640;

/**
 * A body from a payload written as JSON: amounts as decimal strings (never numbers), counters as
 * decimal strings or numbers, bytes as lower-case hex, a union as {"type": …, "body": …}, nothing as
 * null or left out. The schema of the kind says which field is what. Unknown fields are refused.
 *
 * Throws TransactionJsonError, DecimalError AMOUNT_FORMAT, or CodecError INVALID_VALUE, each naming
 * the field.
 */
export function bodyFromJson(
  head: Omit<BodyHeader, "version">,
  kind: string,
  payload: unknown,
): TransactionBody {
  if (!isKind(kind)) {
    throw new TransactionJsonError("UNKNOWN_KIND", `no transaction kind ${kind}`, {
      field: "kind",
      got: kind.slice(0, 64),
      expected: kinds.join(", "),
    });
  }
  const value = payloadFromJson(kind, payload);
  const { chainId, member, clientRef, expiresAtHeight } = head;
  const body = {
    version: TRANSACTION_VERSION,
    chainId,
    member,
    clientRef,
    expiresAtHeight,
    kind,
    payload: value,
    // The payload was read back by the schema of this very kind.
  } as TransactionBody;
  encodeBody(body);
  return body;
}

/** JSON as `payloadToJson` writes it. */
export type PayloadJson = string | number | boolean | PayloadJson[] | PayloadJsonObject;
export interface PayloadJsonObject {
  [name: string]: PayloadJson;
}

/** The payload as `bodyFromJson` reads it back: amounts as text, absent fields left out. */
export function payloadToJson(body: TransactionBody): PayloadJsonObject {
  return objectToJson(body.payload);
}

function objectToJson(value: object): PayloadJsonObject {
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(members.map(([name, member]) => [name, valueToJson(member)]));
}

function valueToJson(value: unknown): PayloadJson {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Uint8Array) return toHex(value);
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
    return value;
  }
  if (Array.isArray(value)) return value.map(valueToJson);
  invariant(typeof value === "object" && value !== null, "payloads hold scalars and records");
  return objectToJson(value);
}

function payloadFromJson(kind: keyof typeof kindTable, json: unknown): unknown {
  const schema = kindTable[kind].payload;
  const value = plainOf(json, "payload", 0);
  for (let i = 0; i <= MAX_CONVERSIONS; i++) {
    try {
      // The schema checks what it is given: this is how a value of unknown type is checked.
      const wire = schema.toWire(value as never, "payload");
      const read: unknown = schema.fromWire(wire, "payload");
      refuseUnknownFields(value, read, "payload");
      return read;
    } catch (error) {
      if (!(error instanceof CodecError) || !convert(value, error)) throw error;
    }
  }
  throw invalidValue("payload", json, `at most ${MAX_CONVERSIONS} numbers`);
}

/** A copy that may be written to; null members are left out. */
function plainOf(json: unknown, field: string, depth: number): Plain {
  if (depth > MAX_DEPTH) {
    throw new TransactionJsonError("TOO_DEEP", `${field} nests too deep`, { field });
  }
  if (typeof json === "string" || typeof json === "number" || typeof json === "boolean") {
    return json;
  }
  if (Array.isArray(json)) {
    return json.map((item, i) => plainOf(item, `${field}[${i}]`, depth + 1));
  }
  if (typeof json === "object" && json !== null) {
    const members = Object.entries(json).filter(([, value]) => value !== null);
    return Object.fromEntries(
      members.map(([name, value]) => [name, plainOf(value, `${field}.${name}`, depth + 1)]),
    );
  }
  throw invalidValue(field, json, "a JSON value");
}

/** Turns the decimal string that the schema complained about into a number; false if it is none. */
function convert(root: Plain, error: CodecError): boolean {
  const { field, expected } = error.data;
  const isBytes = /^(?:at most )?[0-9]+ bytes$/.test(String(expected));
  if (expected !== amount.describe && expected !== counter.describe && !isBytes) return false;
  const path = String(field).match(/[^.[\]]+/g) ?? [];
  const last = path.at(-1) ?? "";
  const holder = path.slice(1, -1).reduce<Plain>(memberOf, root);
  const text = memberOf(holder, last);
  if (typeof text !== "string" || typeof holder !== "object") return false;
  if (holder instanceof Uint8Array) return false;
  const converted = isBytes ? bytesOf(text) : numberOf(text, String(field), expected);
  if (converted === undefined) return false;
  if (Array.isArray(holder)) holder[Number(last)] = converted;
  else holder[last] = converted;
  return true;
}

function bytesOf(text: string): Uint8Array | undefined {
  return /^(?:[0-9a-f]{2})*$/.test(text) ? fromHex(text) : undefined;
}

function numberOf(text: string, field: string, expected: unknown): bigint | number {
  const value = parseAmount(text, field);
  return expected === amount.describe ? value : Number(value);
}

/** A member of a JSON value by a step of a schema path: a union's step is its variant's name. */
function memberOf(value: Plain, step: string): Plain {
  if (Array.isArray(value)) return value[Number(step)];
  if (typeof value !== "object" || value instanceof Uint8Array) return undefined;
  if (Object.hasOwn(value, step)) return value[step];
  return value["type"] === step ? value["body"] : undefined;
}

/** Every member that was given is one that the schema read. */
function refuseUnknownFields(given: Plain, read: unknown, field: string): void {
  if (typeof given !== "object" || given instanceof Uint8Array) return;
  invariant(typeof read === "object" && read !== null, `${field} was read as an object`);
  const known = new Map(Object.entries(read));
  for (const [name, value] of Object.entries(given)) {
    const path = Array.isArray(given) ? `${field}[${name}]` : `${field}.${name}`;
    if (!known.has(name)) {
      throw new TransactionJsonError("UNKNOWN_FIELD", `unknown field ${path}`, {
        field: path,
        expected: [...known.keys()].join(", "),
      });
    }
    refuseUnknownFields(value, known.get(name), path);
  }
}
