import { describe, expect, test } from "vitest";
import { NO_TRANSACTION } from "../events.ts";
import { type BlockExecution, failure } from "../execution.ts";
import { moveUnits } from "../postings.ts";
import { balanceId } from "../state/balance.ts";
import { LedgerState } from "../state/ledger-state.ts";
import { openedLedger } from "../testing/test-ledger.ts";
import { CBDC } from "../types.ts";
import type { BlockStep } from "./block-step.ts";
import { runSteps } from "./run-steps.ts";

function contextOf(state: LedgerState) {
  return { state, height: 9, timestampMs: 9_000, businessDate: "2025-11-25" };
}

function pay(execution: BlockExecution, from: string, to: string, amount: bigint) {
  const { accounts } = execution.state;
  return moveUnits(execution, [
    {
      from: accounts.get(from),
      to: accounts.get(to),
      asset: CBDC,
      parts: [{ amount, reason: "CASH_TRANSFER" }],
      purpose: "CASH_TRANSFER",
      reference: "STEP",
      fields: { from: "from", to: "to" },
    },
  ]);
}

describe("block steps", () => {
  test("each item stands or falls by itself, with its events", () => {
    const state = new LedgerState(openedLedger().state);
    const failures: unknown[] = [];
    const step: BlockStep = {
      name: "pay",
      at: "end",
      run(execution) {
        expect(execution.txId).toBe(NO_TRANSACTION);
        expect(execution.takeKeyCheck()).toBe(false);
        failures.push(execution.attempt(() => pay(execution, "CASH-HBL", "CASH-GOV", 7n)));
        failures.push(
          execution.attempt(() => {
            expect(pay(execution, "CASH-HBL", "CASH-GOV", 11n)).toBeUndefined();
            return failure("LIMIT_REACHED");
          }),
        );
        failures.push(execution.attempt(() => pay(execution, "CASH-GOV", "CASH-UBL", 8n)));
      },
    };
    const groups = runSteps("end", contextOf(state), [step]);
    expect(failures).toEqual([
      undefined,
      { code: "LIMIT_REACHED", field: undefined },
      { code: "INSUFFICIENT_CASH", field: "from" },
    ]);
    expect(groups.map((group) => group.length)).toEqual([2]);
    expect(state.balances.get(balanceId("CASH-GOV", CBDC))?.total).toBe(7n);
    state.rollback();
    expect(state.balances.get(balanceId("CASH-HBL", CBDC))?.total).toBe(499_999_993n);
  });

  test("what a step does outside its items is not undone with one, and ends with the step", () => {
    const state = new LedgerState(openedLedger().state);
    const step: BlockStep = {
      name: "mixed",
      at: "begin",
      run(execution) {
        pay(execution, "CASH-HBL", "CASH-GOV", 5n);
        execution.attempt(() => failure("LIMIT_REACHED"));
        pay(execution, "CASH-HBL", "CASH-GOV", 6n);
      },
    };
    const groups = runSteps("begin", contextOf(state), [step, { ...step, at: "end" }]);
    expect(groups.map((group) => group.length)).toEqual([2, 2]);
    state.rollback();
    expect(state.balances.get(balanceId("CASH-GOV", CBDC))?.total).toBe(11n);
  });

  test("items do not nest", () => {
    const state = new LedgerState(openedLedger().state);
    const step: BlockStep = {
      name: "nested",
      at: "end",
      run(execution) {
        execution.attempt(() => execution.attempt(() => undefined));
      },
    };
    expect(() => runSteps("end", contextOf(state), [step])).toThrow(/do not nest/);
  });
});
