import { invariant } from "./assert.ts";
import { AMOUNT_MAX } from "./codec/schema.ts";
import { CodedError } from "./errors.ts";

export type DecimalErrorCode = "AMOUNT_FORMAT" | "DECIMAL_FORMAT";

/** Text that is not the number it should be. `data` = {field, got, expected}. */
export class DecimalError extends CodedError<DecimalErrorCode> {
  override readonly name = "DecimalError";
}

/** 2^127 − 1 has 39 digits: longer text is refused before it is turned into a bigint. */
const WHOLE_DIGITS_MAX = 39;

/** Fraction digits that a fixed-point field may have: no price, rate or amount needs more. */
const DECIMALS_MAX = 18;

const AMOUNT_PATTERN = /^(?:0|[1-9][0-9]{0,38})$/;
const FIXED_PATTERN = /^(0|[1-9][0-9]{0,38})(?:\.([0-9]{1,18}))?$/;

/**
 * An amount in minor units, 0 … 2^127 − 1, from its one decimal spelling: digits only, no sign, no
 * leading zero, no exponent. Throws DecimalError AMOUNT_FORMAT.
 */
export function parseAmount(text: string, field: string): bigint {
  const value = typeof text === "string" && AMOUNT_PATTERN.test(text) ? BigInt(text) : undefined;
  if (value === undefined || value > AMOUNT_MAX) {
    throw malformed(
      "AMOUNT_FORMAT",
      field,
      text,
      "digits without sign or leading zero, <= 2^127-1",
    );
  }
  return value;
}

/** The spelling that `parseAmount` reads back. The value is one of ours: 0 … 2^127 − 1. */
export function formatAmount(value: bigint): string {
  invariant(value >= 0n && value <= AMOUNT_MAX, "amount is 0..2^127-1");
  return value.toString();
}

/**
 * A decimal number as an integer of 10^−decimals: `parseFixed("95.6713", 4, "price")` is 956713n.
 * Fewer fraction digits are filled up with zeros ("95.67" is 956700n); more are refused, never
 * rounded. No sign, exponent or leading zero. Throws DecimalError DECIMAL_FORMAT.
 */
export function parseFixed(text: string, decimals: number, field: string): bigint {
  checkDecimals(decimals);
  const match = typeof text === "string" ? FIXED_PATTERN.exec(text) : null;
  const [, whole = "", fraction = ""] = match ?? [];
  const value =
    match !== null && fraction.length <= decimals
      ? BigInt(whole + fraction.padEnd(decimals, "0"))
      : undefined;
  if (value === undefined || value > AMOUNT_MAX) {
    const expected = `decimal number with at most ${decimals} fraction digits, no sign`;
    throw malformed("DECIMAL_FORMAT", field, text, expected);
  }
  return value;
}

/**
 * An integer of 10^−decimals with all its fraction digits: 956713n, 4 → "95.6713". Negative values
 * (net positions in reports) get a minus sign; `parseFixed` does not read those back.
 */
export function formatFixed(value: bigint, decimals: number): string {
  checkDecimals(decimals);
  const sign = value < 0n ? "-" : "";
  const digits = (value < 0n ? -value : value).toString().padStart(decimals + 1, "0");
  const point = digits.length - decimals;
  const fraction = decimals === 0 ? "" : `.${digits.slice(point)}`;
  return `${sign}${digits.slice(0, point)}${fraction}`;
}

function checkDecimals(decimals: number): void {
  invariant(
    Number.isInteger(decimals) && decimals >= 0 && decimals <= DECIMALS_MAX,
    `decimals is 0..${DECIMALS_MAX}`,
  );
}

function malformed(
  code: DecimalErrorCode,
  field: string,
  text: unknown,
  expected: string,
): DecimalError {
  const got = typeof text === "string" ? text.slice(0, WHOLE_DIGITS_MAX + 1) : typeof text;
  return new DecimalError(code, `${field}: got ${JSON.stringify(got)}, expected ${expected}`, {
    field,
    got,
    expected,
  });
}
