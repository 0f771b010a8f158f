/** What the text of a request may be like at most, before `JSON.parse` builds anything from it. */
export interface JsonBounds {
  /** Nesting of arrays and objects. */
  readonly maxDepth: number;
  /** Brackets, commas, colons and scalars together. */
  readonly maxTokens: number;
  /** Items of an array at the top of the text. */
  readonly maxTopItems: number;
}

export type JsonScanVerdict = "ok" | "TOO_DEEP" | "TOO_MANY_TOKENS" | "TOO_MANY_TOP_ITEMS";

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/**
 * One pass over the raw text that allocates nothing and stops at the first bound. `JSON.parse`
 * accepts a nesting of a million, and what it returns then kills whoever serialises or posts it.
 * The scan does not validate JSON: for any text that `JSON.parse` would accept, its counts are
 * exact; other text is left for the parser to refuse.
 */
export function scanJson(text: string, bounds: JsonBounds): JsonScanVerdict {
  let depth = 0;
  let tokens = 0;
  let topCommas = 0;
  let topIsArray = false;
  let insideScalar = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) {
      i = endOfString(text, i);
      tokens += 1;
      insideScalar = false;
    } else if (code === OPEN_BRACKET || code === OPEN_BRACE) {
      if (tokens === 0) topIsArray = code === OPEN_BRACKET;
      depth += 1;
      tokens += 1;
      insideScalar = false;
      if (depth > bounds.maxDepth) return "TOO_DEEP";
    } else if (code === CLOSE_BRACKET || code === CLOSE_BRACE) {
      depth -= 1;
      tokens += 1;
      insideScalar = false;
    } else if (code === COMMA || code === COLON) {
      tokens += 1;
      insideScalar = false;
      if (code === COMMA && depth === 1 && topIsArray) {
        topCommas += 1;
        if (topCommas >= bounds.maxTopItems) return "TOO_MANY_TOP_ITEMS";
      }
    } else if (code === 0x20 || (code >= 0x09 && code <= 0x0d)) {
      insideScalar = false;
    } else if (!insideScalar) {
      insideScalar = true;
      tokens += 1;
    }
    if (tokens > bounds.maxTokens) return "TOO_MANY_TOKENS";
  }
  return "ok";
}

/** Index of the closing quote of the string that opens at `start`, or the end of the text. */
function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === BACKSLASH) i += 1;
    else if (code === QUOTE) return i;
  }
  return text.length;
}
