import Type, { type TSchema } from "typebox";
import { AMOUNT_MAX } from "../../primitives/codec/schema.ts";
import { RPC_LIMITS } from "./limits.ts";

/**
 * Scalars of the RPC surface. No JSON number is wider than 32 bits anywhere: readers in other
 * languages lose digits past 2^53, so amounts, heights and times travel as decimal strings.
 * Schemas marked `decimal: true` are those strings: a text they refuse is an AMOUNT_FORMAT error.
 */

/** Amounts in minor units, 0 … 2^127 − 1: digits only, no sign, leading zero, exponent or space. */
export const AMOUNT_PATTERN = "^(0|[1-9][0-9]{0,38})$";
export const Amount = Type.Refine(
  Type.String({
    pattern: AMOUNT_PATTERN,
    decimal: true,
    description: "minor units 0..2^127-1, decimal",
  }),
  (text) => new RegExp(AMOUNT_PATTERN).test(text) && BigInt(text) <= AMOUNT_MAX,
);

/** Heights, epochs, milliseconds: 0 … 2^53 − 1 as decimal text. */
export const COUNTER_PATTERN = "^(0|[1-9][0-9]{0,15})$";
export const Counter = Type.Refine(
  Type.String({ pattern: COUNTER_PATTERN, decimal: true, description: "0..2^53-1, decimal" }),
  (text) => Number.isSafeInteger(Number(text)),
);

export const HashHex = Type.String({
  pattern: "^[0-9a-f]{64}$",
  description: "32 bytes, lower-case hex",
});

/**
 * Bytes as padded base64 without line breaks. The pattern stays linear on a megabyte of text; the
 * groups of four and the unused bits are checked when the bytes are read (`base64.ts`).
 */
export const Base64 = Type.String({
  pattern: "^[A-Za-z0-9+/]*={0,2}$",
  description: "bytes, base64",
});

/** Ids of members and accounts: letters, digits, '.', '_' and '-', at most 35. */
export const Identifier = Type.String({
  pattern: "^[0-9A-Za-z][0-9A-Za-z._-]{0,34}$",
  description: "identifier, at most 35 characters",
});

/** The reference a member chose for its transaction: ISO 20022 Max35Text, no outer spaces. */
export const ClientRef = Type.String({
  pattern: "^[0-9A-Za-z/\\-?:().,'+]([0-9A-Za-z/\\-?:().,'+ ]{0,33}[0-9A-Za-z/\\-?:().,'+])?$",
  description: "client reference, at most 35 characters",
});

/** An asset: an ISIN, or cash: the pilot coin `PKR-CBDC` or an issued claim such as `USD-HBL`. */
export const Asset = Type.String({
  pattern: "^([A-Z]{3}-[A-Z0-9]{1,8}|[A-Z]{2}[A-Z0-9]{9}[0-9])$",
  description: "ISIN or cash asset (PKR-CBDC, USD-...)",
});

/** `genesis`, `at:H`, or what an earlier page returned. Opaque otherwise. */
export const Cursor = Type.String({
  minLength: 1,
  maxLength: RPC_LIMITS.maxCursor,
  description: '"genesis", "at:H" or a cursor of an earlier page',
});

/** An on-ledger outcome code, event type or transaction kind. */
export const Token = Type.String({
  pattern: "^[A-Za-z][A-Za-z0-9_.-]{0,63}$",
  description: "stable token",
});

/** Objects of the surface are closed: an unknown field is an error, never ignored. */
export function closed<const Properties extends Record<string, TSchema>>(properties: Properties) {
  return Type.Object(properties, { additionalProperties: false });
}

/** Integer 0 … max; only for bounds that fit 31 bits. */
export function smallInteger(max = 0x7fff_ffff) {
  return Type.Integer({ minimum: 0, maximum: max });
}

export type JsonScalar = string | boolean | null;
/** What ledger objects become in JSON: every number is decimal text. */
export type JsonValue = JsonScalar | readonly JsonValue[] | { readonly [key: string]: JsonValue };
