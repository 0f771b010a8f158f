import { describe, expect, test } from "vitest";
import { runSteps } from "../block-steps/run-steps.ts";
import { block, pledge } from "../claims.ts";
import type { BlockExecution } from "../execution.ts";
import { assertBlockInvariants, changesOf } from "../invariants.ts";
import { balanceOf, supplyOf } from "../queries.ts";
import { LedgerState } from "../state/ledger-state.ts";
import {
  delivery,
  free,
  type InstructionLedger,
  instructionLedger,
  paid,
  receipt,
  TODAY,
} from "../testing/instruction-ledger.ts";
import { DENOMINATION, PIB } from "../testing/test-ledger.ts";
import { bodyFromJson } from "../transaction-json.ts";
import { CBDC } from "../types.ts";
import { candidates, settleSet } from "./netting-door.ts";

/** What went wrong in comparable systems, as small cases of ours. The reports are named. */
function during(market: InstructionLedger, run: (execution: BlockExecution) => void): LedgerState {
  const { ledger } = market;
  const state = new LedgerState(ledger.state);
  const timestampMs = ledger.timestampMs + 1_000;
  const context = { state, height: ledger.height + 1, timestampMs, businessDate: TODAY };
  const groups = runSteps("end", context, [{ name: "test", at: "end", run }]);
  assertBlockInvariants(changesOf(state, groups));
  return state;
}

describe("reported failures", () => {
  test("one input named twice mints money (hyperledger/fabric-samples PR 366)", () => {
    const market = instructionLedger();
    market.pair({ model: "DVP_3" }, { model: "DVP_3" });
    const state = during(market, (execution) => {
      const found = candidates(execution, 10);
      expect(settleSet(execution, [...found, ...found])).toBeUndefined();
      expect(settleSet(execution, found)).toBeUndefined();
    });
    expect(state.balances.get(`SGLA-UBL/${PIB}`)?.total).toBe(DENOMINATION);
    expect(state.balances.get(`SGLA-HBL/${PIB}`)?.total).toBe(9n * DENOMINATION);
  });

  test("enough balance but all of it soft-locked for good (corda/token-sdk 166)", () => {
    const market = instructionLedger();
    const quantity = 4n * DENOMINATION;
    const locks = [1, 2].map((n) =>
      market.enter({ ...delivery, reference: `L-${n}`, quantity, reserve: true }),
    );
    const all = { ...free, quantity: 10n * DENOMINATION };
    const [whole] = market.pair({ ...all, reference: "D-ALL" }, all);
    expect(market.status(whole)).toBe("PENDING LACK");
    for (const id of locks) market.cancel(id, "HBL");
    market.minutes(1);
    expect(market.status(whole)).toBe("SETTLED");
  });

  test("an id that failed for lack of funds succeeds when sent again (tigerbeetle PR 2335)", () => {
    const market = instructionLedger();
    const transaction = market.transaction({
      ...receipt,
      ...paid(600_000_000n, "CASH-UBL"),
      reserve: true,
    });
    const first = market.kept(market.ledger.block(transaction)).receipts[0];
    expect(first?.outcome.code).toBe("INSUFFICIENT_CASH");
    market.mint("CASH-UBL", 500_000_000n);
    const again = market.kept(market.ledger.block(transaction)).receipts[0];
    expect(again).toMatchObject({ executed: false, first: { txId: transaction.txId } });
    expect(again?.first?.outcome.code).toBe("INSUFFICIENT_CASH");
    expect(market.told("instructionAccepted")).toEqual([]);
  });

  test("a rebuilt transaction executes beside the first (stellar-core 1811, 2920)", () => {
    const market = instructionLedger();
    const clientRef = "TIMED-OUT";
    market.instruct(delivery, { clientRef });
    const rebuilt = market.instruct({ ...delivery, reference: "D-2" }, { clientRef });
    expect(rebuilt.outcome.code).toBe("IDEMPOTENCY_CONFLICT");
    // Even under another client reference the party's own reference stands for one instruction.
    expect(market.instruct(delivery).outcome.code).toBe("INSTRUCTION_REFERENCE_USED");
    expect(market.told("instructionAccepted")).toHaveLength(1);
  });

  test("a gap or a failure blocks what comes later (besu 1891, 7589)", () => {
    const market = instructionLedger();
    const failing = market.transaction({ ...delivery, quantity: 0n });
    const expired = market.transaction(delivery, { expiresAtHeight: 1 });
    const good = market.transaction({ ...delivery, reference: "D-3" });
    const codes = market.ledger
      .block(failing, expired, good)
      .receipts.map(({ outcome }) => outcome.code);
    expect(codes).toEqual(["AMOUNT_ZERO", "TX_EXPIRED", "APPLIED"]);
  });

  test("each leg of a batch is held against the balance by itself (ethereum/ERCs 1814)", () => {
    const market = instructionLedger();
    const pool = { id: "BATCH", total: 2 };
    const six = { ...free, quantity: 6n * DENOMINATION };
    const [first] = market.pair({ ...six, pool, commonId: "A" }, { ...six, commonId: "A" });
    const [second] = market.pair(
      { ...six, pool, commonId: "B", reference: "D-2" },
      { ...six, commonId: "B", reference: "R-2" },
    );
    expect([market.of(first).state, market.of(second).state]).toEqual(["PENDING", "PENDING"]);
    expect(market.total("SGLA-UBL", PIB)).toBe(0n);
  });

  test("what is set aside is left out of the supply (rippled 2474)", () => {
    const market = instructionLedger();
    market.enter({ ...delivery, reserve: true });
    const state = during(market, (execution) => {
      const units = { account: "SGLA-HBL", asset: PIB, amount: DENOMINATION, field: "account" };
      expect(pledge(execution, { ...units, holder: "LIEN-1" })).toBeUndefined();
      expect(block(execution, { ...units, holder: "ORDER-1" })).toBeUndefined();
    });
    const balance = state.balances.get(`SGLA-HBL/${PIB}`);
    expect(balance).toMatchObject({
      total: 10n * DENOMINATION,
      available: 7n * DENOMINATION,
      reserved: DENOMINATION,
      pledged: DENOMINATION,
      blocked: DENOMINATION,
    });
    const issuance = balanceOf(market.ledger.state, "ISS", PIB)?.total ?? 0n;
    expect(issuance + 10n * DENOMINATION).toBe(supplyOf(market.ledger.state, PIB)?.outstanding);
  });

  test("amounts beyond 2^53 lose digits (solana 30341; hiero-mirror-node 2830)", () => {
    const market = instructionLedger();
    const amount = 9_007_199_254_740_993n;
    market.mint("CASH-UBL", amount - 500_000_000n);
    expect(market.total("CASH-UBL")).toBe(amount);
    const [first] = market.pair(paid(amount, "CASH-HBL"), paid(amount, "CASH-UBL"));
    expect(market.of(first).settledCash).toBe(amount);
    expect(market.told("instructionSettled")[0]?.cashAmount).toBe(amount);
    const redeem = { asset: CBDC, issuer: "SBP", account: "CASH-HBL", reference: "R" };
    const head = { chainId: market.ledger.chainId, member: "HBL", clientRef: "R" };
    const json = { ...redeem, amount: String(amount) };
    const body = bodyFromJson({ ...head, expiresAtHeight: 9 }, "redeem-cash", json);
    expect(body.payload).toEqual({ ...redeem, amount });
  });

  test("an allocated batch cannot be cancelled (digital-asset/daml-finance #421)", () => {
    const market = instructionLedger();
    const [first, second] = market.pair({ hold: true, reserve: true }, { reserve: true });
    market.cancel(first, "HBL");
    market.cancel(second, "UBL");
    expect(market.status(second)).toBe("CANCELLED CANT");
    expect(market.available("SGLA-HBL", PIB)).toBe(10n * DENOMINATION);
    expect(market.available("CASH-UBL")).toBe(500_000_000n);
  });

  test("a netted payment closes the gross debts at the net (SnigdhaMandal/SettleX 14)", () => {
    const market = instructionLedger();
    const net = { model: "DVP_3" } as const;
    market.pair(
      { ...net, ...paid(700_000_000n, "CASH-HBL") },
      { ...net, ...paid(700_000_000n, "CASH-UBL") },
    );
    const back = { ...net, quantity: 1n * DENOMINATION };
    market.pair(
      {
        ...back,
        account: "SGLA-UBL",
        counterparty: "HBL",
        ...paid(600_000_000n, "CASH-UBL"),
        reference: "D-2",
      },
      {
        ...back,
        account: "SGLA-HBL",
        counterparty: "UBL",
        ...paid(600_000_000n, "CASH-HBL"),
        reference: "R-2",
      },
    );
    for (let i = 0; i < 40 && market.told("instructionSettled").length === 0; i++)
      market.minutes(1);
    const confirmed = market.told("instructionSettled").map(({ cashAmount }) => Number(cashAmount));
    expect(confirmed.toSorted((a, b) => a - b)).toEqual([6e8, 6e8, 7e8, 7e8]);
    expect(market.total("CASH-UBL")).toBe(400_000_000n);
  });
});
