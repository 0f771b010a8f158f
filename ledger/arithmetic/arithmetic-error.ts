import { CodedError, type ErrorDatum } from "../../primitives/errors.ts";

export type ArithmeticErrorCode =
  | "DATE_FORMAT"
  | "DATE_RANGE"
  | "DATE_ORDER"
  | "PRICE_RANGE"
  | "YIELD_RANGE"
  | "TERM_RANGE";

/** Inputs for which a calculation has no answer. `data` = {field, got, expected}. */
export class ArithmeticError extends CodedError<ArithmeticErrorCode> {
  override readonly name = "ArithmeticError";
}

export function arithmeticError(
  code: ArithmeticErrorCode,
  field: string,
  got: ErrorDatum,
  expected: string,
): ArithmeticError {
  const message = `${field}: got ${String(got)}, expected ${expected}`;
  return new ArithmeticError(code, message, { field, got, expected });
}
