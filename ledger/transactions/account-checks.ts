import { type Failure, failure } from "../execution.ts";
import type { Account } from "../state/account.ts";
import type { AccountKind } from "../types.ts";

/** An account in its place in a payload. */
export interface PlacedAccount {
  readonly field: string;
  readonly account: Account;
}

/** SAME_ACCOUNT_TWICE when two fields name one account; the later field is at fault. */
export function checkDistinct(
  named: readonly (readonly [field: string, account: string])[],
): Failure | undefined {
  const seen = new Set<string>();
  for (const [field, account] of named) {
    if (seen.has(account)) return failure("SAME_ACCOUNT_TWICE", field);
    seen.add(account);
  }
  return undefined;
}

/** ACCOUNT_WRONG_KIND for the first account that is of none of its admitted kinds. */
export function checkKinds(
  places: readonly (PlacedAccount & { readonly kinds: readonly AccountKind[] })[],
): Failure | undefined {
  const wrong = places.find(({ account, kinds }) => !kinds.includes(account.kind));
  return wrong === undefined ? undefined : failure("ACCOUNT_WRONG_KIND", wrong.field);
}

/** ACCOUNT_CLOSED for the first closed account, else ACCOUNT_FROZEN for the first one blocked. */
export function checkStatuses(
  places: readonly (PlacedAccount & { readonly way: "DEBIT" | "CREDIT" })[],
): Failure | undefined {
  const closed = places.find(({ account }) => account.status === "CLOSED");
  if (closed !== undefined) return failure("ACCOUNT_CLOSED", closed.field);
  const blocked = places.find(
    ({ account, way }) => account.status === "BLOCKED_BOTH" || account.status === `BLOCKED_${way}`,
  );
  return blocked === undefined ? undefined : failure("ACCOUNT_FROZEN", blocked.field);
}
