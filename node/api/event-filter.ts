import type { EventFilterJson } from "../../client/rpc/methods.ts";
import type { LedgerEvent } from "../../ledger/events.ts";

/** Events name an account in a field `account` or `parent`, or in one that ends with `Account`. */
const ACCOUNT_FIELD = /^(?:account|parent)$|Account$/;

/** Accounts that an event concerns: whoever follows one of them wants to see it. */
export function accountsOf(event: LedgerEvent): readonly string[] {
  const fields: readonly (readonly [string, unknown])[] = Object.entries(event.body);
  return fields.flatMap(([name, value]) =>
    ACCOUNT_FIELD.test(name) && typeof value === "string" ? [value] : [],
  );
}

export function admits(filter: EventFilterJson | undefined, event: LedgerEvent): boolean {
  if (filter === undefined) return true;
  if (filter.types !== undefined && !filter.types.includes(event.type)) return false;
  return filter.account === undefined || accountsOf(event).includes(filter.account);
}
