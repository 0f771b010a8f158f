import { expect, test } from "vitest";
import { requireSame } from "./ledger-count.ts";

const counted = new Set(["a", "b", "c"]);
const differs = expect.objectContaining({ code: "COUNT_DIFFERS" });

test("the same settlements in any order are accepted", () => {
  expect(() => requireSame("node", ["c", "a", "b"], counted)).not.toThrow();
  expect(() => requireSame("node", [], new Set())).not.toThrow();
});

test.each([
  ["one is missing", ["a", "b"]],
  ["one is not of the run", ["a", "b", "c", "d"]],
  ["one stands in for another", ["a", "b", "d"]],
  ["one stands there twice", ["a", "b", "c", "c"]],
  ["one is missing and another stands there twice", ["a", "b", "b"]],
])("refused: %s", (_what, settled) => {
  expect(() => requireSame("node", settled, counted)).toThrow(differs);
});
