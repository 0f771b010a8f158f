import { readFile, stat } from "node:fs/promises";
import { parse, TomlDate } from "smol-toml";
import { unreachable } from "../../primitives/assert.ts";
import { messageOf } from "../../primitives/errors.ts";
import { isTable, showKey, unknownKey } from "./check-value.ts";
import { type ConfigProblem, type Origin, showValue } from "./config-error.ts";
import type { Option, Section } from "./option.ts";
import { OPTIONS } from "./options.ts";
import { suggest } from "./suggest.ts";

export interface LayerValue {
  readonly value: unknown;
  readonly origin: Origin;
}

/** Values of one source by dotted path such as `rpc.listen`. */
export type Layer = ReadonlyMap<string, LayerValue>;

/** A configuration has a few kB. */
const MAX_FILE_BYTES = 1 << 20;
/** Prefix of environment variables that are ours: an unknown one is a misspelling. */
const ENV_PREFIX = "MIZAN_";
/** Names the configuration file itself. */
export const CONFIG_FILE_VARIABLE = "MIZAN_CONFIG";

/** Every option with its names: `rpc.listen`, `MIZAN_RPC_LISTEN`, `--rpc-listen`. */
export interface NamedOption {
  readonly path: string;
  readonly variable: string;
  readonly flag: string;
  readonly option: Option;
}

export const NAMED_OPTIONS: readonly NamedOption[] = Object.entries(OPTIONS).flatMap(
  ([section, options]) =>
    Object.entries<Option>(options).map(([key, option]) => {
      const words = `${section}-${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
      const variable = ENV_PREFIX + words.replaceAll("-", "_").toUpperCase();
      return { path: `${section}.${key}`, variable, flag: `--${words}`, option };
    }),
);

const byPath = new Map(NAMED_OPTIONS.map((named) => [named.path, named]));
const byVariable = new Map(NAMED_OPTIONS.map((named) => [named.variable, named]));

export function optionAt(path: string): NamedOption | undefined {
  return byPath.get(path);
}

/** The values of a TOML file. */
export async function fileLayer(file: string, problems: ConfigProblem[]): Promise<Layer> {
  const origin = { source: "file", name: file } as const;
  const values = new Map<string, LayerValue>();
  const document = await readDocument(file, origin, problems);
  if (document === undefined) return values;
  const sections = new Map<string, Section>(Object.entries(OPTIONS));
  for (const [name, table] of Object.entries(document)) {
    const section = sections.get(name);
    if (section === undefined) {
      problems.push(unknownKey("", name, origin, [...sections.keys()]));
    } else if (!isTable(table)) {
      const expected = `a table [${name}]`;
      problems.push({ reason: "WRONG_TYPE", path: name, origin, got: showValue(table), expected });
    } else {
      for (const [key, value] of Object.entries(table)) {
        if (Object.hasOwn(section, key)) values.set(`${name}.${key}`, { value, origin });
        else problems.push(unknownKey(name, key, origin, Object.keys(section)));
      }
    }
  }
  return values;
}

async function readDocument(
  file: string,
  origin: Origin,
  problems: ConfigProblem[],
): Promise<Record<string, unknown> | undefined> {
  let content: string;
  try {
    const { size } = await stat(file);
    if (size > MAX_FILE_BYTES) throw new Error(`it has ${size} bytes, at most ${MAX_FILE_BYTES}`);
    content = await readFile(file, "utf8");
  } catch (error) {
    problems.push({ reason: "UNREADABLE", path: file, origin, expected: messageOf(error) });
    return undefined;
  }
  try {
    return parseToml(content);
  } catch (error) {
    // Only the first line: the rest quotes the file, which may hold what must not be printed.
    const [firstLine = "not TOML"] = messageOf(error).split("\n");
    const at =
      error instanceof Error && "line" in error && "column" in error
        ? `line ${String(error.line)}, column ${String(error.column)}: `
        : "";
    problems.push({ reason: "SYNTAX", path: file, origin, expected: `${at}${firstLine}` });
    return undefined;
  }
}

function parseToml(content: string): Record<string, unknown> {
  const parsed = parse(content, {
    integersAsBigInt: true,
    unsafeKeyBehaviour: "throw",
    maxDepth: 8,
  });
  return plainTable(parsed);
}

/** Integers were read as bigint, so that one beyond 2^53 is a wrong value and not another one. */
function plain(value: unknown): unknown {
  if (typeof value === "bigint") {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof TomlDate) return value;
  return isTable(value) ? plainTable(value) : value;
}

function plainTable(table: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(table).map(([key, value]) => [key, plain(value)] as const);
  return Object.fromEntries(entries);
}

/** The values of `MIZAN_…` variables. `others` are names that other parts of the process read. */
export function environmentLayer(
  env: Readonly<Record<string, string | undefined>>,
  others: readonly string[],
  problems: ConfigProblem[],
): Layer {
  const values = new Map<string, LayerValue>();
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || !name.startsWith(ENV_PREFIX)) continue;
    if (name === CONFIG_FILE_VARIABLE || others.includes(name)) continue;
    const origin = { source: "env", name } as const;
    const named = byVariable.get(name);
    if (named === undefined) {
      const suggestion = suggest(name, [...byVariable.keys(), CONFIG_FILE_VARIABLE]);
      const problem = {
        reason: "UNKNOWN_KEY",
        path: name,
        origin,
        expected: "no such variable",
      } as const;
      problems.push(suggestion === undefined ? problem : { ...problem, suggestion });
    } else {
      values.set(named.path, { value: fromText(named.option, value), origin });
    }
  }
  return values;
}

/** The values of command-line flags, by dotted path (`rpc.listen`) or by flag (`--rpc-listen`). */
export function flagLayer(
  flags: Readonly<Record<string, string>>,
  problems: ConfigProblem[],
): Layer {
  const values = new Map<string, LayerValue>();
  for (const [name, value] of Object.entries(flags)) {
    const named = byPath.get(name) ?? NAMED_OPTIONS.find(({ flag }) => flag === name);
    const origin = { source: "flag", name: named?.flag ?? showKey(name) } as const;
    if (named === undefined) {
      const candidates = NAMED_OPTIONS.map(({ path, flag }) =>
        name.startsWith("--") ? flag : path,
      );
      const suggestion = suggest(name, candidates);
      const path = showKey(name);
      const problem = { reason: "UNKNOWN_KEY", path, origin, expected: "no such flag" } as const;
      problems.push(suggestion === undefined ? problem : { ...problem, suggestion });
    } else {
      values.set(named.path, { value: fromText(named.option, value), origin });
    }
  }
  return values;
}

/** Text of a variable or flag as a value; what does not fit stays text and fails its check. */
function fromText(option: Option, value: string): unknown {
  switch (option.kind) {
    case "scalar":
      if (option.type !== "integer") return value;
      return /^(0|-?[1-9][0-9]{0,15})$/.test(value) ? Number(value) : value;
    case "list":
      if (!value.trimStart().startsWith("[")) {
        return value === "" ? [] : value.split(",").map((item) => item.trim());
      }
      return inlineToml(value);
    case "tables":
      return inlineToml(value);
    default:
      return unreachable(option);
  }
}

function inlineToml(value: string): unknown {
  try {
    return parseToml(`value = ${value}`)["value"];
  } catch {
    // Left as text, it is reported as the wrong type with its origin.
    return value;
  }
}
