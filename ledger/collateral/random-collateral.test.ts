import fc from "fast-check";
import { expect, test } from "vitest";
import { addDays } from "../arithmetic/calendar-date.ts";
import { businessDateOf } from "../business-date.ts";
import { balanceOf, supplyOf } from "../queries.ts";
import { HOUR_MS, MILLION } from "../testing/auction-ledger.ts";
import { collateralLedger, mandate, repoPayload } from "../testing/collateral-ledger.ts";
import { OTHER_PIB, PIB, type TestLedger } from "../testing/test-ledger.ts";
import { CBDC } from "../types.ts";

/**
 * Random programmes of repos, liens and credits, right and wrong steps mixed, with prices that move
 * and days that pass. The test ledger checks the whole state after each block: what is pledged is
 * held by a lien, a repo or a credit, nothing appears or disappears.
 */
const isin = fc.constantFrom(PIB, OTHER_PIB);
const lot = fc.record({ isin, face: fc.nat(30).map((n) => BigInt(n) * 10n * MILLION) });
const id = fc.constantFrom("A", "B", "C");
/** By whom a repo or lien is given; now and then somebody else tries. */
const giver = fc.constantFrom("own", "own", "own", "own", "other");
const BANKS: Readonly<Record<string, string>> = { A: "HBL", B: "HBL", C: "UBL" };

const opening = fc.record({
  kind: fc.constant("open" as const),
  id,
  giver,
  lots: fc.array(lot, { minLength: 1, maxLength: 2 }),
  cash: fc.nat(150),
  days: fc.integer({ min: 0, max: 3 }),
  form: fc.constantFrom("EARMARK" as const, "TITLE_TRANSFER" as const),
});

const step = fc.oneof(
  { arbitrary: opening, weight: 4 },
  fc.record({ kind: fc.constant("swap" as const), id, giver, given: lot, returned: lot }),
  fc.record({ kind: fc.constant("call" as const), id, giver }),
  fc.record({ kind: fc.constant("add" as const), id, giver, lot }),
  fc.record({ kind: fc.constant("return" as const), id, giver, lot }),
  fc.record({
    kind: fc.constant("close" as const),
    id,
    giver,
    timing: fc.constantFrom("AT_TERM" as const, "EARLY" as const),
  }),
  fc.record({ kind: fc.constant("default" as const), id, giver }),
  fc.record({ kind: fc.constant("pledge" as const), id, giver, lot }),
  fc.record({ kind: fc.constant("release" as const), id, giver, lot }),
  fc.record({ kind: fc.constant("enforce" as const), id, giver }),
  fc.record({ kind: fc.constant("draw" as const), amount: fc.nat(300) }),
  fc.record({ kind: fc.constant("repay" as const), amount: fc.nat(300) }),
  fc.record({ kind: fc.constant("take" as const) }),
  fc.record({ kind: fc.constant("pay" as const), giver, amount: fc.nat(900) }),
  fc.record({
    kind: fc.constant("price" as const),
    isin,
    priceE4: fc.integer({ min: 900_000, max: 1_100_000 }),
  }),
  fc.record({ kind: fc.constant("pass" as const), hours: fc.integer({ min: 1, max: 24 }) }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const signers = ["HBL", "UBL", "SBP"];
const other = (name: string) => (name === "HBL" ? "UBL" : "HBL");

function play(ledger: TestLedger, drawn: Step): string {
  const send = { signers };
  const own = "id" in drawn ? (BANKS[drawn.id] ?? "HBL") : "HBL";
  const side = "giver" in drawn && drawn.giver === "other" ? other(own) : own;
  const named = {
    giverSecuritiesAccount: `SGLA-${side}`,
    takerSecuritiesAccount: `SGLA-${other(side)}`,
  };
  const cash = {
    giverCashAccount: `CASH-${side}`,
    takerCashAccount: `CASH-${other(side)}`,
  };
  switch (drawn.kind) {
    case "open": {
      const { id: repo, lots, form } = drawn;
      const endDate = addDays(businessDateOf(ledger.timestampMs), drawn.days);
      const terms = { repo, form, lots, cash: BigInt(drawn.cash) * MILLION, endDate };
      const payload = { ...repoPayload, ...named, ...cash, ...terms };
      return ledger.send("open-repo", payload, send).outcome.code;
    }
    case "swap": {
      const { id: repo, given, returned } = drawn;
      const payload = { repo, ...named, given, returned };
      return ledger.send("substitute-collateral", payload, send).outcome.code;
    }
    case "call": {
      const { takerSecuritiesAccount } = named;
      const payload = { repo: drawn.id, takerSecuritiesAccount };
      return ledger.send("call-margin", payload, send).outcome.code;
    }
    case "add": {
      const { giverSecuritiesAccount } = named;
      const payload = { repo: drawn.id, giverSecuritiesAccount, lot: drawn.lot };
      return ledger.send("add-margin", payload, send).outcome.code;
    }
    case "return": {
      const { takerSecuritiesAccount } = named;
      const payload = { repo: drawn.id, takerSecuritiesAccount, lot: drawn.lot };
      return ledger.send("return-margin", payload, send).outcome.code;
    }
    case "close": {
      const payload = { repo: drawn.id, ...cash, timing: drawn.timing };
      return ledger.send("close-repo", payload, send).outcome.code;
    }
    case "default": {
      const { takerSecuritiesAccount } = named;
      const payload = { repo: drawn.id, takerSecuritiesAccount };
      return ledger.send("default-repo", payload, send).outcome.code;
    }
    case "pledge": {
      const { id: lien, lot: pledged } = drawn;
      const taker = other(side);
      const pledgee = { pledgee: taker, pledgeeAccount: `SGLA-${taker}` };
      const payload = {
        lien,
        account: `SGLA-${side}`,
        ...pledged,
        ...pledgee,
        purpose: "P",
      };
      return ledger.send("pledge-units", payload, send).outcome.code;
    }
    case "release": {
      const payload = { lien: drawn.id, pledgee: other(side), face: drawn.lot.face };
      return ledger.send("release-pledge", payload, send).outcome.code;
    }
    case "enforce": {
      const payload = { lien: drawn.id, pledgee: other(side) };
      return ledger.send("enforce-pledge", payload, send).outcome.code;
    }
    case "draw": {
      const payload = { cashAccount: "CASH-HBL", amount: BigInt(drawn.amount) * MILLION };
      return ledger.send("draw-intraday-credit", payload, send).outcome.code;
    }
    case "repay": {
      const payload = { cashAccount: "CASH-HBL", amount: BigInt(drawn.amount) * MILLION };
      return ledger.send("repay-intraday-credit", payload, send).outcome.code;
    }
    case "take": {
      const payload = { cashAccount: "CASH-HBL", securitiesAccount: "SGLA-SBP" };
      return ledger.send("enforce-intraday-credit", payload, send).outcome.code;
    }
    case "pay": {
      const accounts = { fromAccount: `CASH-${side}`, toAccount: "CASH-GOV" };
      const payload = { ...accounts, amount: BigInt(drawn.amount) * MILLION, reference: "PAY" };
      return ledger.send("transfer-cbdc", payload, send).outcome.code;
    }
    case "price": {
      const terms = { haircutBps: 300, isEligible: true, reference: "HC" };
      const effectiveFromMs = ledger.timestampMs;
      const payload = { isin: drawn.isin, priceE4: drawn.priceE4, effectiveFromMs, ...terms };
      return ledger.send("set-collateral-terms", payload, send).outcome.code;
    }
    case "pass":
      ledger.blockOf([], drawn.hours * HOUR_MS);
      return "PASSED";
  }
}

function start(): TestLedger {
  const ledger = collateralLedger();
  ledger.mustSend("set-liquidity-mandate", mandate, { signers });
  const first = { lots: [{ isin: PIB, face: 200n * MILLION }], cash: 150n * MILLION };
  const end = { endDate: "2025-11-26" };
  ledger.mustSend("open-repo", { ...repoPayload, repo: "A", ...first, ...end }, { signers });
  return ledger;
}

test("whatever is tried, units and coins add up, and the same steps give the same root", () => {
  const seen = new Map<string, number>();
  const law = fc.property(fc.array(step, { minLength: 30, maxLength: 40 }), (steps) => {
    const ledger = start();
    const before = [PIB, OTHER_PIB, CBDC].map(
      (asset) => supplyOf(ledger.state, asset)?.outstanding,
    );
    for (const drawn of steps) {
      const key = `${drawn.kind} ${play(ledger, drawn)}`;
      seen.set(key, (seen.get(key) ?? 0) + 1);
    }
    const after = [PIB, OTHER_PIB, CBDC].map((asset) => supplyOf(ledger.state, asset)?.outstanding);
    expect(after).toEqual(before);
    expect(balanceOf(ledger.state, "CASH-SBP", CBDC)?.total ?? 0n).toBeLessThanOrEqual(
      500n * MILLION,
    );
    const again = start();
    again.checksWholeState = false;
    for (const drawn of steps) play(again, drawn);
    expect(again.tree.root).toBe(ledger.tree.root);
  });
  fc.assert(law, { numRuns: 20, seed: 20_251_125 });
  // The programmes reach what they are meant to reach.
  for (const reached of [
    "open SETTLED",
    "close SETTLED",
    "default APPLIED",
    "swap APPLIED",
    "add APPLIED",
    "pledge APPLIED",
    "draw APPLIED",
  ]) {
    expect(seen.get(reached) ?? 0, reached).toBeGreaterThan(0);
  }
});
