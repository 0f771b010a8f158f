import { amount, type Infer, record } from "../../primitives/codec/schema.ts";
import { accountId, assetId } from "../types.ts";
import { Table } from "./table.ts";

/**
 * What one account holds of one asset, minor units. `total` is the sum of the four parts; held,
 * pledged and blocked units are still the account's own. A balance of nothing has no record.
 */
const schema = record({
  account: accountId,
  asset: assetId,
  total: amount,
  available: amount,
  /** Set aside for instructions. */
  reserved: amount,
  /** Under a lien. */
  pledged: amount,
  /** Under an order. */
  blocked: amount,
});
export type Balance = Infer<typeof schema>;

export function balanceId(account: string, asset: string): string {
  return `${account}/${asset}`;
}

export const balanceTable = new Table<Balance>({
  name: "balance",
  schema,
  idOf: (balance) => balanceId(balance.account, balance.asset),
  remember: true,
});

/**
 * The balance with another total and other units available. Each field by its name: a spread costs
 * some 2.5 us here, as much as everything else that a posting does.
 */
export function withAvailable(balance: Balance, total: bigint, available: bigint): Balance {
  const { account, asset, reserved, pledged, blocked } = balance;
  return { account, asset, total, available, reserved, pledged, blocked };
}

export function emptyBalance(account: string, asset: string): Balance {
  return { account, asset, total: 0n, available: 0n, reserved: 0n, pledged: 0n, blocked: 0n };
}
