import { counter, type Infer, record } from "../../primitives/codec/schema.ts";
import { Table } from "./table.ts";

/** Rules of the network that genesis sets. */
export const parametersSchema = record({
  /** How far ahead of the current block a transaction's last height may lie, blocks. */
  maxExpiryBlocks: counter,
  /** How long after its last height a transaction's result is remembered, blocks. */
  dedupWindowBlocks: counter,
  /** Every multiple of it closes an epoch: only then, or earlier by a change, the set changes. */
  epochLengthBlocks: counter,
});
export type Parameters = Infer<typeof parametersSchema>;

export const parametersTable = new Table<Parameters>({
  name: "parameters",
  schema: parametersSchema,
  idOf: () => "",
  remember: true,
});
