import { CodedError, type ErrorData } from "../errors.ts";

export type CodecErrorCode =
  | "TOO_LARGE"
  | "TOO_DEEP"
  | "TOO_MANY_ELEMENTS"
  | "MALFORMED"
  | "NOT_CANONICAL"
  | "INVALID_VALUE";

/** Bytes or a value that the schema does not admit. `data.field` is the path inside the message. */
export class CodecError extends CodedError<CodecErrorCode> {
  override readonly name = "CodecError";
}

export function invalidValue(field: string, got: unknown, expected: string): CodecError {
  const data: ErrorData = { field, got: describe(got), expected };
  return new CodecError(
    "INVALID_VALUE",
    `${field}: got ${describe(got)}, expected ${expected}`,
    data,
  );
}

/** A short, bounded rendering of an unknown value for an error message. */
function describe(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (Array.isArray(value)) return `array of ${value.length}`;
  if (typeof value === "string") return JSON.stringify(value.slice(0, 64));
  if (typeof value === "bigint" || typeof value === "number" || typeof value === "boolean") {
    return String(value).slice(0, 64);
  }
  if (value === null) return "null";
  return typeof value;
}
