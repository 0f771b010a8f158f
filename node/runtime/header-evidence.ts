import {
  checkEvidence,
  type Evidence,
  evidenceSchema,
  evidenceSignatures,
} from "../../consensus/evidence.ts";
import { createValidatorSet } from "../../consensus/quorum.ts";
import { validatorsOfEpoch } from "../../ledger/closing.ts";
import { type EvidenceRecord, evidenceProblem } from "../../ledger/evidence.ts";
import type { StateReader } from "../../ledger/state-reader.ts";
import { encode } from "../../primitives/codec/codec.ts";
import { CodedError } from "../../primitives/errors.ts";
import type { SignatureCheck } from "../../primitives/verifier.ts";

/** Evidence as the ledger takes it, with what it is to consensus beside it. */
export interface HeaderEvidence extends EvidenceRecord {
  readonly evidence: Evidence;
}

export function headerEvidence(evidence: readonly Evidence[]): readonly HeaderEvidence[] {
  return evidence.map((each) => {
    const { signer, epoch, view } = each;
    return { bytes: encode(evidenceSchema, each, "evidence"), signer, epoch, view, evidence: each };
  });
}

/**
 * The signatures that a block's evidence stands on, under the sets of its epochs; undefined when
 * the header may not carry it, whatever they are. A function of header and parent's state.
 */
export function evidenceChecks(
  chainId: string,
  state: StateReader,
  evidence: readonly HeaderEvidence[],
): readonly SignatureCheck[] | undefined {
  if (evidenceProblem(state, evidence) !== undefined) return undefined;
  const checks: SignatureCheck[] = [];
  for (const { evidence: each } of evidence) {
    try {
      checkEvidence(each, chainId);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      return undefined;
    }
    const members = validatorsOfEpoch(state, each.epoch) ?? [];
    const required = evidenceSignatures(each, createValidatorSet(members));
    if (required === undefined) return undefined;
    checks.push(...required);
  }
  return checks;
}
