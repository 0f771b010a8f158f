import { describe, expect, test } from "vitest";
import { present } from "../../primitives/assert.ts";
import {
  type Instruct,
  type InstructionLedger,
  instructionLedger,
  paid,
} from "../testing/instruction-ledger.ts";
import { DENOMINATION, PIB } from "../testing/test-ledger.ts";
import { CBDC } from "../types.ts";
import { evidenceHashOf, nettingClockTable, nettingCycleTable } from "./cycle-record.ts";

const PRICE = 700_000_000n;
const quantity = 2n * DENOMINATION;

type Model = Instruct["model"];

/** UBL sells to an account of HBL; the reference tells pairs apart. */
function back(market: InstructionLedger, model: Model, account: string, reference: string) {
  return market.pair(
    {
      model,
      quantity,
      account: "SGLA-UBL",
      counterparty: "HBL",
      reference,
      ...paid(PRICE, "CASH-UBL"),
    },
    {
      model,
      quantity,
      account,
      counterparty: "UBL",
      reference: `R-${reference}`,
      ...paid(PRICE, "CASH-HBL"),
    },
  );
}

/** HBL sells to UBL. */
function forth(market: InstructionLedger, model: Model) {
  return market.pair(
    { model, quantity, ...paid(PRICE, "CASH-HBL") },
    { model, quantity, ...paid(PRICE, "CASH-UBL") },
  );
}

describe("netting cycles", () => {
  test("resolve a gridlock that gross settlement cannot, each trade at its own amount", () => {
    const market = instructionLedger();
    const pairs = [...forth(market, "DVP_3"), ...back(market, "DVP_3", "SGLA-HBL", "BACK")];
    const before = market.total("CASH-UBL");
    expect(pairs.map((id) => market.status(id))).toEqual(Array(4).fill("PENDING CYCL"));
    market.minutes(1);
    expect(pairs.map((id) => market.status(id))).toEqual(Array(4).fill("SETTLED"));
    expect(market.total("CASH-UBL")).toBe(before);
    const amounts = market.told("instructionSettled").map(({ cashAmount }) => cashAmount);
    expect(amounts).toEqual(Array(4).fill(PRICE));
  });

  test("nobody is netted who asked for gross settlement", () => {
    const market = instructionLedger();
    const pairs = [...forth(market, "DVP_1"), ...back(market, "DVP_1", "SGLA-HBL", "BACK")];
    market.minutes(1);
    market.minutes(1);
    expect(pairs.every((id) => market.of(id).state === "PENDING")).toBe(true);
    expect(market.told("nettingCycleSettled")).toEqual([]);
  });

  test("a chain of buying and selling on settles by model 3, and not by model 2", () => {
    for (const model of ["DVP_2", "DVP_3"] as const) {
      const market = instructionLedger();
      market.openSgla("SGLA-HBL-2", "HBL");
      const pairs = [...back(market, model, "SGLA-HBL-2", "ON"), ...forth(market, model)];
      market.minutes(1);
      const state = model === "DVP_3" ? "SETTLED" : "PENDING";
      expect(pairs.map((id) => market.of(id).state)).toEqual(Array(4).fill(state));
      const moved = market.available("SGLA-HBL-2", PIB);
      expect(moved).toBe(model === "DVP_3" ? quantity : 0n);
    }
  });

  test("model 2 nets the cash of deliveries that are in stock", () => {
    const market = instructionLedger();
    // Give UBL stock of its own.
    market.pair(
      { payment: "FREE", cash: undefined, quantity, reference: "STOCK" },
      { payment: "FREE", cash: undefined, quantity, reference: "R-STOCK" },
    );
    const pairs = [...forth(market, "DVP_2"), ...back(market, "DVP_2", "SGLA-HBL", "BACK")];
    market.minutes(1);
    expect(pairs.map((id) => market.status(id))).toEqual(Array(4).fill("SETTLED"));
    expect(market.told("nettingCycleSettled")[0]).toMatchObject({ model: "DVP_2", settled: 2 });
  });

  test("leave evidence: the set, the net vector, and their hash in the state", () => {
    const market = instructionLedger();
    market.openSgla("SGLA-HBL-2", "HBL");
    const [on] = back(market, "DVP_3", "SGLA-HBL-2", "ON");
    const [first] = forth(market, "DVP_3");
    market.minutes(1);
    const [cycle] = market.told("nettingCycleSettled");
    expect(cycle).toMatchObject({ number: 1, model: "DVP_3", candidates: 2, settled: 2 });
    const { pairs: settled } = present(market.told("nettingSetPage")[0], "set");
    const { movements: net } = present(market.told("nettingVectorPage")[0], "vector");
    expect(settled).toEqual([on, first]);
    expect(net).toEqual([
      { account: "SGLA-HBL", asset: PIB, direction: "OUT", amount: quantity },
      { account: "SGLA-HBL-2", asset: PIB, direction: "IN", amount: quantity },
    ]);
    const { height = 0, evidenceHash } = cycle ?? {};
    expect(evidenceHashOf({ number: 1, height, model: "DVP_3", settled, net })).toBe(evidenceHash);
    const kept = nettingCycleTable.read(market.ledger.state, "0000000001");
    expect(kept).toEqual(cycle);
  });

  test("do not touch a frozen account, and go on once it is free", () => {
    const market = instructionLedger();
    const pairs = [...forth(market, "DVP_3"), ...back(market, "DVP_3", "SGLA-HBL", "BACK")];
    market.ledger.alterAccount("SGLA-UBL", { status: "BLOCKED_BOTH" });
    market.minutes(1);
    expect(market.told("posting").length).toBe(0);
    expect(pairs.map((id) => market.of(id).state)).toEqual(Array(4).fill("PENDING"));
    market.ledger.alterAccount("SGLA-UBL", { status: "OPEN" });
    market.minutes(1);
    expect(pairs.map((id) => market.of(id).state)).toEqual(Array(4).fill("SETTLED"));
  });

  test("run when the policy says so", () => {
    const market = instructionLedger();
    const set = (intervalMs: number) =>
      market.ledger.mustSend("set-netting-policy", { intervalMs, candidates: 100 });
    set(0);
    const [id] = forth(market, "DVP_3");
    market.mint("CASH-UBL", PRICE);
    market.minutes(5);
    expect(market.status(id)).toBe("PENDING CYCL");
    expect(nettingClockTable.read(market.ledger.state, "")).toBeUndefined();
    set(30_000); // this block starts the clock
    market.later(29_000);
    expect(market.status(id)).toBe("PENDING CYCL");
    market.later(1_000);
    expect(market.status(id)).toBe("SETTLED");
    const none = { intervalMs: 1, candidates: 0 };
    expect(market.ledger.send("set-netting-policy", none).outcome.code).toBe("AMOUNT_ZERO");
    const forged = market.ledger.send("set-netting-policy", none, { member: "HBL" });
    expect(forged.field).toBe("role CENTRAL_BANK");
  });
});

test("no cycle when nothing waits", () => {
  const market = instructionLedger();
  market.minutes(1);
  expect(nettingClockTable.read(market.ledger.state, "")).toBeUndefined();
  expect(market.available("CASH-UBL", CBDC)).toBe(500_000_000n);
});
