import { toHex } from "../../primitives/bytes.ts";
import { CodedError } from "../../primitives/errors.ts";

/** Longest text in a line: enough for a path or a hash, too little to flood a log. */
export const LOG_TEXT_MAX = 256;
/** Nesting and width of one line's fields: a log line is a record, not a dump. */
const LOG_DEPTH_MAX = 4;
const LOG_ITEMS_MAX = 32;
/** Stack frames worth keeping; the rest is the runtime's own. */
const STACK_LINES_MAX = 8;

/** Field names whose value never reaches a log, whatever it is. */
const SECRET_NAME =
  /seed|secret|passphrase|password|privatekey|mnemonic|authorization|cookie|apikey|bearer|^token$/;

/**
 * Characters that change how a terminal or a reader shows a line: C0 and C1 controls, line and
 * paragraph separators, format characters (bidirectional overrides, zero-width marks, BOM, tags),
 * lone surrogates.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** Text for a log line: capped, with every character that is not plain print written as \uXXXX. */
export function logText(text: string): string {
  const cut = text.length > LOG_TEXT_MAX;
  const kept = cut ? text.slice(0, LOG_TEXT_MAX) : text;
  const shown = kept.replace(
    UNPRINTABLE,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`,
  );
  // Escapes lengthen the text up to six times: cut once more so that the cap is a cap.
  const capped = shown.slice(0, LOG_TEXT_MAX);
  return cut || capped.length < shown.length ? `${capped}…` : capped;
}

function logError(error: Error, depth: number): Record<string, unknown> {
  const out: Record<string, unknown> = {
    type: logText(error.name),
    message: logText(error.message),
  };
  if (error instanceof CodedError) {
    out["code"] = logText(error.code);
    out["data"] = logValue(error.data, depth + 1);
  } else if ("code" in error && typeof error.code === "string") out["code"] = logText(error.code);
  if (error.stack !== undefined) {
    const frames = error.stack.split("\n").filter((line) => /^\s+at /.test(line));
    out["stack"] = frames.slice(0, STACK_LINES_MAX).map((line) => logText(line.trim()));
  }
  if (error.cause !== undefined) out["cause"] = logValue(error.cause, depth + 1);
  return out;
}

/**
 * A value that is safe to print: bigints as decimal text (a bare JSON number loses digits), bytes
 * as hex, errors as {type, code, message, stack}, everything bounded in length, width and depth,
 * secrets replaced by name. Never throws and never calls a getter's or an object's own toJSON.
 */
export function logValue(value: unknown, depth = 0): unknown {
  switch (typeof value) {
    case "string":
      return logText(value);
    case "bigint":
      return logText(value.toString());
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "boolean":
    case "undefined":
      return value;
    case "symbol":
    case "function":
      return `[${typeof value}]`;
    case "object":
      return value === null ? null : logObject(value, depth);
  }
}

function logObject(value: object, depth: number): unknown {
  if (value instanceof Uint8Array) {
    const shown = toHex(value.subarray(0, LOG_TEXT_MAX / 2));
    return value.length > LOG_TEXT_MAX / 2 ? `${shown}… (${value.length} bytes)` : shown;
  }
  if (value instanceof Date)
    return Number.isFinite(value.getTime()) ? value.toISOString() : "Invalid";
  if (depth >= LOG_DEPTH_MAX) return "[deep]";
  if (value instanceof Error) return logError(value, depth);
  if (Array.isArray(value)) {
    const shown = value.slice(0, LOG_ITEMS_MAX).map((item) => logValue(item, depth + 1));
    return value.length > LOG_ITEMS_MAX ? [...shown, `… (${value.length} items)`] : shown;
  }
  if (value instanceof Map || value instanceof Set) return `[${value.size} entries]`;
  return logFields(value, depth + 1);
}

/** The enumerable own fields of an object, each made safe to print. */
export function logFields(value: object, depth = 0): Record<string, unknown> {
  const out: Record<string, unknown> = Object.create(null);
  let kept = 0;
  for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(value))) {
    if (descriptor.enumerable !== true || !("value" in descriptor)) continue;
    if (kept === LOG_ITEMS_MAX) {
      out["more"] = "[more fields]";
      break;
    }
    kept += 1;
    const secret = SECRET_NAME.test(name.toLowerCase().replaceAll(/[_-]/g, ""));
    const item: unknown = descriptor.value;
    out[logText(name)] = secret ? "[redacted]" : logValue(item, depth);
  }
  return out;
}
