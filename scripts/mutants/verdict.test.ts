import { describe, expect, test } from "vitest";
import type { Mutant } from "../../consensus/mutants/mutant.ts";
import { type MutantRun, type TestOutcome, type Thrown, verdictOf } from "./verdict.ts";

const scenario = { file: "a.test.ts", test: "does" };
const mutant: Mutant = {
  name: "a",
  rule: "A rule.",
  edits: [{ file: "a.ts", find: "x", replace: "y" }],
  killedBy: [scenario],
};

const passed: TestOutcome = { name: "it does", passed: true, errors: [] };
const failedBy = (...errors: readonly Thrown[]): TestOutcome => ({
  name: "it does",
  passed: false,
  errors,
});
const assertion = { name: "AssertionError", message: "expected 1 to be 2" };
const timeOut = { name: "Error", message: "Test timed out in 60000ms." };

const run = (tests: readonly TestOutcome[], change: Partial<MutantRun> = {}): MutantRun => ({
  appliedTo: new Set(["a.ts"]),
  outcomes: [{ scenario, loadErrors: [], tests }],
  ...change,
});

describe("a mutant is killed", () => {
  test.each([
    ["an assertion", assertion],
    ["a broken invariant", { name: "InvariantError", message: "heights are contiguous" }],
    ["an assertion in a property", { name: "Error", message: "failed", cause: assertion }],
  ])("by %s", (_, error) => {
    const verdict = verdictOf(mutant, run([passed, failedBy(error)]));
    expect(verdict).toEqual({ kind: "killed", by: ['a.test.ts "it does"'] });
  });

  test("by a time-out only where a stall is what the bug looks like", () => {
    const outcome = run([failedBy(timeOut)]);
    expect(verdictOf({ ...mutant, stalls: true }, outcome).kind).toBe("killed");
    expect(verdictOf(mutant, outcome).kind).toBe("unfit");
  });
});

test("a mutant survives where one of its scenarios passes", () => {
  expect(verdictOf(mutant, run([passed]))).toMatchObject({ kind: "survived" });
  const other = { scenario: { file: "b.test.ts", test: "b" }, loadErrors: [], tests: [passed] };
  const outcomes = [...run([failedBy(assertion)]).outcomes, other];
  expect(verdictOf(mutant, run([], { outcomes }))).toEqual({
    kind: "survived",
    why: 'passed: b.test.ts "b"',
  });
});

describe("a run says nothing", () => {
  test.each([
    ["when the tests never load the mutated file", run([passed], { appliedTo: new Set() })],
    ["when no test has the name", run([])],
    ["when something else is broken", run([failedBy({ name: "TypeError", message: "x is not" })])],
    ["when a test fails without an error", run([failedBy()])],
    [
      "when the test file does not load",
      run([], { outcomes: [{ scenario, loadErrors: ["PARSE_ERROR"], tests: [] }] }),
    ],
  ])("%s", (_, outcome) => {
    expect(verdictOf(mutant, outcome).kind).toBe("unfit");
  });
});
