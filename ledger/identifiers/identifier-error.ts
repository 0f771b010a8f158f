import { CodedError } from "../../primitives/errors.ts";

export type IdentifierErrorCode =
  | "ISIN_FORMAT"
  | "ISIN_CHECK_DIGIT"
  | "LEI_FORMAT"
  | "LEI_CHECK_DIGITS"
  | "BIC_FORMAT"
  | "IBAN_FORMAT"
  | "IBAN_CHECK_DIGITS";

/** An identifier that cannot exist. `data` = {field, got, expected}. */
export class IdentifierError extends CodedError<IdentifierErrorCode> {
  override readonly name = "IdentifierError";
}

/** Longest part of a wrong identifier that is repeated in an error: no identifier is longer. */
const GOT_CHARACTERS_MAX = 40;

export function identifierError(
  code: IdentifierErrorCode,
  field: string,
  text: unknown,
  expected: string,
): IdentifierError {
  const got = typeof text === "string" ? text.slice(0, GOT_CHARACTERS_MAX) : typeof text;
  const message = `${field}: got ${JSON.stringify(got)}, expected ${expected}`;
  return new IdentifierError(code, message, { field, got, expected });
}

/** Text that has the pattern, or an IdentifierError. Guards against values from untyped JSON. */
export function requirePattern(
  text: string,
  pattern: RegExp,
  code: IdentifierErrorCode,
  field: string,
  expected: string,
): void {
  if (typeof text !== "string" || !pattern.test(text)) {
    throw identifierError(code, field, text, expected);
  }
}
