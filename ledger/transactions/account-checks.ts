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
