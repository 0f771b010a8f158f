import { type Infer, optional, record } from "../../primitives/codec/schema.ts";
import {
  accountId,
  accountKind,
  accountOwnership,
  accountStatus,
  accountWindow,
  investorId,
  memberId,
} from "../types.ts";
import { Table } from "./table.ts";

const schema = record({
  id: accountId,
  kind: accountKind,
  /** The member that operates the account: its signature is needed to debit it. */
  member: memberId,
  /** IPS only: the legal owner. */
  investor: optional(investorId),
  /** IPS only: the custodian's SGLA above it. */
  parent: optional(accountId),
  ownership: accountOwnership,
  window: accountWindow,
  status: accountStatus,
});
export type Account = Infer<typeof schema>;

export const accountTable = new Table<Account>({
  name: "account",
  schema,
  idOf: (account) => account.id,
  remember: true,
});
