import { invariant } from "../../primitives/assert.ts";

/** 0 … 9 stand for themselves, A … Z for 10 … 35 (ISO 6166, ISO 7064, ISO 13616). */
export function characterValue(character: string): number {
  const code = character.charCodeAt(0);
  if (code >= 48 && code <= 57) return code - 48;
  invariant(code >= 65 && code <= 90, "identifier characters are 0-9 and A-Z");
  return code - 55;
}

/** Remainder by 97 of the number that the characters spell, letters as two digits (ISO 7064). */
export function remainder97(characters: string): number {
  let remainder = 0;
  for (const character of characters) {
    const value = characterValue(character);
    remainder = (remainder * (value < 10 ? 10 : 100) + value) % 97;
  }
  return remainder;
}

/** The two check digits that make `head ‖ digits` leave remainder 1 (ISO 7064 MOD 97-10). */
export function checkDigits97(head: string): string {
  return String(98 - remainder97(`${head}00`)).padStart(2, "0");
}
