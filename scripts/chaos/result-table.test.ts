import { expect, test } from "vitest";
import { type ResultRow, resultTable } from "./result-table.ts";

const row: ResultRow = {
  fault: "kill-all",
  validators: 4,
  load: 20,
  acknowledged: 120,
  settled: 117,
  failed: 2,
  expired: 1,
  resent: 3,
  lost: 0,
  recoverySeconds: 2.34,
  largestGapSeconds: 5,
  verdict: { kind: "passed" },
};

test("a row shows every figure, and all lines are equally long", () => {
  const lines = resultTable([row, { ...row, fault: "slow", acknowledged: 1_000_000 }]).split("\n");
  expect(lines).toHaveLength(4);
  expect(new Set(lines.map((line) => line.length)).size).toBe(1);
  expect(lines[2]?.split("|").map((cell) => cell.trim())).toEqual([
    "",
    "kill-all",
    "4",
    "20",
    "120",
    "117",
    "2",
    "1",
    "3",
    "0",
    "2.3",
    "5.0",
    "passed",
    "",
  ]);
});

test("a skipped fault has no times, and a reason cannot break the table", () => {
  const skipped = { ...row, recoverySeconds: undefined, largestGapSeconds: undefined };
  const verdict = { kind: "skipped", why: "no | mounts" } as const;
  const cells = resultTable([{ ...skipped, verdict }])
    .split("\n")[2]
    ?.split("|");
  expect(cells?.slice(10, 13).map((cell) => cell.trim())).toEqual([
    "-",
    "-",
    "skipped: no / mounts",
  ]);
});
