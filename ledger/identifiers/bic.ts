import { requirePattern } from "./identifier-error.ts";

const PATTERN = /^[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?$/;
const EXPECTED = "8 or 11 characters: party, country, location, optional branch";

/** The branch code that stands for the head office. */
const HEAD_OFFICE = "XXX";

/**
 * A Business Identifier Code (ISO 9362) in its full form of 11 characters: eight characters name
 * the head office, as eight and XXX do. Compare BICs in this form only. Throws IdentifierError
 * BIC_FORMAT. A BIC has no check digit.
 */
export function normaliseBic(text: string, field = "bic"): string {
  requirePattern(text, PATTERN, "BIC_FORMAT", field, EXPECTED);
  return text.length === 8 ? text + HEAD_OFFICE : text;
}

/** Whether the text is a BIC of 8 or 11 characters. */
export function isBic(text: string): boolean {
  return PATTERN.test(text);
}

/** ISO 3166 country of a BIC. */
export function bicCountry(bic: string): string {
  return bic.slice(4, 6);
}
