import {
  bool,
  counter,
  fixedBytes,
  hash,
  type Infer,
  list,
  oneOf,
  optional,
  record,
  uint,
} from "../../primitives/codec/schema.ts";
import { MAX_PENDING_CHANGES, MAX_TOTAL_WEIGHT, MAX_VALIDATOR_NUMBER } from "../limits.ts";
import { memberId } from "../types.ts";
import { Table } from "./table.ts";

/** ADMIT a validator, REMOVE one, ROTATE its keys; only ever append. */
export const validatorActions = ["ADMIT", "REMOVE", "ROTATE"] as const;
export const validatorAction = oneOf(validatorActions);

/**
 * When a change takes effect: with the block that ends the epoch by its length, or with a block
 * that ends it as soon as the change is ready.
 */
export const changeTimings = ["EPOCH_END", "WHEN_READY"] as const;
export const changeTiming = oneOf(changeTimings);

/** A change that waits for a closing block. */
const changeSchema = record({
  action: validatorAction,
  /** Name of the validator; one change of it at a time. */
  name: memberId,
  member: memberId,
  /** ADMIT and ROTATE: the keys it will have; a rotation may leave either as it is. */
  consensusKey: optional(fixedBytes(32)),
  networkKey: optional(fixedBytes(32)),
  /** ADMIT only. */
  weight: optional(uint(MAX_TOTAL_WEIGHT)),
  /** Where there is a new network key: the number of that identity. */
  number: optional(uint(MAX_VALIDATOR_NUMBER)),
  timing: changeTiming,
  /** The new key has said that it follows the chain; a removal waits for nothing. */
  ready: bool,
  /** Block and transaction that proposed it. */
  height: counter,
  txId: hash,
});
export type ValidatorChange = Infer<typeof changeSchema>;

/** The changes that wait, in the order in which they were proposed and will be applied. */
const schema = record({ changes: list(changeSchema, MAX_PENDING_CHANGES) });
export type ValidatorChanges = Infer<typeof schema>;

export const validatorChangesTable = new Table<ValidatorChanges>({
  name: "validator-changes",
  schema,
  idOf: () => "",
  remember: true,
});
