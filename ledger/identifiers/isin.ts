import { characterValue } from "./character-value.ts";
import { identifierError, requirePattern } from "./identifier-error.ts";

const PATTERN = /^[A-Z]{2}[A-Z0-9]{9}[0-9]$/;
const EXPECTED = "12 characters: country, 9 letters or digits, check digit";

/**
 * The text itself if it is an ISIN (ISO 6166) with the right check digit, upper case only.
 * Throws IdentifierError ISIN_FORMAT or ISIN_CHECK_DIGIT. Whether the country code is assigned is
 * not asked: numbering agencies also use codes that ISO 3166 does not list (XS, EU).
 */
export function checkIsin(text: string, field = "isin"): string {
  requirePattern(text, PATTERN, "ISIN_FORMAT", field, EXPECTED);
  const digit = isinCheckDigit(text.slice(0, 11));
  if (text[11] !== digit) {
    throw identifierError("ISIN_CHECK_DIGIT", field, text, `check digit ${digit}`);
  }
  return text;
}

/** Whether `checkIsin` takes the text. */
export function isIsin(text: string): boolean {
  return PATTERN.test(text) && text[11] === isinCheckDigit(text.slice(0, 11));
}

/**
 * Luhn's digit over the first 11 characters: letters become two digits, then every second digit
 * from the right is doubled, and the sum of all digits is filled up to a multiple of ten.
 */
export function isinCheckDigit(head: string): string {
  const digits = Array.from(head, (character) => characterValue(character).toString()).join("");
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = Number(digits[digits.length - 1 - i]);
    const weighted = i % 2 === 0 ? 2 * digit : digit;
    sum += weighted > 9 ? weighted - 9 : weighted;
  }
  return String((10 - (sum % 10)) % 10);
}
