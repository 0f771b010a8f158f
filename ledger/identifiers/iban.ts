import { checkDigits97 } from "./character-value.ts";
import { identifierError, requirePattern } from "./identifier-error.ts";

const PATTERN = /^PK[0-9]{2}[A-Z]{4}[A-Z0-9]{16}$/;
const EXPECTED = "24 characters: PK, 2 check digits, 4 letters of the bank, 16 letters or digits";

/**
 * The text itself if it is a Pakistani IBAN (ISO 13616) in electronic form, without spaces, with
 * the right check digits. Throws IdentifierError IBAN_FORMAT or IBAN_CHECK_DIGITS.
 */
export function checkPakistaniIban(text: string, field = "iban"): string {
  requirePattern(text, PATTERN, "IBAN_FORMAT", field, EXPECTED);
  const digits = checkDigits97(`${text.slice(4)}PK`);
  if (text.slice(2, 4) !== digits) {
    throw identifierError("IBAN_CHECK_DIGITS", field, text, `check digits ${digits}`);
  }
  return text;
}

/** Whether `checkPakistaniIban` takes the text. */
export function isPakistaniIban(text: string): boolean {
  return PATTERN.test(text) && text.slice(2, 4) === checkDigits97(`${text.slice(4)}PK`);
}
