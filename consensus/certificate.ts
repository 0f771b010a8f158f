import {
  counter,
  fixedBytes,
  hash,
  list,
  oneOf,
  optional,
  record,
  uint,
} from "../primitives/codec/schema.ts";
import { CodedError } from "../primitives/errors.ts";
import { MAX_VALIDATORS } from "./limits.ts";
import { type ValidatorSet, weightOfBitmap } from "./quorum.ts";
import { voteStatement } from "./statements.ts";
import type { Certificate, Target, Vote } from "./types.ts";

const voteKind = oneOf(["notarize", "nullify", "finalize"]);

export const targetSchema = record({
  parentView: counter,
  parentDigest: hash,
  blockDigest: hash,
});

/** Order on the wire: kind, epoch, view, target or nil, signer, signature. */
export const voteSchema = record({
  kind: voteKind,
  epoch: counter,
  view: counter,
  target: optional(targetSchema),
  signer: uint(MAX_VALIDATORS - 1),
  signature: fixedBytes(64),
});

export const voteRecordSchema = record({
  kind: voteKind,
  epoch: counter,
  view: counter,
  target: optional(targetSchema),
});

/** Order on the wire: kind, epoch, view, target or nil, bitmap of signers, signatures. */
export const certificateSchema = record({
  kind: voteKind,
  epoch: counter,
  view: counter,
  target: optional(targetSchema),
  signers: uint(2 ** MAX_VALIDATORS - 1),
  signatures: list(fixedBytes(64), MAX_VALIDATORS),
});

/** One signature to verify; structurally the SignatureCheck of the verifier. */
export interface RequiredSignature {
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

export type CertificateErrorCode =
  | "TARGET_PRESENCE"
  | "TARGET_ORDER"
  | "VIEW_ZERO"
  | "UNKNOWN_SIGNER"
  | "SIGNATURE_COUNT"
  | "BELOW_QUORUM";

export function sameTarget(a: Target | undefined, b: Target | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return (
    a.parentView === b.parentView &&
    a.parentDigest === b.parentDigest &&
    a.blockDigest === b.blockDigest
  );
}

/** Structure shared by votes and certificates. Throws CodedError. */
export function checkVoteShape(vote: Pick<Vote, "kind" | "view" | "target">): void {
  const refuse = (code: CertificateErrorCode, message: string): never => {
    throw new CodedError<CertificateErrorCode>(code, message, { view: vote.view });
  };
  if (vote.view < 1) refuse("VIEW_ZERO", "views start at 1");
  if ((vote.target === undefined) !== (vote.kind === "nullify")) {
    refuse("TARGET_PRESENCE", "exactly notarize and finalize name a block");
  }
  if (vote.target !== undefined && vote.target.parentView >= vote.view) {
    refuse("TARGET_ORDER", "the parent's view is below the block's");
  }
}

/**
 * The signatures of a certificate, one check each; all must verify. Throws CodedError when the
 * certificate cannot be valid whatever its signatures are: unknown signers, a count that differs
 * from the bitmap, weight below the quorum. A bitmap cannot name a signer twice.
 */
export function certificateSignatures(
  certificate: Certificate,
  set: ValidatorSet,
  chainId: string,
): readonly RequiredSignature[] {
  checkVoteShape(certificate);
  const refuse = (code: CertificateErrorCode, message: string): never => {
    throw new CodedError<CertificateErrorCode>(code, message, {
      view: certificate.view,
      signers: certificate.signers,
    });
  };
  if (certificate.signers >= 2 ** set.validators.length) refuse("UNKNOWN_SIGNER", "signer bitmap");
  const message = voteStatement(chainId, certificate);
  const checks: RequiredSignature[] = [];
  for (const [i, { publicKey }] of set.validators.entries()) {
    if ((certificate.signers & (1 << i)) === 0) continue;
    const signature = certificate.signatures[checks.length];
    if (signature === undefined) return refuse("SIGNATURE_COUNT", "a signature for each signer");
    checks.push({ publicKey, message, signature });
  }
  if (certificate.signatures.length !== checks.length) {
    refuse("SIGNATURE_COUNT", "a signature for each signer");
  }
  if (weightOfBitmap(set, certificate.signers) < set.quorum) {
    refuse("BELOW_QUORUM", "signers weigh less than the quorum");
  }
  return checks;
}

/**
 * Whether a certificate of `set` is valid: for light clients and audits. `verify` must apply the
 * network's one signature criterion. Epoch and block are the caller's to compare.
 */
export function verifyCertificate(
  certificate: Certificate,
  set: ValidatorSet,
  chainId: string,
  verify: (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean,
): boolean {
  let checks: readonly RequiredSignature[];
  try {
    checks = certificateSignatures(certificate, set, chainId);
  } catch (error) {
    if (error instanceof CodedError) return false;
    throw error;
  }
  return checks.every((check) => verify(check.publicKey, check.message, check.signature));
}
