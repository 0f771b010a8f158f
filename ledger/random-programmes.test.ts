import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { StateTree } from "../primitives/merkle/state-tree.ts";
import { applyBlock } from "./apply-block.ts";
import type { SignedTransaction } from "./envelope.ts";
import type { LedgerEvent } from "./events.ts";
import { accountView, supplyOf } from "./queries.ts";
import { succeeded } from "./receipt.ts";
import { DENOMINATION, PIB, readyLedger, type TestLedger } from "./testing/test-ledger.ts";
import { CBDC } from "./types.ts";

/**
 * Random programmes of transactions, right and wrong ones mixed, in blocks of random size. Every
 * block asserts its invariants, and the test ledger checks the whole state after each.
 */
const securities = ["SGLA-HBL", "SGLA-UBL", "ISS", "NOWHERE"] as const;
const coins = ["CASH-HBL", "CASH-UBL", "CASH-GOV", "NOWHERE"] as const;
const everyone = ["SBP", "FINDIV", "HBL", "UBL"];

const step = fc.oneof(
  fc.record({
    kind: fc.constant("settle-dvp" as const),
    deliverer: fc.constantFrom(...securities),
    receiver: fc.constantFrom(...securities),
    payer: fc.constantFrom(...coins),
    payee: fc.constantFrom(...coins),
    units: fc.nat(40),
    clean: fc.bigInt(0n, 400_000_000n),
    accrued: fc.bigInt(0n, 1_000_000n),
  }),
  fc.record({
    kind: fc.constant("primary" as const),
    bank: fc.constantFrom("HBL", "UBL"),
    units: fc.integer({ min: 1, max: 30 }),
    clean: fc.bigInt(1n, 100_000_000n),
    accrued: fc.bigInt(0n, 1_000_000n),
  }),
  fc.record({
    kind: fc.constant("transfer-cbdc" as const),
    from: fc.constantFrom(...coins),
    to: fc.constantFrom(...coins),
    amount: fc.bigInt(0n, 600_000_000n),
  }),
  fc.record({
    kind: fc.constant("mint-cbdc" as const),
    account: fc.constantFrom(...coins),
    amount: fc.bigInt(0n, 1n << 60n),
    reserve: fc.nat(20),
  }),
  fc.record({ kind: fc.constant("issue" as const), units: fc.nat(60) }),
  fc.record({ kind: fc.constant("authorise" as const), units: fc.nat(60) }),
  fc.record({ kind: fc.constant("rate" as const), rateE4: fc.integer({ min: 0, max: 5_000_000 }) }),
  fc.record({ kind: fc.constant("again" as const), back: fc.nat(20) }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function build(ledger: TestLedger, drawn: Step, sent: readonly SignedTransaction[]) {
  const options = { signers: everyone };
  switch (drawn.kind) {
    case "settle-dvp": {
      const { deliverer, receiver, payer, payee, units, clean, accrued } = drawn;
      const payload = {
        settlementRef: "RANDOM",
        isin: PIB,
        face: BigInt(units) * DENOMINATION,
        delivererAccount: deliverer,
        receiverAccount: receiver,
        payerCashAccount: payer,
        payeeCashAccount: payee,
        cleanAmount: clean,
        accruedInterest: accrued,
      };
      return ledger.transaction("settle-dvp", payload, options);
    }
    case "primary": {
      const payload = {
        settlementRef: "PRIMARY",
        isin: PIB,
        face: BigInt(drawn.units) * DENOMINATION,
        delivererAccount: "ISS",
        receiverAccount: `SGLA-${drawn.bank}`,
        payerCashAccount: `CASH-${drawn.bank}`,
        payeeCashAccount: "CASH-GOV",
        cleanAmount: drawn.clean,
        accruedInterest: drawn.accrued,
      };
      return ledger.transaction("settle-dvp", payload, options);
    }
    case "transfer-cbdc": {
      const { from, to, amount } = drawn;
      const payload = { fromAccount: from, toAccount: to, amount, reference: "RANDOM" };
      return ledger.transaction("transfer-cbdc", payload, options);
    }
    case "mint-cbdc": {
      const { account, amount, reserve } = drawn;
      const payload = { account, amount, reserveRef: `R${reserve}` };
      return ledger.transaction("mint-cbdc", payload, options);
    }
    case "issue": {
      const face = BigInt(drawn.units) * DENOMINATION;
      const payload = { isin: PIB, face, account: "ISS", mandateRef: "M" };
      return ledger.transaction("issue", payload, options);
    }
    case "authorise": {
      const face = BigInt(drawn.units) * DENOMINATION;
      const payload = { isin: PIB, face, mandateRef: "M" };
      return ledger.transaction("authorise-instrument", payload, options);
    }
    case "rate": {
      const effectiveFromMs = ledger.timestampMs;
      const payload = { rateE4: drawn.rateE4, effectiveFromMs, reference: "FX" };
      return ledger.transaction("record-fx-rate", payload, options);
    }
    case "again":
      return (
        sent.at(-1 - drawn.back) ??
        ledger.transaction("issue", { isin: PIB, face: 0n, account: "ISS", mandateRef: "M" })
      );
  }
}

const programme = fc.array(fc.array(step, { minLength: 0, maxLength: 8 }), { maxLength: 8 });

interface Run {
  readonly roots: readonly string[];
  readonly events: readonly LedgerEvent[];
  readonly ledger: TestLedger;
  readonly settled: number;
}

function run(blocks: readonly (readonly Step[])[]): Run {
  const ledger = readyLedger();
  const sent: SignedTransaction[] = [];
  const roots: string[] = [];
  const events: LedgerEvent[] = [];
  let settled = 0;
  for (const steps of blocks) {
    const transactions = steps.map((drawn) => {
      const transaction = build(ledger, drawn, sent);
      sent.push(transaction);
      return transaction;
    });
    const result = ledger.block(...transactions);
    roots.push(result.stateRoot, result.receiptsRoot);
    events.push(...result.events.map(({ event }) => event));
    settled += result.receipts.filter(succeeded).length;
    expect(StateTree.from(ledger.state).root).toBe(result.stateRoot);
  }
  return { roots, events, ledger, settled };
}

const ACCOUNTS = ["ISS", "SGLA-HBL", "SGLA-UBL", "CASH-HBL", "CASH-UBL", "CASH-GOV"];

describe("random programmes", () => {
  test("keep every invariant, and statements derived from events tie out to balances", () => {
    let settled = 0;
    fc.assert(
      fc.property(programme, (blocks) => {
        const opening = totals(readyLedger());
        const { ledger, events, settled: count } = run(blocks);
        settled += count;
        for (const event of events) {
          if (event.type !== "posting") continue;
          const { account, asset, direction, amount } = event.body;
          const id = `${account}/${asset}`;
          const before = opening.get(id) ?? 0n;
          opening.set(id, direction === "CREDIT" ? before + amount : before - amount);
        }
        for (const [id, total] of totals(ledger)) expect(opening.get(id)).toBe(total);
        for (const asset of [PIB, CBDC]) {
          let sum = 0n;
          for (const [id, total] of totals(ledger)) if (id.endsWith(`/${asset}`)) sum += total;
          expect(sum).toBe(supplyOf(ledger.state, asset)?.outstanding);
        }
      }),
      { numRuns: 60 },
    );
    // The programmes do something: not everything was refused.
    expect(settled).toBeGreaterThan(100);
  });

  test("replay gives the same roots", () => {
    fc.assert(
      fc.property(programme, (blocks) => {
        expect(run(blocks).roots).toEqual(run(blocks).roots);
      }),
      { numRuns: 15 },
    );
  });

  test("the order in which the state map was filled does not matter", () => {
    fc.assert(
      fc.property(programme, fc.infiniteStream(fc.nat()), (blocks, noise) => {
        const { ledger } = run(blocks);
        const { state, tree, height, timestampMs } = ledger;
        const transactions = [
          ledger.checked(build(ledger, { kind: "issue", units: 1 }, [])),
          ledger.checked(build(ledger, { kind: "again", back: 0 }, [])),
        ];
        const next = {
          height: height + 1,
          parentDigest: ledger.digestAt(height),
          timestampMs: timestampMs + 1,
          transactions,
          evidence: [],
        };
        const shuffled = [...state]
          .map((entry) => [noise.next().value, entry] as const)
          .toSorted(([a], [b]) => a - b)
          .map(([, [key, bytes]]) => [key, new Uint8Array(bytes)] as const);
        const other = { state: new Map(shuffled), tree: StateTree.from(shuffled) };
        const a = applyBlock({ state, tree, ...next });
        const b = applyBlock({ ...other, ...next });
        expect(b.stateRoot).toBe(a.stateRoot);
        expect(b.receiptsRoot).toBe(a.receiptsRoot);
        expect(b.changes).toEqual(a.changes);
      }),
      { numRuns: 15 },
    );
  });
});

function totals(ledger: TestLedger): Map<string, bigint> {
  const out = new Map<string, bigint>();
  for (const account of ACCOUNTS) {
    for (const { asset, total } of accountView(ledger.state, account)?.balances ?? []) {
      out.set(`${account}/${asset}`, total);
    }
  }
  return out;
}
