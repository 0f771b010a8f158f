import { CodedError } from "../../primitives/errors.ts";

/** Where a value came from; later ones win: default < file < env < flag. */
export interface Origin {
  readonly source: "default" | "file" | "env" | "flag";
  /** The file, the variable or the flag; empty for a default. */
  readonly name: string;
}

export function describeOrigin({ source, name }: Origin): string {
  return name === "" ? source : `${source} ${name}`;
}

/**
 * Why a configuration is refused.
 *
 * - UNKNOWN_KEY: no such key; a misspelt one would otherwise have no effect.
 * - MISSING: a key without a default is given nowhere.
 * - WRONG_TYPE, OUT_OF_RANGE, BAD_FORMAT: the value itself.
 * - RPC_NOT_LOOPBACK: members have no credentials yet, so the API answers this machine only.
 * - CONFLICT: two values that exclude one another.
 * - SYNTAX, UNREADABLE: the file.
 */
export type ConfigReason =
  | "UNKNOWN_KEY"
  | "MISSING"
  | "WRONG_TYPE"
  | "OUT_OF_RANGE"
  | "BAD_FORMAT"
  | "RPC_NOT_LOOPBACK"
  | "CONFLICT"
  | "SYNTAX"
  | "UNREADABLE";

export interface ConfigProblem {
  readonly reason: ConfigReason;
  /** Dotted path such as `net.peers[2].name`. */
  readonly path: string;
  readonly origin: Origin;
  /** Absent for unknown keys and hidden values: what stands there may be a secret. */
  readonly got?: string;
  readonly expected: string;
  readonly suggestion?: string;
}

/** Every problem of a configuration at once. */
export class ConfigError extends CodedError<"CONFIG_INVALID"> {
  override readonly name = "ConfigError";
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    const lines = problems.map((problem) => `  ${describeProblem(problem)}`);
    const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
    super("CONFIG_INVALID", `${count} in the configuration:\n${lines.join("\n")}`, {
      problems: problems.length,
      reasons: [...new Set(problems.map(({ reason }) => reason))].join(","),
    });
    this.problems = problems;
  }
}

export function describeProblem(problem: ConfigProblem): string {
  const { reason, path, origin, got, expected, suggestion } = problem;
  const what = got === undefined ? expected : `got ${got}, expected ${expected}`;
  const hint = suggestion === undefined ? "" : `; did you mean ${suggestion}?`;
  const where =
    reason === "MISSING" && origin.source === "default" ? "" : ` (${describeOrigin(origin)})`;
  return `${reason} ${path}${where}: ${what}${hint}`;
}

/** Longest part of a wrong value that is shown. */
const SHOWN_CHARACTERS = 80;

/** A wrong value on one line: control characters escaped, long ones cut. */
export function showValue(value: unknown): string {
  if (value instanceof Date) return "a date";
  if (typeof value === "object" && value !== null)
    return Array.isArray(value) ? "a list" : "a table";
  if (typeof value !== "string") return String(value);
  const text = value.length > SHOWN_CHARACTERS ? `${value.slice(0, SHOWN_CHARACTERS)}…` : value;
  return JSON.stringify(text);
}
