import { compareBytes, toHex } from "../primitives/bytes.ts";
import { encode } from "../primitives/codec/codec.ts";
import { bytesUpTo, counter, fixedBytes, record, uint } from "../primitives/codec/schema.ts";
import { CodedError } from "../primitives/errors.ts";
import { sha256 } from "../primitives/sha256.ts";
import type { RequiredSignature } from "./certificate.ts";
import { MAX_VALIDATORS } from "./limits.ts";
import type { ValidatorSet } from "./quorum.ts";
import { parseStatement, STATEMENT_BYTES, type Statement } from "./statements.ts";

/** A statement and the signature its signer gave. */
export interface SignedStatement {
  readonly statement: Uint8Array;
  readonly signature: Uint8Array;
}

/**
 * Proof that the key of a validator signed two statements of one view that no correct validator
 * signs together: two different proposals, two different notarize votes, two different finalize
 * votes, or a nullify and a finalize vote. Notarize and nullify together are legal.
 */
export interface Evidence {
  /** Index in the validator set of `epoch`. */
  readonly signer: number;
  readonly epoch: number;
  readonly view: number;
  /** The statement whose bytes sort first, so that one pair has one form. */
  readonly first: SignedStatement;
  readonly second: SignedStatement;
}

const signedStatementSchema = record({
  statement: bytesUpTo(STATEMENT_BYTES.others),
  signature: fixedBytes(64),
});

/** Order on the wire: signer, epoch, view, first, second; each of these [statement, signature]. */
export const evidenceSchema = record({
  signer: uint(MAX_VALIDATORS - 1),
  epoch: counter,
  view: counter,
  first: signedStatementSchema,
  second: signedStatementSchema,
});

/** SHA-256 of the canonical bytes, hex: the identity of a piece of evidence. */
export function evidenceDigest(evidence: Evidence): string {
  return toHex(sha256(encode(evidenceSchema, evidence, "evidence")));
}

/** The order in which a header holds evidence: rising digests, none twice. */
export function sortEvidence(evidence: readonly Evidence[]): readonly Evidence[] {
  const byDigest = new Map(evidence.map((each) => [evidenceDigest(each), each]));
  return [...byDigest].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
}

export function isSortedEvidence(evidence: readonly Evidence[]): boolean {
  const digests = evidence.map(evidenceDigest);
  return digests.every((digest, i) => i === 0 || (digests[i - 1] ?? "") < digest);
}

/** Puts the two statements into the order that evidence has. */
export function createEvidence(
  of: Pick<Evidence, "signer" | "epoch" | "view">,
  a: SignedStatement,
  b: SignedStatement,
): Evidence {
  const { signer, epoch, view } = of;
  const [first, second] = compareBytes(a.statement, b.statement) < 0 ? [a, b] : [b, a];
  return { signer, epoch, view, first, second };
}

export type EvidenceErrorCode =
  /** Bytes that are no statement of this chain, epoch and view. */
  | "EVIDENCE_STATEMENT"
  /** The statements do not exclude one another, are equal or stand in the wrong order. */
  | "EVIDENCE_CONSISTENT";

/**
 * Throws CodedError unless the two statements, if signed by one key, convict it. Signatures are not
 * looked at, nor whether the signer is a validator: see evidenceSignatures.
 */
export function checkEvidence(evidence: Evidence, chainId: string): void {
  const refuse = (code: EvidenceErrorCode, message: string): never => {
    throw new CodedError<EvidenceErrorCode>(code, message, {
      signer: evidence.signer,
      epoch: evidence.epoch,
      view: evidence.view,
    });
  };
  const statements = [evidence.first, evidence.second].map(({ statement }) => {
    const parsed = parseStatement(statement);
    if (parsed === undefined) return refuse("EVIDENCE_STATEMENT", "bytes are no statement");
    const { epoch, view } = parsed;
    if (parsed.chainId !== chainId || epoch !== evidence.epoch || view !== evidence.view) {
      return refuse("EVIDENCE_STATEMENT", "a statement of another chain, epoch or view");
    }
    return parsed;
  });
  const [first, second] = statements;
  if (compareBytes(evidence.first.statement, evidence.second.statement) >= 0) {
    refuse("EVIDENCE_CONSISTENT", "statements stand in the order of their bytes");
  }
  if (first === undefined || second === undefined || !exclude(first, second)) {
    refuse("EVIDENCE_CONSISTENT", "a correct validator may sign both");
  }
}

/** Of two different statements of one view. Kinds sort: nullify stands before finalize. */
function exclude(first: Statement, second: Statement): boolean {
  if (first.kind === second.kind) return first.kind !== "nullify";
  return first.kind === "nullify" && second.kind === "finalize";
}

/**
 * The two signatures that make evidence a proof, under the set of its epoch; undefined when the
 * signer is not in that set.
 */
export function evidenceSignatures(
  evidence: Evidence,
  set: ValidatorSet,
): readonly RequiredSignature[] | undefined {
  const publicKey = set.validators[evidence.signer]?.publicKey;
  if (publicKey === undefined) return undefined;
  return [evidence.first, evidence.second].map(({ statement, signature }) => ({
    publicKey,
    message: statement,
    signature,
  }));
}
