/**
 * Base64 of RFC 4648 section 4, with padding, in one spelling per byte string. Written out because
 * `Buffer` is not in browsers and `atob` works on text of single bytes and forgives padding.
 */

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** Value of each ASCII code in base64, 255 where it has none. */
const VALUES = new Uint8Array(128).fill(255);
for (let i = 0; i < ALPHABET.length; i++) VALUES[ALPHABET.charCodeAt(i)] = i;

/** Characters joined at once: argument lists are bounded. */
const CHUNK = 8192;

export function toBase64(bytes: Uint8Array): string {
  const codes = new Uint8Array(4 * Math.ceil(bytes.length / 3)).fill("=".charCodeAt(0));
  for (let i = 0, out = 0; i < bytes.length; i += 3, out += 4) {
    const left = bytes.length - i;
    const word = ((bytes[i] ?? 0) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    codes[out] = ALPHABET.charCodeAt(word >> 18);
    codes[out + 1] = ALPHABET.charCodeAt((word >> 12) & 63);
    if (left > 1) codes[out + 2] = ALPHABET.charCodeAt((word >> 6) & 63);
    if (left > 2) codes[out + 3] = ALPHABET.charCodeAt(word & 63);
  }
  let text = "";
  for (let i = 0; i < codes.length; i += CHUNK) {
    text += String.fromCharCode(...codes.subarray(i, i + CHUNK));
  }
  return text;
}

/** The bytes, or undefined where the text is not the one base64 spelling of any bytes. */
export function fromBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0) return undefined;
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const out = new Uint8Array((text.length / 4) * 3 - padding);
  const digits = text.length - padding;
  let word = 0;
  let bits = 0;
  let written = 0;
  for (let i = 0; i < digits; i++) {
    const value = VALUES[text.charCodeAt(i)] ?? 255;
    if (value === 255) return undefined;
    word = ((word << 6) | value) & 0xff_ffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out[written] = (word >> bits) & 0xff;
      written += 1;
    }
  }
  // Bits left over from the last digit carry nothing: another spelling of the same bytes.
  return (word & ((1 << bits) - 1)) === 0 ? out : undefined;
}
