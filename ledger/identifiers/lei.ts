import { checkDigits97 } from "./character-value.ts";
import { identifierError, requirePattern } from "./identifier-error.ts";

const PATTERN = /^[A-Z0-9]{18}[0-9]{2}$/;
const EXPECTED = "20 characters: 18 letters or digits, 2 check digits";

/**
 * The text itself if it is a Legal Entity Identifier (ISO 17442) with the right check digits
 * (ISO 7064 MOD 97-10). Throws IdentifierError LEI_FORMAT or LEI_CHECK_DIGITS. That it is issued
 * and in force is for the registry of members to know.
 */
export function checkLei(text: string, field = "lei"): string {
  requirePattern(text, PATTERN, "LEI_FORMAT", field, EXPECTED);
  // The digits are compared, not the remainder: 00, 01 and 99 leave it at 1 for some heads too.
  const digits = checkDigits97(text.slice(0, 18));
  if (text.slice(18) !== digits) {
    throw identifierError("LEI_CHECK_DIGITS", field, text, `check digits ${digits}`);
  }
  return text;
}

/** Whether `checkLei` takes the text. */
export function isLei(text: string): boolean {
  return PATTERN.test(text) && text.slice(18) === checkDigits97(text.slice(0, 18));
}
