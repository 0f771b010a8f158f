import { invariant, present } from "../../primitives/assert.ts";
import type { RoomCheck } from "../room-checks/room-check.ts";
import { claimId, claimTable } from "../state/claim.ts";
import { queuePageTable } from "../state/due-queue.ts";
import type { WholeState } from "../whole-state.ts";
import { allotmentQueue } from "./allotment-queue.ts";
import { type Auction, auctionTable } from "./auction-record.ts";
import {
  type Allotment,
  allotmentTable,
  bidderTable,
  bidId,
  bidTable,
  commitmentTable,
} from "./bid-record.ts";
import { allotmentHolder, queueId } from "./decision.ts";

/**
 * Every bid of an auction is on record under its number and found by its commitment; every allotment
 * belongs to a bid; those that wait are counted, queued, and their units reserved.
 */
export const auctionCheck: RoomCheck = {
  name: "auctions",
  tables: [auctionTable, bidTable, commitmentTable, bidderTable, allotmentTable],
  checkWhole(whole) {
    checkBids(whole);
    checkAllotments(whole);
  },
};

function checkBids(whole: WholeState): void {
  const bids = whole.of(bidTable).byId;
  let counted = 0;
  for (const { terms, bids: count, status, result } of whole.of(auctionTable).values) {
    counted += count;
    for (let number = 1; number <= count; number++) {
      const bid = present(bids.get(bidId(terms.auction, number)), `state: bid ${number}`);
      const isOpened = bid.status === "REVEALED" || bid.voidReason === "SEVERAL_NON_COMPETITIVE";
      invariant(isOpened === (bid.content !== undefined), "state: opened bids say what they offer");
      invariant(status === "OPEN" || bid.status !== "COMMITTED", "state: no bid stays sealed");
    }
    const isDecided = (status === "ALLOTTED") === (result !== undefined);
    invariant(isDecided, `state: the result of ${terms.auction} goes with its status`);
  }
  invariant(counted === bids.size, "state: every bid is counted by its auction");
  for (const { auction, member, commitment, number } of whole.of(commitmentTable).values) {
    const bid = bids.get(bidId(auction, number));
    const isSame = bid?.member === member && bid.commitment === commitment;
    invariant(isSame, `state: the commitment of bid ${number} of ${auction}`);
  }
  invariant(whole.of(commitmentTable).byId.size === counted, "state: every bid has a commitment");
}

function checkAllotments(whole: WholeState): void {
  const auctions = whole.of(auctionTable).byId;
  const queued = new Set<string>();
  for (const { queue, entries } of whole.of(queuePageTable).values) {
    if (queue !== allotmentQueue.name) continue;
    for (const { id } of entries) queued.add(id);
  }
  const waiting = new Map<string, number>();
  for (const allotment of whole.of(allotmentTable).values) {
    const { auction: id, number, status } = allotment;
    const auction = present(auctions.get(id), `state: the auction of allotment ${id}`);
    invariant(number >= 1 && number <= auction.bids, `state: the bid of allotment ${number}`);
    const isPending = status === "PENDING";
    invariant(queued.has(queueId(id, number)) === isPending, "state: what waits is queued");
    if (isPending) waiting.set(id, (waiting.get(id) ?? 0) + 1);
    checkReserved(whole, auction, allotment);
  }
  for (const [id, { unsettled }] of auctions) {
    invariant(unsettled === (waiting.get(id) ?? 0), `state: what waits of ${id} is counted`);
  }
}

function checkReserved(whole: WholeState, { terms }: Auction, allotment: Allotment): void {
  const { auction, number, face, status } = allotment;
  const holder = allotmentHolder(auction, number);
  const id = claimId("RESERVED", terms.issuanceAccount, terms.isin, holder);
  const isReserved = terms.side === "SALE" && status === "PENDING";
  const reserved = whole.of(claimTable).byId.get(id)?.amount ?? 0n;
  invariant(
    reserved === (isReserved ? face : 0n),
    `I5: units of allotment ${number} of ${auction}`,
  );
}
