import { fromHex, toHex } from "../bytes.ts";
import { formatAmount, parseAmount } from "../decimal.ts";
import { invalidValue } from "./codec-error.ts";
import type { AnySchema } from "./schema.ts";

/**
 * The JSON form of a value, for people and for HTTP: amounts and counters are decimal strings,
 * bytes are hex, what is absent is left out. It is never hashed or signed.
 */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [name: string]: Json };

/**
 * From JSON to a value that `schema` may then encode, which checks ranges and patterns. Unknown and
 * missing fields are refused here. Throws CodecError INVALID_VALUE or DecimalError AMOUNT_FORMAT,
 * naming the field.
 */
export function fromJsonForm(schema: AnySchema, json: unknown, field: string): unknown {
  const { shape } = schema;
  if (shape === undefined) return json;
  switch (shape.kind) {
    case "decimal-bigint":
      return parseAmount(textOf(json, field, schema), field);
    case "decimal-number": {
      const value = Number(parseAmount(textOf(json, field, schema), field));
      if (!Number.isSafeInteger(value)) throw invalidValue(field, json, schema.describe);
      return value;
    }
    case "hex": {
      const text = textOf(json, field, schema);
      if (!/^(?:[0-9a-f]{2})*$/.test(text)) throw invalidValue(field, json, "lower-case hex");
      return fromHex(text);
    }
    case "optional":
      return json === undefined || json === null
        ? undefined
        : fromJsonForm(shape.inner, json, field);
    case "list":
      if (!Array.isArray(json)) throw invalidValue(field, json, schema.describe);
      return json.map((item: unknown, i) => fromJsonForm(shape.inner, item, `${field}[${i}]`));
    case "record":
      return recordFromJson(shape.fields, json, field);
    case "union": {
      const { type, body } = recordFromJson(
        new Map([
          ["type", { describe: "text" }],
          ["body", { describe: "value" }],
        ]),
        json,
        field,
      );
      const inner = typeof type === "string" ? shape.fields.get(type) : undefined;
      if (inner === undefined) throw invalidValue(`${field}.type`, type, schema.describe);
      return { type, body: fromJsonForm(inner, body, `${field}.${String(type)}`) };
    }
  }
}

/** The JSON form of a value that `schema` has decoded or would encode. */
export function toJsonForm(schema: AnySchema, value: unknown): Json {
  const { shape } = schema;
  if (shape === undefined) return scalarOf(value);
  switch (shape.kind) {
    case "decimal-bigint":
      return typeof value === "bigint" ? formatAmount(value) : scalarOf(value);
    case "decimal-number":
      return String(value);
    case "hex":
      return value instanceof Uint8Array ? toHex(value) : scalarOf(value);
    case "optional":
      return value === undefined ? null : toJsonForm(shape.inner, value);
    case "list":
      return Array.isArray(value)
        ? value.map((item: unknown) => toJsonForm(shape.inner, item))
        : [];
    case "record":
      return recordToJson(shape.fields, value);
    case "union": {
      const { type, body } = fieldsOf(value);
      const inner = typeof type === "string" ? shape.fields.get(type) : undefined;
      if (inner === undefined) throw invalidValue("type", type, schema.describe);
      return { type: String(type), body: toJsonForm(inner, body) };
    }
  }
}

function recordFromJson(
  fields: ReadonlyMap<string, AnySchema>,
  json: unknown,
  field: string,
): Record<string, unknown> {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw invalidValue(field, json, `an object with ${[...fields.keys()].join(", ")}`);
  }
  const source = fieldsOf(json);
  for (const name of Object.keys(source)) {
    if (!fields.has(name)) {
      throw invalidValue(
        `${field}.${name}`,
        "this field",
        `one of ${[...fields.keys()].join(", ")}`,
      );
    }
  }
  const out: Record<string, unknown> = {};
  for (const [name, schema] of fields) {
    const isThere = Object.hasOwn(source, name);
    if (!isThere && schema.shape?.kind !== "optional") {
      throw invalidValue(`${field}.${name}`, undefined, schema.describe);
    }
    out[name] = fromJsonForm(schema, isThere ? source[name] : undefined, `${field}.${name}`);
  }
  return out;
}

function recordToJson(fields: ReadonlyMap<string, AnySchema>, value: unknown): Json {
  const source = fieldsOf(value);
  const out: Record<string, Json> = {};
  for (const [name, schema] of fields) {
    if (source[name] !== undefined) out[name] = toJsonForm(schema, source[name]);
  }
  return out;
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) throw invalidValue("value", value, "an object");
  // Only own enumerable fields are looked up, by the names of the schema.
  return value as Readonly<Record<string, unknown>>;
}

function textOf(json: unknown, field: string, schema: AnySchema): string {
  if (typeof json !== "string") throw invalidValue(field, json, `text: ${schema.describe}`);
  return json;
}

function scalarOf(value: unknown): Json {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
    return value;
  }
  throw invalidValue("value", value, "text, number or boolean");
}
