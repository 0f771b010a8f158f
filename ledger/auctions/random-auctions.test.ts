import fc from "fast-check";
import { expect, test } from "vitest";
import { balanceOf, supplyOf } from "../queries.ts";
import {
  accept,
  allotmentOf,
  auctionOf,
  bankBid,
  closedAuction,
  dealersLedger,
  MILLION,
  type NamedBid,
  openInvestor,
  passTo,
  testTerms,
} from "../testing/auction-ledger.ts";
import { PIB } from "../testing/test-ledger.ts";
import { openingOf } from "./allotment-queue.ts";

const drawnBid = fc.record({
  bank: fc.constantFrom("HBL", "UBL"),
  millions: fc.integer({ min: 1, max: 200 }),
  priceE4: fc.integer({ min: 0, max: 3 }).map((n) => 940_000 + 10_000 * n),
});
const auction = fc.record({
  bids: fc.array(drawnBid, { minLength: 1, maxLength: 8 }),
  small: fc.integer({ min: 0, max: 20 }),
  method: fc.constantFrom("MULTIPLE_PRICE" as const, "UNIFORM_PRICE" as const),
  cutOff: fc.nat(7),
  millions: fc.integer({ min: 1, max: 500 }),
});

/** Any auction, any cut-off: the test ledger checks the whole state after each block. */
test("allotments keep to the bids, and everything that was created is delivered against cash", () => {
  let accepted = 0;
  const law = fc.property(auction, ({ bids, small, method, cutOff, millions }) => {
    const ledger = dealersLedger();
    const securitiesAccount = openInvestor(ledger, "INV-1", "IND");
    const named: NamedBid[] = bids.map(({ bank, millions: size, priceE4 }, i) => ({
      name: `b${i}`,
      bidder: bank,
      bid: bankBid(bank, size, priceE4),
    }));
    if (small > 0) {
      const bid = { ...bankBid("HBL", small, undefined), securitiesAccount };
      named.push({ name: "small", bidder: "HBL", bid });
    }
    const terms = testTerms(ledger, { method });
    closedAuction(ledger, terms, named);
    const price = bids[cutOff % bids.length]?.priceE4 ?? 0;
    const { outcome } = accept(ledger, terms.auction, price, millions);
    const beyond = bids.filter(({ priceE4 }) => priceE4 > price);
    const needed = beyond.reduce((sum, { millions: size }) => sum + size, 0);
    if (outcome.code !== "APPLIED") {
      expect(outcome.code).toBe("CUT_OFF_INVALID");
      expect(supplyOf(ledger.state, PIB)?.outstanding ?? 0n).toBe(0n);
      return;
    }
    accepted += 1;
    expect(needed).toBeLessThan(millions);
    let competitive = 0n;
    for (const [i, { millions: size, priceE4 }] of bids.entries()) {
      const face = allotmentOf(ledger, terms.auction, i + 1)?.face ?? 0n;
      competitive += face;
      expect(face <= BigInt(size) * MILLION).toBe(true);
      if (priceE4 > price) expect(face).toBe(BigInt(size) * MILLION);
      if (priceE4 < price) expect(face).toBe(0n);
    }
    expect(competitive <= BigInt(millions) * MILLION).toBe(true);
    passTo(ledger, openingOf(terms.settlementDate));
    expect(auctionOf(ledger, terms.auction).unsettled).toBe(0);
    const total = competitive + BigInt(small) * MILLION;
    expect(supplyOf(ledger.state, PIB)?.outstanding).toBe(total);
    expect(balanceOf(ledger.state, "ISS", PIB)).toBeUndefined();
  });
  fc.assert(law, { numRuns: 25, seed: 20_210_303 });
  expect(accepted).toBeGreaterThan(5);
});
