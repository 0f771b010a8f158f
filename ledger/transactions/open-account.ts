import { type Infer, optional, record } from "../../primitives/codec/schema.ts";
import { type Execution, type Failure, failure } from "../execution.ts";
import { noteCashAccount } from "../life-cycle/payout.ts";
import type { Account } from "../state/account.ts";
import {
  type AccountKind,
  accountId,
  accountKind,
  accountKinds,
  accountOwnership,
  accountWindow,
  investorId,
  memberId,
  type Role,
} from "../types.ts";
import { transactionKind } from "./transaction-kind.ts";

const payload = record({
  account: accountId,
  kind: accountKind,
  /** The member that will operate the account. */
  member: memberId,
  investor: optional(investorId),
  parent: optional(accountId),
  ownership: accountOwnership,
  window: accountWindow,
});
type Payload = Infer<typeof payload>;

/**
 * An investor's account hangs under a client SGLA of the same custodian and the same window; every
 * other kind stands alone.
 */
export const openAccount = transactionKind({
  kind: "open-account",
  summary: "Opens an account that a member will operate.",
  payload,
  signers: [
    { by: "member-in", field: "member" },
    {
      by: "role",
      role: "CENTRAL_BANK",
      when: { field: "kind", in: accountKinds.filter((kind) => kind !== "IPS") },
    },
    { by: "role", role: "SOVEREIGN", when: { field: "kind", in: ["ISSUANCE"] } },
  ],
  keyPurpose: "TRANSACTION",
  success: "APPLIED",
  failures: [
    "TERMS_INVALID",
    "MEMBER_UNKNOWN",
    "ACCOUNT_UNKNOWN",
    "ACCOUNT_EXISTS",
    "ACCOUNT_WRONG_KIND",
    "MEMBER_WRONG_ROLE",
    "COUNTERPARTY_NOT_MATCHED",
    "ACCOUNT_CLOSED",
  ],
  execute,
});

/** Kinds that not every member may operate. */
const operatorRoles: Readonly<Partial<Record<AccountKind, readonly Role[]>>> = {
  ISSUANCE: ["CENTRAL_BANK"],
  TAX: ["SOVEREIGN"],
  COMMODITY_VAULT: ["CUSTODIAN", "CENTRAL_BANK"],
};

function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { account, kind, member, investor, parent, ownership, window } = payload;
  const { state } = execution;
  const shape = checkShape(payload);
  if (shape !== undefined) return shape;
  const operator = state.members.get(member);
  if (operator === undefined) return failure("MEMBER_UNKNOWN", "member");
  const above = parent === undefined ? undefined : state.accounts.get(parent);
  if (parent !== undefined && above === undefined) return failure("ACCOUNT_UNKNOWN", "parent");
  if (state.accounts.get(account) !== undefined) return failure("ACCOUNT_EXISTS", "account");
  if (above !== undefined && above.kind !== "SGLA") return failure("ACCOUNT_WRONG_KIND", "parent");
  const allowed = operatorRoles[kind];
  if (allowed !== undefined && !operator.roles.some((role) => allowed.includes(role))) {
    return failure("MEMBER_WRONG_ROLE", "member");
  }
  if (above !== undefined) {
    const matches =
      above.member === member && above.window === window && above.ownership === "CLIENT";
    if (!matches) return failure("COUNTERPARTY_NOT_MATCHED", "parent");
    if (above.status === "CLOSED") return failure("ACCOUNT_CLOSED", "parent");
  }
  const opened: Account = {
    id: account,
    kind,
    member,
    investor,
    parent,
    ownership,
    window,
    status: "OPEN",
  };
  state.accounts.put(opened);
  noteCashAccount(state, opened);
  execution.emit({
    type: "accountOpened",
    body: { account, kind, member, investor, parent, ownership, window },
  });
  return undefined;
}

/** IPS accounts name an investor and a parent and hold client assets; the others do neither. */
function checkShape(payload: Payload): Failure | undefined {
  const isInvestors = payload.kind === "IPS";
  if ((payload.investor !== undefined) !== isInvestors) return failure("TERMS_INVALID", "investor");
  if ((payload.parent !== undefined) !== isInvestors) return failure("TERMS_INVALID", "parent");
  const isOwn = payload.ownership === "OWN";
  if (isInvestors && isOwn) return failure("TERMS_INVALID", "ownership");
  const ownOnly = ["ISSUANCE", "TAX", "COLLATERAL_POOL"];
  if (ownOnly.includes(payload.kind) && !isOwn) return failure("TERMS_INVALID", "ownership");
  return undefined;
}
