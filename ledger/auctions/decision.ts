import { present } from "../../primitives/assert.ts";
import { calendarIn } from "../calendar/business-calendar.ts";
import { reserve } from "../claims.ts";
import { type Execution, type Failure, failure } from "../execution.ts";
import { createUnits } from "../issuance.ts";
import type { Instrument } from "../state/instrument.ts";
import {
  type AllotmentRule,
  type Allotments,
  allot,
  averagePriceE4,
  facesAt,
} from "./allotment.ts";
import { allotmentQueue, dueAt, openingOf } from "./allotment-queue.ts";
import { type Auction, auctionTable } from "./auction-record.ts";
import { type Allotment, allotmentTable, type Bid, bidId } from "./bid-record.ts";
import { bidsOf } from "./closing.ts";
import { settlementAmounts } from "./settlement-amounts.ts";

/** What the sovereign and the central bank accept. */
export interface Acceptance {
  /** The last price that is served. */
  readonly cutOffE4: number;
  /** Face for competitive bids; above the bids there are, all are filled. */
  readonly competitiveFace: bigint;
}

/** The name under which units wait on the issuance account for an allotment. */
export function allotmentHolder(auction: string, number: number): string {
  return `auction:${auction}:${String(number).padStart(6, "0")}`;
}

/** The allotment's id in the queue: state keys have a '/' where the queue does not take one. */
export function queueId(auction: string, number: number): string {
  return bidId(auction, number).replace("/", ":");
}

/**
 * Serves the bids by the accepted price and face: the ledger makes the allotments, the signers name
 * the cut-off. A sale's units are created now, within the programme's cap, and wait reserved on the
 * issuance account; every allotment settles on the settlement date.
 */
export function acceptBids(
  execution: Execution,
  auction: Auction,
  instrument: Instrument,
  acceptance: Acceptance,
): Failure | undefined {
  const { terms } = auction;
  const { cutOffE4, competitiveFace } = acceptance;
  const bids = bidsOf(execution.state, auction).filter(({ status }) => status === "REVEALED");
  const served = serve(auction, bids, acceptance);
  if (served === undefined) return failure("CUT_OFF_INVALID", "acceptance");
  const settlementDate = calendarIn(execution).following(terms.settlementDate);
  const byNumber = new Map(bids.map((bid) => [bid.number, bid]));
  const allotments: Allotment[] = [];
  for (const { number, face, priceE4 } of served.allotted) {
    const { member, content } = present(byNumber.get(number), "bid that was served");
    const { securitiesAccount, cashAccount } = present(content, "content of a revealed bid");
    const amounts = settlementAmounts(execution, instrument, face, priceE4, settlementDate);
    if (amounts === undefined) return failure("PERIOD_RATE_MISSING", "auction");
    allotments.push({
      auction: terms.auction,
      number,
      member,
      face,
      priceE4: Number(priceE4),
      ...amounts,
      securitiesAccount,
      cashAccount,
      status: "PENDING",
      attempts: 0,
      lastFailure: undefined,
    });
  }
  const allottedFace = allotments.reduce((sum, { face }) => sum + face, 0n);
  const refused =
    (terms.side === "SALE"
      ? createForSale(execution, auction, instrument, allotments)
      : undefined) ?? record(execution, allotments, settlementDate);
  if (refused !== undefined) return refused;
  const priceE4 = averagePriceE4(served.averagePrice, 4);
  const result = { cutOffE4, competitiveFace, allottedFace, averagePriceE4: Number(priceE4) };
  const { auction: id, isin } = terms;
  execution.state
    .of(auctionTable)
    .put({ ...auction, status: "ALLOTTED", unsettled: allotments.length, result });
  execution.emit({
    type: "auctionDecided",
    body: {
      auction: id,
      isin,
      cutOffE4,
      averagePriceE4: result.averagePriceE4,
      allottedFace,
      allotments: allotments.length,
    },
  });
  return undefined;
}

/** Undefined where the accepted price and face do not go with the bids, or leave nothing to allot. */
function serve(
  { terms }: Auction,
  bids: readonly Bid[],
  { cutOffE4, competitiveFace }: Acceptance,
): Allotments | undefined {
  const standing = bids.map(({ number, content }) => {
    const { face, priceE4 } = present(content, "content of a revealed bid");
    return { number, face, priceE4: priceE4 === undefined ? undefined : BigInt(priceE4) };
  });
  const rule: AllotmentRule = {
    side: terms.side,
    method: terms.method,
    cutOffE4: BigInt(cutOffE4),
    competitiveFace,
    step: terms.step,
    averagePriceDecimals: terms.nonCompetitive.priceDecimals,
  };
  const { beyond, at } = facesAt(standing, rule);
  if (at === 0n || competitiveFace <= beyond) return undefined;
  const served = allot(standing, rule);
  return served.allotted.length === 0 ? undefined : served;
}

function createForSale(
  execution: Execution,
  { terms }: Auction,
  instrument: Instrument,
  allotments: readonly Allotment[],
): Failure | undefined {
  const { isin, issuanceAccount, mandateRef } = terms;
  const { state } = execution;
  const created = createUnits(execution, {
    instrument,
    supply: present(state.supplies.get(isin), `supply of ${isin}`),
    face: allotments.reduce((sum, { face }) => sum + face, 0n),
    account: present(state.accounts.get(issuanceAccount), "issuance account"),
    mandateRef,
    fields: { face: "acceptance.competitiveFace", account: "auction" },
  });
  if (created !== undefined) return created;
  for (const { auction, number, face } of allotments) {
    const holder = allotmentHolder(auction, number);
    const claim = { account: issuanceAccount, asset: isin, holder, amount: face, field: "auction" };
    const failed = reserve(execution, claim);
    if (failed !== undefined) return failed;
  }
  return undefined;
}

function record(
  execution: Execution,
  allotments: readonly Allotment[],
  settlementDate: string,
): Failure | undefined {
  const due = dueAt(openingOf(settlementDate));
  for (const allotment of allotments) {
    const { auction, number, member, face, priceE4, cleanAmount, accruedInterest } = allotment;
    if (!allotmentQueue.add(execution.state, due, queueId(auction, number))) {
      return failure("LIMIT_REACHED", "auction");
    }
    execution.state.of(allotmentTable).put(allotment);
    const amounts = { face, priceE4, cleanAmount, accruedInterest };
    const body = { auction, number, member, ...amounts, settlementDate };
    execution.emit({ type: "bidAllotted", body });
  }
  return undefined;
}
