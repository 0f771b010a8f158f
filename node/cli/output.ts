import type { Command } from "commander";
import { InvariantError } from "../../primitives/assert.ts";
import { CodedError, messageOf } from "../../primitives/errors.ts";
import { codeOf } from "./exit-code-of.ts";

/** Where a command's results go: text for people, or one JSON document with --json. */
export class Output {
  readonly json: boolean;

  constructor(json: boolean) {
    this.json = json;
  }

  static of(command: Command): Output {
    return new Output(command.optsWithGlobals<{ json?: boolean }>().json === true);
  }

  /** The result. `text` is made only when people read it. */
  result(value: object, text: () => string): void {
    process.stdout.write(`${this.json ? JSON.stringify(value, replacer) : text()}\n`);
  }

  /** What goes on, on standard error, so that standard output is the result alone. */
  progress(line: string): void {
    if (!this.json) process.stderr.write(`${line}\n`);
  }

  error(error: unknown): void {
    if (this.json) {
      process.stdout.write(`${JSON.stringify({ error: errorJson(error) })}\n`);
      return;
    }
    const code = error instanceof CodedError ? `${error.code}: ` : "";
    process.stderr.write(`mizan: ${code}${messageOf(error)}\n`);
    // What has a code is foreseen and its text says all; of anything else the place matters.
    if (codeOf(error) === undefined && error instanceof Error && error.stack !== undefined) {
      process.stderr.write(`${error.stack}\n`);
    }
  }
}

function errorJson(error: unknown): object {
  if (error instanceof CodedError) return error.toJSON();
  const code = error instanceof InvariantError ? "INTERNAL" : (codeOf(error) ?? "FAILED");
  return { code, message: messageOf(error) };
}

/** bigint has no JSON form of its own: amounts are decimal strings. */
function replacer(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}

/** Columns aligned by their widest cell, to the left or, as numbers are, to the right. */
export function table(
  rows: readonly (readonly string[])[],
  rightAligned: readonly number[] = [],
): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  }
  return rows
    .map((row) =>
      row
        .map((cell, i) =>
          rightAligned.includes(i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
