import { Value } from "typebox/value";
import { unreachable } from "../../primitives/assert.ts";
import { parseAddress } from "../net/address.ts";
import { type ConfigProblem, type ConfigReason, type Origin, showValue } from "./config-error.ts";
import { isLoopback, parseListener } from "./listener.ts";
import type { ListOption, Option, ScalarOption, TablesOption } from "./option.ts";
import { suggest } from "./suggest.ts";

/** Adds every problem of one value, at whatever depth. */
export function checkValue(
  option: Option,
  value: unknown,
  path: string,
  origin: Origin,
  problems: ConfigProblem[],
): void {
  switch (option.kind) {
    case "scalar":
      checkScalar(option, value, path, origin, problems);
      return;
    case "list":
      checkList(option, value, path, origin, problems);
      return;
    case "tables":
      checkTables(option, value, path, origin, problems);
      return;
    default:
      unreachable(option);
  }
}

function checkScalar(
  option: ScalarOption,
  value: unknown,
  path: string,
  origin: Origin,
  problems: ConfigProblem[],
): void {
  const reason = scalarProblem(option, value);
  if (reason === undefined) return;
  const got = option.hidden === true ? undefined : showValue(value);
  const { expected } = option;
  problems.push({ reason, path, origin, expected, ...(got === undefined ? {} : { got }) });
}

function scalarProblem(option: ScalarOption, value: unknown): ConfigReason | undefined {
  const isInteger = option.type === "integer";
  if (isInteger ? !Number.isSafeInteger(value) : typeof value !== "string") return "WRONG_TYPE";
  if (!Value.Check(option.schema, value)) return isInteger ? "OUT_OF_RANGE" : "BAD_FORMAT";
  return typeof value === "string" ? formProblem(option.form, value) : undefined;
}

function formProblem(form: ScalarOption["form"], value: string): ConfigReason | undefined {
  switch (form) {
    case undefined:
      return undefined;
    case "path":
      return value.includes("\0") ? "BAD_FORMAT" : undefined;
    case "address":
      return isAddress(value) ? undefined : "BAD_FORMAT";
    case "listener":
      return parseListener(value) === undefined ? "BAD_FORMAT" : undefined;
    case "loopback-listener": {
      // A host name is refused as well: what it stands for may change after this check.
      const listener = parseListener(value);
      if (listener !== undefined) return isLoopback(listener.host) ? undefined : "RPC_NOT_LOOPBACK";
      return /^.+:[0-9]{1,5}$/.test(value) ? "RPC_NOT_LOOPBACK" : "BAD_FORMAT";
    }
    default:
      return unreachable(form);
  }
}

function isAddress(value: string): boolean {
  try {
    parseAddress(value);
    return true;
  } catch {
    // Any failure to read it means that it is no address.
    return false;
  }
}

function checkList(
  option: ListOption,
  value: unknown,
  path: string,
  origin: Origin,
  problems: ConfigProblem[],
): void {
  const { min, max, item } = option;
  const expected = `a list of ${min} to ${max}, each ${item.expected}`;
  if (!Array.isArray(value)) {
    problems.push({ reason: "WRONG_TYPE", path, origin, got: showValue(value), expected });
    return;
  }
  if (value.length < min || value.length > max) {
    const got = `${value.length} of them`;
    problems.push({ reason: "OUT_OF_RANGE", path, origin, got, expected });
  }
  for (const [i, entry] of value.slice(0, max).entries()) {
    checkScalar(item, entry, `${path}[${i}]`, origin, problems);
    if (value.indexOf(entry) === i) continue;
    const at = `${path}[${i}]`;
    problems.push({ reason: "CONFLICT", path: at, origin, expected: "no entry twice" });
  }
}

function checkTables(
  option: TablesOption,
  value: unknown,
  path: string,
  origin: Origin,
  problems: ConfigProblem[],
): void {
  const names = Object.keys(option.fields);
  const expected = `a list of at most ${option.max} tables with ${names.join(", ")}`;
  if (!Array.isArray(value)) {
    problems.push({ reason: "WRONG_TYPE", path, origin, got: showValue(value), expected });
    return;
  }
  if (value.length > option.max) {
    const got = `${value.length} of them`;
    problems.push({ reason: "OUT_OF_RANGE", path, origin, got, expected });
  }
  for (const [i, entry] of value.slice(0, option.max).entries()) {
    const at = `${path}[${i}]`;
    if (!isTable(entry)) {
      const got = showValue(entry);
      problems.push({ reason: "WRONG_TYPE", path: at, origin, got, expected: "a table" });
      continue;
    }
    for (const key of Object.keys(entry)) {
      if (!Object.hasOwn(option.fields, key)) problems.push(unknownKey(at, key, origin, names));
    }
    for (const [key, field] of Object.entries(option.fields)) {
      const inner = `${at}.${key}`;
      if (Object.hasOwn(entry, key)) checkValue(field, entry[key], inner, origin, problems);
      else problems.push({ reason: "MISSING", path: inner, origin, expected: expectedOf(field) });
    }
  }
}

export function unknownKey(
  parent: string,
  key: string,
  origin: Origin,
  candidates: readonly string[],
): ConfigProblem {
  const path = parent === "" ? key : `${parent}.${key}`;
  const suggestion = suggest(key, candidates);
  const expected = `no such key; known are ${candidates.join(", ")}`;
  const problem = { reason: "UNKNOWN_KEY", path: showKey(path), origin, expected } as const;
  return suggestion === undefined ? problem : { ...problem, suggestion };
}

/** A key on one line of a terminal. */
export function showKey(key: string): string {
  return /^[\w.\-[\]]{1,120}$/.test(key) ? key : showValue(key);
}

export function isTable(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  return !Array.isArray(value) && !(value instanceof Date);
}

export function expectedOf(option: Option): string {
  switch (option.kind) {
    case "scalar":
      return option.expected;
    case "list":
      return `a list, each ${option.item.expected}`;
    case "tables":
      return `a list of tables with ${Object.keys(option.fields).join(", ")}`;
    default:
      return unreachable(option);
  }
}
