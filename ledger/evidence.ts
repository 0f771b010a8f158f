import { invariant, present } from "../primitives/assert.ts";
import { toHex } from "../primitives/bytes.ts";
import { sha256 } from "../primitives/sha256.ts";
import { currentEpochOf, validatorsOfEpoch } from "./closing.ts";
import type { LedgerEvent } from "./events.ts";
import { EVIDENCE_EPOCHS, MAX_EVIDENCE_PER_BLOCK, MAX_EVIDENCE_PER_VALIDATOR } from "./limits.ts";
import { evidenceCountId, evidenceCountTable, evidenceTable } from "./state/evidence.ts";
import type { LedgerState } from "./state/ledger-state.ts";
import type { Validator } from "./state/validator-set.ts";
import type { StateReader } from "./state-reader.ts";

/**
 * Proof, out of a block's header, that a validator's key signed two statements that contradict each
 * other. The ledger takes the bytes as they are: that both signatures verify is for the node to
 * see. What follows from it is governance's to decide.
 */
export interface EvidenceRecord {
  /** Canonical bytes; their SHA-256 identifies the evidence. */
  readonly bytes: Uint8Array;
  /** Index of the validator in the set of that epoch. */
  readonly signer: number;
  readonly epoch: number;
  readonly view: number;
}

export function evidenceHash(record: Pick<EvidenceRecord, "bytes">): string {
  return toHex(sha256(record.bytes));
}

/** Why a header may not carry this evidence: a function of the records and the parent's state. */
export type EvidenceProblem =
  | "TOO_MANY"
  /** Not in rising order of their hashes, or one twice. */
  | "ORDER"
  /** Of an epoch too long ago, or one that has not begun. */
  | "EPOCH"
  | "SIGNER"
  /** Recorded by an earlier block. */
  | "RECORDED"
  /** Enough is recorded of this validator in that epoch. */
  | "ENOUGH";

export function evidenceProblem(
  state: StateReader,
  records: readonly EvidenceRecord[],
): EvidenceProblem | undefined {
  if (records.length === 0) return undefined;
  if (records.length > MAX_EVIDENCE_PER_BLOCK) return "TOO_MANY";
  const counts = new Map<string, number>();
  let last = "";
  for (const record of records) {
    const hash = evidenceHash(record);
    if (hash <= last) return "ORDER";
    last = hash;
    const problem = problemOfOne(state, record, hash, counts);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function problemOfOne(
  state: StateReader,
  record: EvidenceRecord,
  hash: string,
  counts: Map<string, number>,
): EvidenceProblem | undefined {
  const { epoch } = record;
  const current = currentEpochOf(state).epoch;
  if (epoch > current || epoch < current - EVIDENCE_EPOCHS) return "EPOCH";
  const signer = signerOf(state, record);
  if (signer === undefined) return "SIGNER";
  if (evidenceTable.read(state, hash) !== undefined) return "RECORDED";
  const id = evidenceCountId(epoch, signer.name);
  const count = counts.get(id) ?? evidenceCountTable.read(state, id)?.count ?? 0;
  if (count >= MAX_EVIDENCE_PER_VALIDATOR) return "ENOUGH";
  counts.set(id, count + 1);
  return undefined;
}

function signerOf(state: StateReader, record: EvidenceRecord): Validator | undefined {
  return validatorsOfEpoch(state, record.epoch)?.[record.signer];
}

/**
 * Of what this node holds, what the next block's header may carry, in its order: the evidence not
 * recorded yet, oldest first where there is more than fits.
 */
export function evidenceForBlock<T extends EvidenceRecord>(
  state: StateReader,
  held: readonly T[],
): readonly T[] {
  const counts = new Map<string, number>();
  const chosen = new Map<string, T>();
  for (const record of held) {
    if (chosen.size === MAX_EVIDENCE_PER_BLOCK) break;
    const hash = evidenceHash(record);
    if (chosen.has(hash) || problemOfOne(state, record, hash, counts) !== undefined) continue;
    chosen.set(hash, record);
  }
  return [...chosen].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, record]) => record);
}

/** Records the evidence of one header; `before` is the state after the parent. */
export function recordEvidence(
  before: StateReader,
  state: LedgerState,
  records: readonly EvidenceRecord[],
  height: number,
): readonly LedgerEvent[] {
  const problem = evidenceProblem(before, records);
  invariant(problem === undefined, `evidence of a block may stand in it: ${problem ?? ""}`);
  return records.map((record) => {
    const { epoch, view } = record;
    const hash = evidenceHash(record);
    const { name, member, number } = present(signerOf(before, record), "signer of evidence");
    state.evidence.put({ hash, validator: name, member, number, epoch, view, height });
    const count = state.evidenceCounts.get(evidenceCountId(epoch, name))?.count ?? 0;
    state.evidenceCounts.put({ epoch, validator: name, count: count + 1 });
    return { type: "evidenceRecorded", body: { hash, validator: name, member, epoch, view } };
  });
}
