import { counter, hash, type Infer, list, record } from "../../primitives/codec/schema.ts";
import { KEPT_CHECKPOINTS } from "../limits.ts";
import { Table } from "./table.ts";

/**
 * Digests of a few recent blocks, newest last: who names one of them in a signed statement shows
 * that it follows this very chain. A node without old headers knows them too.
 */
const schema = record({
  blocks: list(record({ height: counter, digest: hash }), KEPT_CHECKPOINTS),
});
export type Checkpoints = Infer<typeof schema>;

export const checkpointsTable = new Table<Checkpoints>({
  name: "checkpoints",
  schema,
  idOf: () => "",
  remember: true,
});
