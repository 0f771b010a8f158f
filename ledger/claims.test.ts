import { describe, expect, test } from "vitest";
import { block, claimedBy, pledge, release, reserve, unblock, unpledge } from "./claims.ts";
import type { LedgerEvent } from "./events.ts";
import type { Execution } from "./execution.ts";
import { assertBlockInvariants, changesOf } from "./invariants.ts";
import type { UnitMovement } from "./movement.ts";
import { moveNet, moveUnits } from "./postings.ts";
import { balanceId } from "./state/balance.ts";
import { claimTable } from "./state/claim.ts";
import { LedgerState } from "./state/ledger-state.ts";
import { openedLedger } from "./testing/test-ledger.ts";
import { CBDC } from "./types.ts";

/** HBL and UBL have 500,000,000 paisa each, the sovereign nothing. */
class Bench {
  readonly state = new LedgerState(openedLedger().state);
  readonly events: LedgerEvent[] = [];
  readonly execution: Execution = {
    state: this.state,
    height: 20,
    timestampMs: 20_000,
    businessDate: "2025-11-25",
    txId: "11".repeat(32),
    emit: (event) => {
      this.events.push(event);
    },
    takeKeyCheck: () => false,
  };

  balance(account: string) {
    return this.state.balances.get(balanceId(account, CBDC));
  }

  movement(from: string, to: string, amount: bigint, more: Partial<UnitMovement> = {}) {
    return {
      from: this.state.accounts.get(from),
      to: this.state.accounts.get(to),
      asset: CBDC,
      parts: [{ amount, reason: "CASH_TRANSFER" as const }],
      purpose: "CASH_TRANSFER" as const,
      reference: "R",
      fields: { from, to },
      ...more,
    };
  }

  /** Everything that the block's invariants say. */
  check(): void {
    this.state.commit();
    assertBlockInvariants(changesOf(this.state, [this.events]));
  }
}

const units = (amount: bigint, holder = "H-1") => ({
  account: "CASH-HBL",
  asset: CBDC,
  holder,
  amount,
  field: "account",
});

describe("claims", () => {
  test.each([
    ["RESERVED", "reserved", reserve, release],
    ["PLEDGED", "pledged", pledge, unpledge],
    ["BLOCKED", "blocked", block, unblock],
  ] as const)("%s: set aside, counted in the total, given back", (part, field, take, give) => {
    const bench = new Bench();
    expect(take(bench.execution, units(300_000_000n))).toBeUndefined();
    expect(take(bench.execution, units(100_000_000n, "H-2"))).toBeUndefined();
    expect(bench.balance("CASH-HBL")).toMatchObject({
      total: 500_000_000n,
      available: 100_000_000n,
      [field]: 400_000_000n,
    });
    bench.check();
    expect(take(bench.execution, units(100_000_001n))?.code).toBe("INSUFFICIENT_CASH");
    expect(give(bench.execution, units(300_000_001n))?.code).toBe("INSUFFICIENT_CASH");
    expect(give(bench.execution, units(300_000_000n))).toBeUndefined();
    expect(claimedBy(bench.execution, part, units(0n))).toBe(0n);
    expect(bench.state.of(claimTable).get(`${part}/CASH-HBL/${CBDC}/H-1`)).toBeUndefined();
    bench.check();
    expect(bench.events.map(({ type }) => type)).toEqual(Array(3).fill("claimChanged"));
  });

  test("three reserved and released, then the whole balance moves", () => {
    const bench = new Bench();
    for (const holder of ["A", "B", "C"]) reserve(bench.execution, units(166_000_000n, holder));
    const all = [bench.movement("CASH-HBL", "CASH-GOV", 500_000_000n)];
    expect(moveUnits(bench.execution, all)?.code).toBe("INSUFFICIENT_CASH");
    for (const holder of ["A", "B", "C"]) release(bench.execution, units(166_000_000n, holder));
    expect(moveUnits(bench.execution, all)).toBeUndefined();
    bench.check();
  });

  test("units leave a claim where a movement settles it, in parts, and no other claim", () => {
    const bench = new Bench();
    reserve(bench.execution, units(300n));
    pledge(bench.execution, units(200n));
    const claim = { part: "RESERVED" as const, holder: "H-1" };
    const settle = (amount: bigint) =>
      moveUnits(bench.execution, [bench.movement("CASH-HBL", "CASH-GOV", amount, { claim })]);
    expect(settle(120n)).toBeUndefined();
    bench.check();
    expect(settle(181n)?.code).toBe("INSUFFICIENT_CASH");
    expect(settle(180n)).toBeUndefined();
    expect(bench.balance("CASH-HBL")).toMatchObject({ reserved: 0n, pledged: 200n });
    bench.check();
  });
});

describe("moving units", () => {
  test("two legs of 60 from an available 100 in one set: neither moves", () => {
    const bench = new Bench();
    const leg = bench.movement("CASH-HBL", "CASH-GOV", 300_000_000n);
    expect(moveUnits(bench.execution, [leg, leg])?.code).toBe("INSUFFICIENT_CASH");
    bench.state.rollback();
    expect(moveNet(bench.execution, [leg, leg])?.code).toBe("INSUFFICIENT_CASH");
    bench.state.rollback();
    expect(bench.balance("CASH-HBL")?.total).toBe(500_000_000n);
  });

  test("gross, units that arrive are not there for another leg; net, they are", () => {
    const bench = new Bench();
    const chain = [
      bench.movement("CASH-GOV", "CASH-UBL", 200_000_000n),
      bench.movement("CASH-HBL", "CASH-GOV", 200_000_000n),
    ];
    expect(moveUnits(bench.execution, chain)?.code).toBe("INSUFFICIENT_CASH");
    bench.state.rollback();
    bench.events.length = 0;
    expect(moveNet(bench.execution, chain)).toBeUndefined();
    expect(bench.balance("CASH-GOV")).toBeUndefined();
    expect(bench.balance("CASH-UBL")?.total).toBe(700_000_000n);
    // Every leg is posted at its own gross amount.
    const amounts = bench.events.map((event) => event.type === "posting" && event.body.amount);
    expect(amounts).toEqual(Array(4).fill(200_000_000n));
    bench.check();
  });

  test("net with a claim: the claimed units count in full", () => {
    const bench = new Bench();
    reserve(bench.execution, units(500_000_000n));
    const claim = { part: "RESERVED" as const, holder: "H-1" };
    const legs = [bench.movement("CASH-HBL", "CASH-GOV", 400_000_000n, { claim })];
    expect(moveNet(bench.execution, legs)).toBeUndefined();
    expect(bench.balance("CASH-HBL")).toMatchObject({ available: 0n, reserved: 100_000_000n });
    bench.check();
    expect(moveNet(bench.execution, legs)?.code).toBe("INSUFFICIENT_CASH");
  });

  test.each([
    ["CLOSED", "ACCOUNT_CLOSED", "ACCOUNT_CLOSED"],
    ["BLOCKED_DEBIT", "ACCOUNT_FROZEN", undefined],
    ["BLOCKED_CREDIT", undefined, "ACCOUNT_FROZEN"],
    ["BLOCKED_BOTH", "ACCOUNT_FROZEN", "ACCOUNT_FROZEN"],
  ] as const)("the gate stands before both ways: %s", (status, out, into) => {
    for (const move of [moveUnits, moveNet]) {
      const bench = new Bench();
      const account = bench.state.accounts.get("CASH-HBL");
      if (account === undefined) throw new Error("no account");
      bench.state.accounts.put({ ...account, status });
      const from = move(bench.execution, [bench.movement("CASH-HBL", "CASH-GOV", 1n)]);
      expect(from?.code).toBe(out);
      const to = move(bench.execution, [bench.movement("CASH-UBL", "CASH-HBL", 1n)]);
      expect(to?.code).toBe(into);
    }
  });

  test("an ordered transfer reaches into a blocked account, not into a closed one", () => {
    const bench = new Bench();
    const account = bench.state.accounts.get("CASH-HBL");
    if (account === undefined) throw new Error("no account");
    const forced = () => {
      const movement = bench.movement("CASH-HBL", "CASH-GOV", 1n, { purpose: "FORCED_TRANSFER" });
      return moveUnits(bench.execution, [movement])?.code;
    };
    bench.state.accounts.put({ ...account, status: "BLOCKED_BOTH" });
    expect(forced()).toBeUndefined();
    bench.state.accounts.put({ ...account, status: "CLOSED" });
    expect(forced()).toBe("ACCOUNT_CLOSED");
  });
});
