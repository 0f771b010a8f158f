import { type Infer, list, record } from "../../primitives/codec/schema.ts";
import { MAX_ASSETS_PER_ACCOUNT } from "../limits.ts";
import { accountId, assetId } from "../types.ts";
import { Table } from "./table.ts";

/** Index: the assets of which an account has a balance, sorted. Without any there is no record. */
const schema = record({
  account: accountId,
  assets: list(assetId, MAX_ASSETS_PER_ACCOUNT),
});
export type Holdings = Infer<typeof schema>;

export const holdingsTable = new Table<Holdings>({
  name: "holdings",
  schema,
  idOf: (holdings) => holdings.account,
  remember: true,
});
