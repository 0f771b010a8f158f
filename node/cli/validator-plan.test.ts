import { expect, test } from "vitest";
import type { ResultOf } from "../../client/rpc/methods.ts";
import { testGenesis } from "../../ledger/testing/test-ledger.ts";
import { keyOf } from "../../ledger/testing/validator-ledger.ts";
import { toHex } from "../../primitives/bytes.ts";
import { type Idea, parseAdmission, planOf } from "./validator-plan.ts";

const FOUR = [
  { name: "sbp-1", member: "SBP" },
  { name: "sbp-2", member: "SBP" },
  { name: "fin-1", member: "FINDIV" },
  { name: "hbl-1", member: "HBL" },
];

const facts: ResultOf<"chain.validators"> = {
  height: "9",
  epoch: "2",
  startHeight: "5",
  epochLengthBlocks: "100",
  setHash: "ab".repeat(32),
  validators: FOUR.map((site) => ({
    ...site,
    weight: 1,
    consensusKey: toHex(keyOf(`${site.name} consensus`)),
    networkKey: toHex(keyOf(`${site.name} network`)),
  })),
  totalWeight: 4,
  quorum: 3,
  faultBound: 1,
  pending: [],
};

function faults(...ideas: readonly Idea[]) {
  return planOf(facts, testGenesis(), ideas).changes.map(({ fault }) => fault);
}

test("a plan shows the new quorum, who must be up, and sends nothing", () => {
  const plan = planOf(facts, testGenesis(), [parseAdmission("sbp-9:SBP")]);
  expect(plan.before).toMatchObject({ totalWeight: 4, quorum: 3, faultBound: 1 });
  expect(plan.after).toMatchObject({ totalWeight: 5, quorum: 4, faultBound: 1 });
  expect(plan.after.validators.at(-1)).toEqual({ name: "sbp-9", member: "SBP", weight: 1 });
  // The four that vote already are just enough while the new one is not up.
  expect([plan.remainingWeight, plan.indispensable]).toEqual([4, []]);
  expect(plan.changes).toEqual([
    { action: "ADMIT", name: "sbp-9", proposed: false, ready: false, fault: undefined },
  ]);
});

test("it counts what waits on the ledger first, as the ledger would", () => {
  const pending = [
    {
      action: "ROTATE",
      name: "sbp-1",
      member: "SBP",
      consensusKey: toHex(keyOf("next")),
      timing: "EPOCH_END",
      ready: true,
      height: "7",
      txId: "cd".repeat(32),
    },
  ];
  const plan = planOf({ ...facts, pending }, testGenesis(), [{ action: "ROTATE", name: "fin-1" }]);
  expect(plan.changes).toMatchObject([
    { name: "sbp-1", proposed: true, ready: true, fault: undefined },
    { name: "fin-1", proposed: false, fault: "VALIDATOR_CHURN" },
  ]);
  expect(plan.remainingWeight).toBe(3);
});

test("it names the rule that a change would break", () => {
  expect(faults({ action: "REMOVE", name: "hbl-1" })).toEqual(["VALIDATORS_TOO_FEW"]);
  expect(faults({ action: "REMOVE", name: "nobody" })).toEqual(["VALIDATOR_UNKNOWN"]);
  expect(faults(parseAdmission("hbl-1:HBL"))).toEqual(["VALIDATOR_EXISTS"]);
  expect(faults(parseAdmission("ubl-1:UBL"))).toEqual(["SOVEREIGN_CONTROL"]);
  expect(faults(parseAdmission("sbp-9:SBP:2"))).toEqual(["VALIDATOR_TOO_HEAVY"]);
});

test.each(["", "sbp-9", "sbp-9:SBP:0", "sbp-9:SBP:x", "a:b:1:2"])("%j is no admission", (text) => {
  expect(() => parseAdmission(text)).toThrow(/name:member/);
});
