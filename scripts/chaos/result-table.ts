/** What one fault did, as its row shows it. */
export interface ResultRow {
  readonly fault: string;
  readonly validators: number;
  /** Transactions a second that were offered. */
  readonly load: number;
  readonly acknowledged: number;
  readonly settled: number;
  readonly failed: number;
  readonly expired: number;
  /** Acknowledged ones that the client had to send again before they ended. */
  readonly resent: number;
  readonly lost: number;
  /** The longest recovery; undefined when the fault was skipped. */
  readonly recoverySeconds: number | undefined;
  /** Between two blocks, fault included; undefined when the fault was skipped. */
  readonly largestGapSeconds: number | undefined;
  readonly verdict: Verdict;
}

export type Verdict =
  | { readonly kind: "passed" }
  | { readonly kind: "skipped"; readonly why: string }
  | { readonly kind: "failed"; readonly why: string };

const HEADINGS = [
  "fault",
  "validators",
  "tx/s",
  "acknowledged",
  "settled",
  "failed",
  "expired",
  "resent",
  "lost",
  "recovery s",
  "largest gap s",
  "verdict",
] as const;

/** A Markdown table, which also reads well in a terminal. */
export function resultTable(rows: readonly ResultRow[]): string {
  const cells = [HEADINGS, ...rows.map(cellsOf)];
  const widths = HEADINGS.map((_, column) =>
    Math.max(...cells.map((row) => row[column]?.length ?? 0)),
  );
  const isText = (column: number): boolean => column === 0 || column === HEADINGS.length - 1;
  const line = (row: readonly string[]): string => {
    const padded = row.map((cell, column) => {
      const width = widths[column] ?? 0;
      return isText(column) ? cell.padEnd(width) : cell.padStart(width);
    });
    return `| ${padded.join(" | ")} |`;
  };
  const rule = widths.map((width, column) =>
    isText(column) ? "-".repeat(width) : `${"-".repeat(width - 1)}:`,
  );
  return [line(HEADINGS), line(rule), ...cells.slice(1).map(line)].join("\n");
}

function cellsOf(row: ResultRow): readonly string[] {
  return [
    row.fault,
    String(row.validators),
    String(row.load),
    String(row.acknowledged),
    String(row.settled),
    String(row.failed),
    String(row.expired),
    String(row.resent),
    String(row.lost),
    seconds(row.recoverySeconds),
    seconds(row.largestGapSeconds),
    verdictText(row.verdict),
  ];
}

function seconds(value: number | undefined): string {
  return value === undefined ? "-" : value.toFixed(1);
}

function verdictText(verdict: Verdict): string {
  // A bar would end the cell.
  return verdict.kind === "passed"
    ? "passed"
    : `${verdict.kind}: ${verdict.why.replaceAll("|", "/")}`;
}
