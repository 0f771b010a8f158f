import { expect, test } from "vitest";
import { collateralTermsView, lienView, liquidityView, repoView } from "../collateral/queries.ts";
import { nettingCycleCount, nettingCycleView, nettingPolicyView } from "../netting/queries.ts";
import {
  accept,
  bankBid,
  closedAuction,
  commit,
  dealersLedger,
  MILLION,
  testTerms,
} from "../testing/auction-ledger.ts";
import { bothBanks, collateralLedger, mandate, repoPayload } from "../testing/collateral-ledger.ts";
import { PIB } from "../testing/test-ledger.ts";
import { auctionView, bidderView } from "./queries.ts";

test("an auction with its book", () => {
  const ledger = dealersLedger();
  const terms = testTerms(ledger);
  closedAuction(ledger, terms, [
    { name: "a", bidder: "HBL", bid: bankBid("HBL", 100, 960_000) },
    { name: "b", bidder: "UBL", bid: bankBid("UBL", 100, 950_000) },
  ]);
  accept(ledger, terms.auction, 960_000, 100);
  const view = auctionView(ledger.state, terms.auction);
  expect(view?.status).toBe("ALLOTTED");
  expect(view?.book.map(({ allotment }) => allotment?.face)).toEqual([100n * MILLION, undefined]);
  expect(bidderView(ledger.state, terms.auction, "UBL")).toMatchObject({ bids: 1, unrevealed: 0 });
  expect(auctionView(ledger.state, "X")).toBeUndefined();
  const sealed = testTerms(ledger, { auction: "NEXT" });
  ledger.mustSend("announce-auction", sealed);
  const bid = bankBid("UBL", 100, 950_000);
  commit(ledger, "NEXT", { name: "c", bidder: "UBL", bid });
  const [hidden] = auctionView(ledger.state, "NEXT")?.book ?? [];
  expect(hidden).toMatchObject({ status: "COMMITTED", content: undefined });
});

test("repo, lien, mandate and haircut", () => {
  const ledger = collateralLedger();
  ledger.mustSend("open-repo", repoPayload, bothBanks);
  ledger.mustSend("set-liquidity-mandate", mandate, { signers: ["HBL", "SBP"] });
  const view = repoView(ledger.state, "REPO-1", "2025-12-02", ledger.timestampMs);
  expect(view).toMatchObject({
    exposure: 48_950_000_000n + 103_264_384n,
    value: 48_950_000_000n,
  });
  expect(repoView(ledger.state, "X", "2025-12-02", 0)).toBeUndefined();
  expect(lienView(ledger.state, "X")).toBeUndefined();
  expect(liquidityView(ledger.state, "CASH-HBL")).toEqual({ mandate, credit: undefined });
  expect(collateralTermsView(ledger.state, PIB)?.versions).toHaveLength(1);
});

test("netting before its first cycle", () => {
  const ledger = dealersLedger();
  expect(nettingCycleCount(ledger.state)).toBe(0);
  expect(nettingCycleView(ledger.state, 1)).toBeUndefined();
  expect(nettingPolicyView(ledger.state).intervalMs).toBe(60_000);
});
