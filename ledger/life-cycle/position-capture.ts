import { invariant } from "../../primitives/assert.ts";
import { HOLDER_PAGE_ENTRIES, MAX_LIVE_CAPTURES } from "../limits.ts";
import { balanceId } from "../state/balance.ts";
import { addHolder, holdersAfter, removeHolder } from "../state/holder-index.ts";
import type { LedgerState } from "../state/ledger-state.ts";
import {
  type LiveCapture,
  liveCapturesTable,
  type Position,
  positionPageTable,
  savedPositionId,
  savedPositionTable,
} from "../state/position-capture.ts";

/** Starts to capture the positions of this moment; false while too many captures are under way. */
export function startCapture(state: LedgerState, isin: string, recordDate: string): boolean {
  const live = liveOf(state, isin);
  if (live.length >= MAX_LIVE_CAPTURES) return false;
  invariant(
    live.every((capture) => capture.recordDate < recordDate),
    `captures of ${isin} begin in the order of their record dates`,
  );
  const started = { recordDate, visited: undefined, pages: 0 };
  state.of(liveCapturesTable).put({ isin, live: [...live, started] });
  return true;
}

/**
 * Called for every change of a securities balance, before it is written: saves the position for each
 * capture that has not visited the account yet.
 */
export function beforeChange(
  state: LedgerState,
  asset: string,
  account: string,
  totalBefore: bigint,
): void {
  const captures = state.of(liveCapturesTable).get(asset);
  if (captures === undefined) return;
  const saved = state.of(savedPositionTable);
  for (const capture of captures.live) {
    const { recordDate } = capture;
    if (!isAwaited(capture, account)) continue;
    if (saved.get(savedPositionId(asset, recordDate, account)) !== undefined) continue;
    saved.put({ isin: asset, recordDate, account, units: totalBefore });
  }
}

/** An account comes to hold a security; false when no more holders can be listed. */
export function holderJoins(state: LedgerState, asset: string, account: string): boolean {
  return addHolder(state, asset, account);
}

/** An account holds none any more. It stays listed while a capture has yet to visit it. */
export function holderLeaves(state: LedgerState, asset: string, account: string): void {
  const live = state.of(liveCapturesTable).get(asset)?.live ?? [];
  if (live.some((capture) => isAwaited(capture, account))) return;
  removeHolder(state, asset, account);
}

/** What one portion of a capture did. */
export interface CapturePortion {
  readonly accounts: number;
  /** Pages of the finished capture; undefined while it goes on. */
  readonly finishedPages: number | undefined;
}

/** Walks on by one page of holders. */
export function continueCapture(
  state: LedgerState,
  isin: string,
  recordDate: string,
): CapturePortion {
  const live = liveOf(state, isin);
  const capture = live.find((other) => other.recordDate === recordDate);
  invariant(capture !== undefined, `the capture of ${isin} at ${recordDate} is under way`);
  const accounts = holdersAfter(state, isin, capture.visited, HOLDER_PAGE_ENTRIES);
  const positions = accounts
    .map((account) => visit(state, isin, capture, account))
    .filter(({ units }) => units > 0n);
  let { pages } = capture;
  if (positions.length > 0) {
    state.of(positionPageTable).put({ isin, recordDate, page: pages, positions });
    pages += 1;
  }
  const isFinished = accounts.length < HOLDER_PAGE_ENTRIES;
  const moved = { ...capture, visited: accounts.at(-1) ?? capture.visited, pages };
  const left = isFinished
    ? live.filter((other) => other !== capture)
    : live.map((other) => (other === capture ? moved : other));
  if (left.length === 0) state.of(liveCapturesTable).remove(isin);
  else state.of(liveCapturesTable).put({ isin, live: left });
  for (const account of accounts) dropIfEmpty(state, isin, account);
  return { accounts: accounts.length, finishedPages: isFinished ? pages : undefined };
}

function visit(
  state: LedgerState,
  isin: string,
  { recordDate }: LiveCapture,
  account: string,
): Position {
  const id = savedPositionId(isin, recordDate, account);
  const saved = state.of(savedPositionTable).get(id);
  if (saved === undefined) {
    // None where an earlier capture alone kept it on the list.
    return { account, units: state.balances.get(balanceId(account, isin))?.total ?? 0n };
  }
  state.of(savedPositionTable).remove(id);
  return { account, units: saved.units };
}

/** Whoever sold all before the walk came was kept on the list for it. */
function dropIfEmpty(state: LedgerState, isin: string, account: string): void {
  if (state.balances.get(balanceId(account, isin)) === undefined) {
    holderLeaves(state, isin, account);
  }
}

function isAwaited({ visited }: LiveCapture, account: string): boolean {
  return visited === undefined || account > visited;
}

function liveOf(state: LedgerState, isin: string): readonly LiveCapture[] {
  return state.of(liveCapturesTable).get(isin)?.live ?? [];
}
