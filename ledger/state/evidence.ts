import { counter, hash, type Infer, record, uint } from "../../primitives/codec/schema.ts";
import { MAX_EVIDENCE_PER_VALIDATOR, MAX_VALIDATOR_NUMBER } from "../limits.ts";
import { memberId } from "../types.ts";
import { Table } from "./table.ts";
import { epochId } from "./validator-set.ts";

/** Proof that a validator's key contradicted itself stands in the header of block `height`. */
const schema = record({
  /** SHA-256 of the evidence's canonical bytes. */
  hash,
  validator: memberId,
  member: memberId,
  number: uint(MAX_VALIDATOR_NUMBER),
  epoch: counter,
  view: counter,
  height: counter,
});
export type EvidenceEntry = Infer<typeof schema>;

export const evidenceTable = new Table<EvidenceEntry>({
  name: "evidence",
  schema,
  idOf: (entry) => entry.hash,
  remember: false,
});

/** How much is recorded of one validator in one epoch. */
const countSchema = record({
  epoch: counter,
  validator: memberId,
  count: uint(MAX_EVIDENCE_PER_VALIDATOR),
});
export type EvidenceCount = Infer<typeof countSchema>;

export function evidenceCountId(epoch: number, validator: string): string {
  return `${epochId(epoch)}/${validator}`;
}

export const evidenceCountTable = new Table<EvidenceCount>({
  name: "evidence-count",
  schema: countSchema,
  idOf: ({ epoch, validator }) => evidenceCountId(epoch, validator),
  remember: false,
});
