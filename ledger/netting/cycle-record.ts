import { concatBytes, toHex, utf8 } from "../../primitives/bytes.ts";
import { encode } from "../../primitives/codec/codec.ts";
import {
  amount,
  bool,
  counter,
  hash,
  type Infer,
  list,
  oneOf,
  record,
  text,
  uint,
} from "../../primitives/codec/schema.ts";
import { sha256 } from "../../primitives/sha256.ts";
import { Table } from "../state/table.ts";
import { accountId, assetId, claimHolder } from "../types.ts";
import { nettingPolicySchema } from "./netting-policy.ts";
import { nettingModels } from "./netting-problem.ts";
import { MAX_CYCLE_CANDIDATES } from "./solver.ts";
import type { NetPosition } from "./solver-port.ts";

export const nettingModel = oneOf(nettingModels);

/** Net of one account and asset over the set; the sign apart, as amounts have none. */
export const netMovement = record({
  account: accountId,
  asset: assetId,
  direction: oneOf(["IN", "OUT"]),
  /** Minor units, above zero. */
  amount,
});
export type NetMovement = Infer<typeof netMovement>;

export function netMovementOf({ account, asset, net }: NetPosition): NetMovement {
  return net > 0n
    ? { account, asset, direction: "IN", amount: net }
    : { account, asset, direction: "OUT", amount: -net };
}

/** Four legs of a pair with two ends each would be the most; most accounts stand in many. */
const MAX_MOVEMENTS = 4 * MAX_CYCLE_CANDIDATES;

const evidence = record({
  number: uint(),
  height: counter,
  model: nettingModel,
  /** Ids of the pairs, in the order of service. */
  settled: list(claimHolder, 8 * MAX_CYCLE_CANDIDATES),
  net: list(netMovement, MAX_MOVEMENTS),
});
export type NettingEvidence = Infer<typeof evidence>;

const TAG = utf8("MIZAN/NET/1\0");

/**
 * What the state keeps of a cycle: SHA-256("MIZAN/NET/1\0" || canonical [number, height, model,
 * [pair ids in order], [[account, asset, direction, amount] by account and asset]]). The block's
 * events give the parts, so that anybody can check the sum and the set against the record.
 */
export function evidenceHashOf(value: NettingEvidence): string {
  return toHex(sha256(concatBytes(TAG, encode(evidence, value, "evidence"))));
}

/** A cycle that settled something. */
const schema = record({
  number: uint(),
  height: counter,
  model: nettingModel,
  /** Candidates that it looked at, and pairs that settled. */
  candidates: uint(),
  settled: uint(),
  rounds: uint(),
  steps: uint(),
  /** A bound ended the search. */
  exhausted: bool,
  evidenceHash: hash,
});
export type NettingCycle = Infer<typeof schema>;

export const nettingCycleTable = new Table<NettingCycle>({
  name: "netting-cycle",
  schema,
  idOf: ({ number }) => String(number).padStart(10, "0"),
  remember: false,
});

/** When cycles last ran, and how many settled something. */
const clockSchema = record({ cycles: uint(), ranAtMs: counter });
export type NettingClock = Infer<typeof clockSchema>;

export const nettingClockTable = new Table<NettingClock>({
  name: "netting-clock",
  schema: clockSchema,
  idOf: () => "",
  remember: true,
});

/** Entries of one event. */
export const EVIDENCE_PAGE = 256;

/** The cycle as a whole; its pages follow. */
const nettingCycleSettled = schema;

const nettingSetPage = record({
  number: uint(),
  page: uint(),
  pairs: list(text(64), EVIDENCE_PAGE),
});

const nettingVectorPage = record({
  number: uint(),
  page: uint(),
  movements: list(netMovement, EVIDENCE_PAGE),
});

/** A choice did not hold when it was to settle, and nothing moved. */
const nettingCycleFailed = record({ height: counter, model: nettingModel, reason: text(64) });

export const nettingEvents = {
  nettingPolicySet: nettingPolicySchema,
  nettingCycleSettled,
  nettingSetPage,
  nettingVectorPage,
  nettingCycleFailed,
} as const;
