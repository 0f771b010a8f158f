import type { Command } from "commander";
import { InvariantError } from "../../primitives/assert.ts";
import { CodedError, messageOf } from "../../primitives/errors.ts";

/** Where a command's results go: text for people, or one JSON document with --json. */
export class Output {
  readonly json: boolean;

  constructor(command: Command) {
    this.json = command.optsWithGlobals<{ json?: boolean }>().json === true;
  }

  /** The result. `text` is made only when people read it. */
  result(value: object, text: () => string): void {
    if (this.json) process.stdout.write(`${JSON.stringify(value, replacer)}\n`);
    else process.stdout.write(`${text()}\n`);
  }

  /** What goes on, on standard error, so that standard output is the result alone. */
  progress(line: string): void {
    if (!this.json) process.stderr.write(`${line}\n`);
  }

  error(error: unknown): void {
    if (this.json) {
      const body =
        error instanceof CodedError
          ? error.toJSON()
          : {
              code: error instanceof InvariantError ? "INTERNAL" : "FAILED",
              message: messageOf(error),
            };
      process.stdout.write(`${JSON.stringify({ error: body })}\n`);
      return;
    }
    const code = error instanceof CodedError ? `${error.code}: ` : "";
    process.stderr.write(`mizan: ${code}${messageOf(error)}\n`);
    if (!(error instanceof CodedError) && error instanceof Error && error.stack !== undefined) {
      process.stderr.write(`${error.stack}\n`);
    }
  }
}

/** bigint has no JSON form of its own: amounts are decimal strings. */
function replacer(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}

/** Columns aligned by their widest cell; numbers are for the caller to pad. */
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
