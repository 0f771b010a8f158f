import { counter, hash, type Infer, record } from "../../primitives/codec/schema.ts";
import { Table } from "./table.ts";

/** Which chain this state belongs to and how far it has come. Changes with every block. */
const schema = record({
  chainId: hash,
  height: counter,
  /** Of the last block, milliseconds of Unix time, from its header. */
  timestampMs: counter,
});
export type Chain = Infer<typeof schema>;

export const chainTable = new Table<Chain>({
  name: "chain",
  schema,
  idOf: () => "",
  remember: true,
});
