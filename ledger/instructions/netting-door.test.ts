import { describe, expect, test } from "vitest";
import type { BlockStep } from "../block-steps/block-step.ts";
import { runSteps } from "../block-steps/run-steps.ts";
import type { LedgerEvent } from "../events.ts";
import type { BlockExecution } from "../execution.ts";
import { assertBlockInvariants, changesOf } from "../invariants.ts";
import { LedgerState } from "../state/ledger-state.ts";
import {
  type delivery,
  free,
  type InstructionLedger,
  instructionLedger,
  paid,
  receipt,
  TODAY,
} from "../testing/instruction-ledger.ts";
import { DENOMINATION, PIB } from "../testing/test-ledger.ts";
import { CBDC } from "../types.ts";
import { grossPass } from "./gross-pass.ts";
import { availableFor, candidates, settleSet } from "./netting-door.ts";

/** Runs a step on the ledger's state as the next block would, and checks the block's invariants. */
function during(market: InstructionLedger, run: (execution: BlockExecution) => void) {
  const { ledger } = market;
  const state = new LedgerState(ledger.state);
  const step: BlockStep = { name: "test", at: "end", run };
  const timestampMs = ledger.timestampMs + 1_000;
  const context = { state, height: ledger.height + 1, timestampMs, businessDate: TODAY };
  const groups = runSteps("end", context, [step]);
  assertBlockInvariants(changesOf(state, groups));
  return { state, groups: groups as readonly (readonly LedgerEvent[])[] };
}

/** HBL sells to UBL and buys back dearer; neither trade is covered by itself. */
function gridlock(): InstructionLedger {
  const market = instructionLedger();
  const price = 700_000_000n;
  const quantity = 2n * DENOMINATION;
  market.pair({ quantity, ...paid(price, "CASH-HBL") }, { quantity, ...paid(price, "CASH-UBL") });
  market.pair(
    {
      quantity,
      account: "SGLA-UBL",
      counterparty: "HBL",
      ...paid(price, "CASH-UBL"),
      reference: "D-2",
    },
    {
      quantity,
      account: "SGLA-HBL",
      counterparty: "UBL",
      ...paid(price, "CASH-HBL"),
      reference: "R-2",
    },
  );
  return market;
}

describe("what a netting cycle sees", () => {
  test("pairs that only lack units, in their order, with their legs", () => {
    const market = gridlock();
    during(market, (execution) => {
      const found = candidates(execution, 100);
      expect(found.map(({ legs }) => legs)).toEqual([
        [
          { from: "SGLA-HBL", to: "SGLA-UBL", asset: PIB, amount: 2n * DENOMINATION },
          { from: "CASH-UBL", to: "CASH-HBL", asset: CBDC, amount: 700_000_000n },
        ],
        [
          { from: "SGLA-UBL", to: "SGLA-HBL", asset: PIB, amount: 2n * DENOMINATION },
          { from: "CASH-HBL", to: "CASH-UBL", asset: CBDC, amount: 700_000_000n },
        ],
      ]);
      expect(candidates(execution, 1)).toHaveLength(1);
      const [a, b] = found;
      expect((a?.order ?? "") < (b?.order ?? "")).toBe(true);
    });
  });

  test("settles a set in one transition, each instruction confirmed at its gross amount", () => {
    const market = gridlock();
    const { state, groups } = during(market, (execution) => {
      const found = candidates(execution, 100);
      let concluded = 0;
      const failed = settleSet(execution, found, () => {
        concluded += 1;
      });
      expect([failed, concluded]).toEqual([undefined, 1]);
      expect(candidates(execution, 100)).toEqual([]);
    });
    expect(state.balances.get(`CASH-UBL/${CBDC}`)?.total).toBe(500_000_000n);
    const settled = groups
      .flat()
      .flatMap((event) => (event.type === "instructionSettled" ? [event.body.cashAmount] : []));
    expect(settled).toEqual(Array(4).fill(700_000_000n));
  });

  test("a set that does not hold leaves nothing behind", () => {
    const market = gridlock();
    const { groups } = during(market, (execution) => {
      const failed = settleSet(execution, candidates(execution, 1));
      expect(failed?.code).toBe("INSUFFICIENT_CASH");
      expect(candidates(execution, 100)).toHaveLength(2);
    });
    expect(groups).toEqual([]);
  });

  test("what is held, linked, blocked, future or closed is no candidate", () => {
    const market = gridlock();
    const big = { quantity: 11n * DENOMINATION, ...free };
    market.pair({ ...big, hold: true, reference: "D-3" }, { ...big, reference: "R-3" });
    market.pair({ ...big, after: "D-1", reference: "D-4" }, { ...big, reference: "R-4" });
    const pool = { id: "P", total: 2 };
    market.pair({ ...big, pool, reference: "D-5" }, { ...big, reference: "R-5" });
    during(market, (execution) => {
      expect(candidates(execution, 100)).toHaveLength(2);
    });
    market.ledger.alterAccount("CASH-UBL", { status: "BLOCKED_DEBIT" });
    during(market, (execution) => {
      expect(candidates(execution, 100)).toHaveLength(1);
    });
    market.at(TODAY, "16:00");
    during(market, (execution) => {
      expect(candidates(execution, 100)).toEqual([]);
    });
  });

  test("models 2 and 3 wait for a cycle even when they could settle gross", () => {
    const market = instructionLedger();
    const [first, second] = market.pair({ model: "DVP_3" }, { model: "DVP_3" });
    expect([market.status(first), market.status(second)]).toEqual(["PENDING CYCL", "PENDING CYCL"]);
    during(market, (execution) => {
      grossPass.run(execution);
      const found = candidates(execution, 100);
      expect(found).toMatchObject([{ id: first, model: "DVP_3", pairs: [first] }]);
      expect(settleSet(execution, found)).toBeUndefined();
    });
  });

  test("a linked set is one candidate; what is reserved for its own counts", () => {
    const market = instructionLedger();
    const pool = { id: "P", total: 2 };
    const model = { model: "DVP_3" } as const;
    const trade = (n: number, change: Partial<typeof delivery>) =>
      market.pair(
        { ...model, ...change, reference: `D-${n}`, commonId: `T-${n}` },
        { ...model, reference: `R-${n}`, commonId: `T-${n}`, reserve: true },
      );
    const [first] = trade(1, { pool, reserve: true });
    const [second] = trade(2, { pool });
    during(market, (execution) => {
      const found = candidates(execution, 100);
      expect(found).toHaveLength(1);
      expect(new Set(found[0]?.pairs)).toEqual(new Set([first, second]));
      const available = availableFor(execution, found);
      expect(available("SGLA-HBL", PIB)).toBe(10n * DENOMINATION);
      expect(available("CASH-UBL", CBDC)).toBe(500_000_000n);
      expect(availableFor(execution, [])("SGLA-HBL", PIB)).toBe(9n * DENOMINATION);
      expect(settleSet(execution, found)).toBeUndefined();
    });
    expect(market.status(market.enter({ ...receipt, reference: "R-3" }))).toBe("UNMATCHED CMIS");
  });
});
