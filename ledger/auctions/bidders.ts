import { type Execution, type Failure, failure } from "../execution.ts";
import type { Account } from "../state/account.ts";
import { type Instrument, instrumentClassOf } from "../state/instrument.ts";
import { investorTable } from "../state/investor.ts";
import type { Member } from "../state/member.ts";
import type { AuctionTerms } from "./auction-record.ts";
import type { BidContent } from "./bid-record.ts";

/** Primary dealers bid for government paper; for sukuk also the dealers of Islamic banks. */
export function mayBid(member: Member, instrument: Instrument): boolean {
  if (member.roles.includes("PRIMARY_DEALER")) return true;
  const isSukuk = instrumentClassOf(instrument.terms.type) === "SUKUK";
  return isSukuk && member.roles.includes("ISLAMIC_DEALER");
}

/** The largest non-competitive bid: a part of the target, rounded down, and at most a fixed face. */
export function nonCompetitiveCap({ targetFace, nonCompetitive }: AuctionTerms): bigint {
  const part = (targetFace * BigInt(nonCompetitive.capBps)) / 10_000n;
  return part > nonCompetitive.maxFace ? nonCompetitive.maxFace : part;
}

/**
 * BID_NOT_ADMITTED unless the bid is one that an eligible investor may make without a price: for an
 * account that names its legal owner, of an admitted class, within the cap, and to buy.
 */
export function checkNonCompetitive(
  { state }: Pick<Execution, "state">,
  terms: AuctionTerms,
  bid: BidContent,
  securities: Account,
): Failure | undefined {
  if (terms.side === "BUY_BACK") return failure("BID_NOT_ADMITTED", "bid.priceE4");
  const investor =
    securities.investor === undefined
      ? undefined
      : state.of(investorTable).get(securities.investor);
  if (investor === undefined || terms.nonCompetitive.ineligible.includes(investor.class)) {
    return failure("BID_NOT_ADMITTED", "bid.securitiesAccount");
  }
  if (bid.face > nonCompetitiveCap(terms)) return failure("BID_NOT_ADMITTED", "bid.face");
  return undefined;
}
