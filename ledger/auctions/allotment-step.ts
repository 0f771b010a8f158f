import { present } from "../../primitives/assert.ts";
import type { BlockStep } from "../block-steps/block-step.ts";
import { businessDateOf } from "../business-date.ts";
import { calendarIn } from "../calendar/business-calendar.ts";
import { release } from "../claims.ts";
import type { BlockExecution, Execution, Failure } from "../execution.ts";
import {
  ALLOTMENTS_PER_BLOCK,
  allotmentQueue,
  CLOSING_AFTER_MS,
  dueAt,
  openingOf,
  RETRY_DAYS,
  RETRY_MS,
} from "./allotment-queue.ts";
import { settleAllotment } from "./allotment-settlement.ts";
import { type Auction, auctionTable } from "./auction-record.ts";
import { type Allotment, allotmentTable } from "./bid-record.ts";
import { allotmentHolder, queueId } from "./decision.ts";

/** Settles the allotments of the day, each by itself, and tries those again that were short. */
export const allotmentStep: BlockStep = {
  name: "auction-allotments",
  at: "begin",
  run(execution) {
    const { state, timestampMs } = execution;
    const due = allotmentQueue.takeDue(state, dueAt(timestampMs), ALLOTMENTS_PER_BLOCK);
    for (const { id } of due) attemptAllotment(execution, id.replace(":", "/"));
  },
};

function attemptAllotment(execution: BlockExecution, id: string): void {
  const { state } = execution;
  const allotment = present(state.of(allotmentTable).get(id), `allotment ${id}`);
  const auction = present(state.of(auctionTable).get(allotment.auction), "auction");
  const failed = execution.attempt(() => {
    state.of(allotmentTable).put({ ...allotment, status: "SETTLED" });
    state.of(auctionTable).put({ ...auction, unsettled: auction.unsettled - 1 });
    return settleAllotment(execution, auction, allotment);
  });
  if (failed === undefined) return;
  execution.attempt(() => recycle(execution, auction, allotment, failed));
}

/** Flags the shortage and puts the allotment back, or gives it up after the last day. */
function recycle(
  execution: Execution,
  auction: Auction,
  allotment: Allotment,
  failed: Failure,
): undefined {
  const { state } = execution;
  const { auction: id, number, member } = allotment;
  const next = nextTry(execution);
  const calendar = calendarIn(execution);
  const lastDay = calendar.addBusinessDays(auction.terms.settlementDate, RETRY_DAYS);
  // There is room: the entry was taken out of the queue before.
  const isFinal =
    businessDateOf(next) > lastDay || !allotmentQueue.add(state, dueAt(next), queueId(id, number));
  const attempts = allotment.attempts + 1;
  const status = isFinal ? "FAILED" : "PENDING";
  state.of(allotmentTable).put({ ...allotment, status, attempts, lastFailure: failed.code });
  if (isFinal) {
    state.of(auctionTable).put({ ...auction, unsettled: auction.unsettled - 1 });
    freeUnits(execution, auction, allotment);
  }
  const body = { auction: id, number, member, reason: failed.code, isFinal };
  execution.emit({ type: "allotmentNotSettled", body });
  return undefined;
}

/** The units stay on the issuance account, to be sold otherwise. */
function freeUnits(execution: Execution, { terms }: Auction, allotment: Allotment): void {
  if (terms.side !== "SALE") return;
  const failed = release(execution, {
    account: terms.issuanceAccount,
    asset: terms.isin,
    holder: allotmentHolder(terms.auction, allotment.number),
    amount: allotment.face,
    field: "auction",
  });
  present(failed === undefined ? true : undefined, "the units of an allotment are reserved");
}

/** In a quarter of an hour; after the day's end or on a closed day, when the next one opens. */
function nextTry(execution: BlockExecution | Execution): number {
  const calendar = calendarIn(execution);
  const next = execution.timestampMs + RETRY_MS;
  const date = businessDateOf(next);
  if (!calendar.isBusinessDay(date)) return openingOf(calendar.following(date));
  if (next <= openingOf(date) + CLOSING_AFTER_MS) return next;
  return openingOf(calendar.addBusinessDays(date, 1));
}
