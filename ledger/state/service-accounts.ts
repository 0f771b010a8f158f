import { type Infer, record } from "../../primitives/codec/schema.ts";
import { accountId, memberId } from "../types.ts";
import { Table } from "./table.ts";

/** Governed: where the sovereign's payments come from and where withheld tax goes. */
const schema = record({
  /** CASH_CBDC of the sovereign. */
  fundingAccount: accountId,
  /** Of kind TAX. */
  taxAccount: accountId,
});
export type ServiceAccounts = Infer<typeof schema>;

export const serviceAccountsTable = new Table<ServiceAccounts>({
  name: "service-accounts",
  schema,
  idOf: () => "",
  remember: true,
});

/** The cash account on which a member receives payments on securities that name no other. */
const memberCash = record({ member: memberId, cashAccount: accountId });
export type MemberCash = Infer<typeof memberCash>;

export const memberCashTable = new Table<MemberCash>({
  name: "member-cash",
  schema: memberCash,
  idOf: ({ member }) => member,
  remember: true,
});

/** The cash account on which payments on one securities account are received. */
const payout = record({ account: accountId, cashAccount: accountId });
export type Payout = Infer<typeof payout>;

export const payoutTable = new Table<Payout>({
  name: "payout",
  schema: payout,
  idOf: ({ account }) => account,
  remember: true,
});
