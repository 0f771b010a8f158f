import { toHex } from "../../primitives/bytes.ts";
import { fixedBytes, type Infer, oneOf, record } from "../../primitives/codec/schema.ts";
import { memberId } from "../types.ts";
import { Table } from "./table.ts";

/** What a key was registered for. Only ever append. */
export const keyUses = ["MEMBER", "CONSENSUS", "NETWORK"] as const;

/**
 * Every key that was ever registered, so that none serves twice: not for two purposes, and not
 * again after it was given up, when whoever stole it may still hold it.
 */
const schema = record({ publicKey: fixedBytes(32), use: oneOf(keyUses), holder: memberId });
export type KeyUse = Infer<typeof schema>;

export const keyUseTable = new Table<KeyUse>({
  name: "key",
  schema,
  idOf: ({ publicKey }) => toHex(publicKey),
  remember: false,
});
