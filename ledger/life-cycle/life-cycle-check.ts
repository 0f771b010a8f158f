import { invariant, present } from "../../primitives/assert.ts";
import type { LedgerEvent } from "../events.ts";
import type { RoomCheck } from "../room-checks/room-check.ts";
import { balanceTable } from "../state/balance.ts";
import {
  type CorporateAction,
  capturedTable,
  corporateActionId,
  corporateActionStages,
  corporateActionTable,
  remainderCountsTable,
  waitingPaymentTable,
} from "../state/corporate-action.ts";
import { holderDirectoryTable, holderPageId, holderPageTable } from "../state/holder-index.ts";
import type { LedgerState } from "../state/ledger-state.ts";
import { marketClaimCountTable, marketClaimTable } from "../state/market-claim.ts";
import {
  liveCapturesTable,
  positionPageTable,
  savedPositionTable,
} from "../state/position-capture.ts";
import { primaryCostTable } from "../state/primary-cost.ts";
import { periodRateTable, rateFixingsTable } from "../state/rate-fixing.ts";
import { memberCashTable, payoutTable, serviceAccountsTable } from "../state/service-accounts.ts";
import { isCash } from "../types.ts";
import type { WholeState } from "../whole-state.ts";

/**
 * I8 what each account gets of an event adds up to the event: allocated = paid + waiting, paid = net
 *    + tax, and in the end allocated = total; the confirmations of a block say the same.
 * I11 an event happens once: it only moves forward, and each account is paid or waits once.
 */
export const lifeCycleCheck: RoomCheck = {
  name: "life-cycle",
  tables: [
    corporateActionTable,
    remainderCountsTable,
    capturedTable,
    waitingPaymentTable,
    holderDirectoryTable,
    holderPageTable,
    liveCapturesTable,
    savedPositionTable,
    positionPageTable,
    marketClaimTable,
    marketClaimCountTable,
    primaryCostTable,
    rateFixingsTable,
    periodRateTable,
    serviceAccountsTable,
    memberCashTable,
    payoutTable,
  ],
  checkBlock: checkLifeCycleBlock,
  checkWhole(whole) {
    for (const action of whole.of(corporateActionTable).values) assertAction(action);
    checkWaiting(whole);
    checkHolders(whole);
  },
};

/** I8 for one event. */
export function assertAction(action: CorporateAction): void {
  const { allocated, paid, waiting, net, tax, total, stage, pages, page } = action;
  const id = corporateActionId(action);
  invariant(allocated === paid + waiting, `I8: what ${id} allocates is paid or waits`);
  invariant(paid === net + tax, `I8: what ${id} pays is net and tax`);
  invariant(allocated <= total, `I8: ${id} allocates no more than its total`);
  invariant(stage !== "PAID" || allocated === total, `I8: ${id} allocates its total`);
  invariant(page <= pages || pages === 0, `I11: ${id} reads the pages there are`);
}

function checkLifeCycleBlock(
  state: LedgerState,
  events: readonly (readonly LedgerEvent[])[],
): void {
  const changed = state.of(corporateActionTable).changed();
  if (changed.length === 0) return;
  const paid = new Map<string, Paid>();
  for (const event of events.flat()) {
    if (event.type !== "entitlementPaid") continue;
    const { gross, net, tax } = event.body;
    invariant(gross === net + tax, "I8: a payment's gross is net and tax");
    const id = corporateActionId(event.body);
    const sum = paid.get(id) ?? { gross: 0n, net: 0n, tax: 0n };
    paid.set(id, { gross: sum.gross + gross, net: sum.net + net, tax: sum.tax + tax });
  }
  for (const { id, before, after } of changed) {
    invariant(after !== undefined, `I11: ${id} is remembered`);
    assertAction(after);
    assertForward(id, before, after);
    const sum = paid.get(id) ?? { gross: 0n, net: 0n, tax: 0n };
    invariant(after.paid - (before?.paid ?? 0n) === sum.gross, `I8: ${id} paid what was confirmed`);
    invariant(after.net - (before?.net ?? 0n) === sum.net, `I8: ${id} net as confirmed`);
    invariant(after.tax - (before?.tax ?? 0n) === sum.tax, `I8: ${id} tax as confirmed`);
    paid.delete(id);
  }
  invariant(paid.size === 0, "I8: a payment belongs to an event");
}

interface Paid {
  readonly gross: bigint;
  readonly net: bigint;
  readonly tax: bigint;
}

/** I11: stages and pages never go back, so no page of accounts is paid twice. */
function assertForward(id: string, before: CorporateAction | undefined, after: CorporateAction) {
  if (before === undefined) return;
  const [from, to] = [before, after].map(({ stage }) => corporateActionStages.indexOf(stage));
  invariant((from ?? 0) <= (to ?? 0), `I11: ${id} moves forward`);
  const isPaying = before.stage === "PAYING" && after.stage === "PAYING";
  invariant(!isPaying || before.page <= after.page, `I11: ${id} pays page after page`);
}

function checkWaiting(whole: WholeState): void {
  const sums = new Map<string, bigint>();
  for (const payment of whole.of(waitingPaymentTable).values) {
    const id = corporateActionId(payment);
    sums.set(id, (sums.get(id) ?? 0n) + payment.gross);
  }
  for (const [id, action] of whole.of(corporateActionTable).byId) {
    invariant((sums.get(id) ?? 0n) === action.waiting, `I8: what waits of ${id} is on record`);
    sums.delete(id);
  }
  invariant(sums.size === 0, "I8: what waits belongs to an event");
}

/** Every holder of a security is listed once, in order; others only while a capture wants them. */
function checkHolders(whole: WholeState): void {
  const listed = new Set<string>();
  let pages = 0;
  for (const { asset, pages: entries } of whole.of(holderDirectoryTable).values) {
    let last = "";
    for (const { page, from } of entries) {
      pages += 1;
      const id = holderPageId(asset, page);
      const { accounts } = present(whole.of(holderPageTable).byId.get(id), `holders: page ${id}`);
      invariant(accounts.length > 0, `holders: page ${id} lists someone`);
      for (const account of accounts) {
        invariant(last < account, `holders: ${asset} lists ${account} in order`);
        invariant((from ?? "") <= account, `holders: no account of ${id} before its bound`);
        last = account;
        listed.add(`${account}/${asset}`);
      }
    }
  }
  invariant(pages === whole.of(holderPageTable).byId.size, "holders: every page is listed");
  for (const { account, asset } of whole.of(balanceTable).values) {
    if (isCash(asset)) continue;
    invariant(listed.delete(`${account}/${asset}`), `holders: ${account} holds ${asset}`);
  }
  for (const left of listed) {
    const [, asset = ""] = left.split("/");
    const isLive = whole.of(liveCapturesTable).byId.has(asset);
    invariant(isLive, `holders: ${left} is listed without holding any`);
  }
}
