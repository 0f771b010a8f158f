import { invariant, present } from "../../primitives/assert.ts";
import {
  DIGITS,
  digitIn,
  digitsOf,
  narrow,
  type Proportion,
  shareOf,
} from "../arithmetic/largest-remainder.ts";
import { rational, roundHalfUp } from "../arithmetic/rational.ts";
import { paidPerUnit } from "../instruments/period-amount.ts";
import { eventsDue, periodPlan } from "../instruments/schedule.ts";
import {
  type CorporateAction,
  corporateActionId,
  remainderCountsTable,
} from "../state/corporate-action.ts";
import type { LedgerState } from "../state/ledger-state.ts";
import { type Position, positionPageId, positionPageTable } from "../state/position-capture.ts";

/**
 * Who gets how much of an event. The total is rounded once, HALF_UP; each account gets the floor of
 * its exact share, and the paisas left over go to the largest remainders, of equal ones by account
 * id. Positions stand in the order of their accounts, page by page.
 */

/** What the event pays on one unit. The rate of the period is known. */
export function proportionOf(state: LedgerState, action: CorporateAction): Proportion {
  const { isin, type, dueDate, rateE4 } = action;
  if (type === "REDEMPTION") return { numerator: 1n, denominator: 1n };
  if (type === "LAPSE") return { numerator: 0n, denominator: 1n };
  const { terms } = present(state.instruments.get(isin), `instrument ${isin}`);
  const event = eventsDue(terms, dueDate).find((due) => due.type === type);
  return paidPerUnit(
    present(periodPlan(terms), `periods of ${isin}`),
    present(rateE4, "rate of the period"),
    present(event?.period, "period of the event"),
  );
}

export function positionsOn(
  state: LedgerState,
  { isin, recordDate }: Pick<CorporateAction, "isin" | "recordDate">,
  page: number,
): readonly Position[] {
  const id = positionPageId(isin, recordDate, page);
  return present(state.of(positionPageTable).get(id), `positions of ${isin}`).positions;
}

/** Units that were never sold pay nothing: they are the issuer's own. */
export function isEntitled(state: LedgerState, { account }: Position): boolean {
  return present(state.accounts.get(account), `account ${account}`).kind !== "ISSUANCE";
}

/** SUMMING: adds the floors of one page; after the last page the total and the odd paisas. */
export function sumPage(state: LedgerState, action: CorporateAction): CorporateAction {
  const proportion = proportionOf(state, action);
  let { units, floors } = action;
  if (action.page < action.pages) {
    for (const position of positionsOn(state, action, action.page)) {
      if (!isEntitled(state, position)) continue;
      units += position.units;
      floors += shareOf(position.units, proportion).floor;
    }
  }
  const page = action.page + 1;
  const summed = { ...action, units, floors, page };
  return page < action.pages ? summed : afterSumming(summed, proportion);
}

function afterSumming(action: CorporateAction, proportion: Proportion): CorporateAction {
  const { units, floors } = action;
  const { numerator, denominator } = proportion;
  const total = roundHalfUp(rational(units * numerator, denominator));
  const wanted = Number(total - floors);
  invariant(wanted >= 0, "the rounded total is not below the sum of the floors");
  const next = { ...action, total, page: 0 };
  if (wanted === 0) return allocated(next, { remainder: denominator, ties: 0 });
  const selection = { level: digitsOf(denominator) - 1, prefix: 0n, wanted };
  return { ...next, stage: "SELECTING", selection };
}

function allocated(
  action: CorporateAction,
  cut: NonNullable<CorporateAction["cut"]>,
): CorporateAction {
  return { ...action, stage: "AWAITING_FUNDS", selection: undefined, cut, page: 0 };
}

/** SELECTING: counts the remainders of one page; after the last page the cut, or another pass. */
export function selectPage(state: LedgerState, action: CorporateAction): CorporateAction {
  const proportion = proportionOf(state, action);
  const selection = present(action.selection, "selection under way");
  const { isin, type, recordDate } = action;
  const id = corporateActionId(action);
  const table = state.of(remainderCountsTable);
  const counts = [...(table.get(id)?.counts ?? Array.from({ length: DIGITS }, () => 0))];
  for (const position of positionsOn(state, action, action.page)) {
    if (!isEntitled(state, position)) continue;
    const digit = digitIn(selection, shareOf(position.units, proportion).remainder);
    if (digit !== undefined) counts[digit] = (counts[digit] ?? 0) + 1;
  }
  const page = action.page + 1;
  if (page < action.pages) {
    table.put({ isin, type, recordDate, counts });
    return { ...action, page };
  }
  table.remove(id);
  const step = narrow(selection, counts);
  if ("cut" in step) return allocated(action, step.cut);
  return { ...action, selection: step.next, page: 0 };
}

/** The gross share of a position, and the action with one tie fewer if it took one. */
export function grossOf(
  action: CorporateAction,
  proportion: Proportion,
  units: bigint,
): { readonly gross: bigint; readonly takesTie: boolean } {
  const cut = present(action.cut, "cut of the odd paisas");
  const { floor, remainder } = shareOf(units, proportion);
  if (remainder > cut.remainder) return { gross: floor + 1n, takesTie: false };
  const takesTie = remainder === cut.remainder && cut.ties > 0;
  return { gross: takesTie ? floor + 1n : floor, takesTie };
}
