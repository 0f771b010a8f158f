import { readFile } from "node:fs/promises";
import { table } from "../../node/cli/output.ts";
import { CodedError } from "../../primitives/errors.ts";

/** What a baseline must hold of a task. */
export interface Timed {
  readonly name: string;
  /** Median, microseconds a unit. */
  readonly p50: number;
}

/**
 * Reads the tasks of a file that `--json` wrote. Throws CodedError BASELINE_FORMAT for another form.
 */
export async function readBaseline(file: string): Promise<readonly Timed[]> {
  const value = await readJson(file);
  const tasks: unknown =
    typeof value === "object" && value !== null && "tasks" in value ? value.tasks : undefined;
  if (!Array.isArray(tasks) || !tasks.every(isTimed)) {
    throw new CodedError("BASELINE_FORMAT", `${file} was not written by bench --json`);
  }
  return tasks;
}

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, "utf8"));
  } catch (cause) {
    throw new CodedError("BASELINE_FORMAT", `${file} cannot be read`, {}, { cause });
  }
}

function isTimed(value: unknown): value is Timed {
  return (
    typeof value === "object" &&
    value !== null &&
    "name" in value &&
    typeof value.name === "string" &&
    "p50" in value &&
    typeof value.p50 === "number" &&
    value.p50 > 0
  );
}

/** Medians beside those of the baseline, and how many times as fast; new tasks have no ratio. */
export function describeComparison(baseline: readonly Timed[], now: readonly Timed[]): string {
  const before = new Map(baseline.map(({ name, p50 }) => [name, p50]));
  const rows = now.map(({ name, p50 }) => {
    const old = before.get(name);
    return old === undefined
      ? [name, "-", p50.toFixed(2), "new"]
      : [name, old.toFixed(2), p50.toFixed(2), `${(old / p50).toFixed(2)} x`];
  });
  const names = new Set(now.map(({ name }) => name));
  const gone = baseline.filter(({ name }) => !names.has(name)).length;
  const header = ["task", "baseline us", "now us", "as fast"];
  const rest = gone === 0 ? "" : `\n${gone} tasks of the baseline were not timed`;
  return `${table([header, ...rows], [1, 2, 3])}${rest}`;
}
