import { certificateSchema, verifyCertificate } from "../consensus/certificate.ts";
import { type BlockHeader, headerDigest, headerSchema } from "../consensus/header.ts";
import type { ValidatorSet } from "../consensus/quorum.ts";
import type { Certificate } from "../consensus/types.ts";
import { type Account, accountTable } from "../ledger/state/account.ts";
import { type Balance, balanceId, balanceTable, emptyBalance } from "../ledger/state/balance.ts";
import { type Supply, supplyTable } from "../ledger/state/supply.ts";
import type { Table } from "../ledger/state/table.ts";
import { decode } from "../primitives/codec/codec.ts";
import type { Schema } from "../primitives/codec/schema.ts";
import { verifyOracle } from "../primitives/ed25519/criterion.ts";
import { CodedError, messageOf } from "../primitives/errors.ts";
import { stateProofSchema, verifyStateProof } from "../primitives/merkle/state-proof.ts";
import { EpochTrail } from "./epoch-trail.ts";
import type { GenesisPin } from "./genesis-pin.ts";
import { fromBase64 } from "./rpc/base64.ts";
import { RPC_LIMITS } from "./rpc/limits.ts";
import type { ProofJson } from "./rpc/methods.ts";

/**
 * Checks a proof with nothing but the pinned genesis: Merkle path → state root in a header → digest
 * of the header, or of a descendant that names it → finalization certificate whose signers, each
 * under the network's one signature criterion, weigh a quorum of the validators of the header's
 * epoch: those of the genesis, and later those that an EpochTrail has proven.
 */

/** What a proof is checked against. A pin alone knows the validators of the first epoch. */
export type Trust = GenesisPin | EpochTrail;

export type ProofErrorCode =
  /** Bytes that are not canonical, or fields that contradict each other. */
  | "PROOF_MALFORMED"
  /** A proof of something else than what was asked for. */
  | "PROOF_WRONG_KEY"
  | "PROOF_WRONG_CHAIN"
  /** The path does not lead from the value to the state root of the header. */
  | "PROOF_PATH"
  /** The headers do not hang together up to the certified block. */
  | "PROOF_LINEAGE"
  /** No quorum of the epoch's validators certifies the block. */
  | "PROOF_CERTIFICATE"
  /** The block is of an epoch whose validators are not known here: extend the trail. */
  | "PROOF_EPOCH"
  /** Older than the caller accepts. */
  | "PROOF_STALE";

export class ProofError extends CodedError<ProofErrorCode> {
  override readonly name = "ProofError";
}

/** What a valid proof shows about the moment it speaks of. */
export interface ProvenAt {
  readonly height: number;
  /** Of the block, UTC milliseconds. */
  readonly timestampMs: number;
  readonly stateRoot: string;
  readonly blockDigest: string;
}

export interface ProofDemand {
  /** Proofs of an earlier height are refused: a node may not answer from the past. */
  readonly minHeight?: number;
}

export interface Proven<T> {
  readonly at: ProvenAt;
  readonly value: T;
}

/** The account as registered, or undefined, proven absent. Throws ProofError. */
export function checkAccountProof(
  trust: Trust,
  proof: ProofJson,
  account: string,
  demand?: ProofDemand,
): Proven<Account | undefined> {
  return checkRecord(trust, proof, accountTable, account, demand);
}

/** The balance; a proven absence is a balance of zero. Throws ProofError. */
export function checkBalanceProof(
  trust: Trust,
  proof: ProofJson,
  account: string,
  asset: string,
  demand?: ProofDemand,
): Proven<Balance> {
  const { at, value } = checkRecord(trust, proof, balanceTable, balanceId(account, asset), demand);
  return { at, value: value ?? emptyBalance(account, asset) };
}

/** Issued and redeemed units of an asset, or undefined, proven absent. Throws ProofError. */
export function checkSupplyProof(
  trust: Trust,
  proof: ProofJson,
  asset: string,
  demand?: ProofDemand,
): Proven<Supply | undefined> {
  return checkRecord(trust, proof, supplyTable, asset, demand);
}

function checkRecord<T>(
  trust: Trust,
  proof: ProofJson,
  table: Table<T>,
  id: string,
  demand: ProofDemand | undefined,
): Proven<T | undefined> {
  const { at, value } = checkStateProof(trust, proof, table.key(id), demand);
  if (value === undefined) return { at, value: undefined };
  const entry = guarded("value", () => table.decode(value));
  if (table.idOf(entry) !== id) refuse("PROOF_WRONG_KEY", "the record is another's", proof.key);
  return { at, value: entry };
}

/** The bytes under a key of the state, or undefined, proven absent. Throws ProofError. */
export function checkStateProof(
  trust: Trust,
  proof: ProofJson,
  key: string,
  demand: ProofDemand = {},
): Proven<Uint8Array | undefined> {
  if (proof.key !== key) refuse("PROOF_WRONG_KEY", `asked for ${key}`, proof.key);
  const value = proof.value === null ? undefined : bytesOf("value", proof.value);
  const path = read(stateProofSchema, "path", proof.path);
  const header = read(headerSchema, "header", proof.header);
  if (header.chainId !== trust.chainId) refuse("PROOF_WRONG_CHAIN", "header", header.chainId);
  if (!verifyStateProof(header.stateRoot, key, value, path)) {
    refuse("PROOF_PATH", "the path does not lead to the state root", key);
  }
  const certified = checkLineage(header, proof.descendants);
  checkCertificate(trust, certified, read(certificateSchema, "commit", proof.commit));
  if (proof.height !== String(header.height)) {
    refuse("PROOF_MALFORMED", "height is not the header's", proof.height);
  }
  if (demand.minHeight !== undefined && header.height < demand.minHeight) {
    refuse("PROOF_STALE", `asked for height ${demand.minHeight} or later`, proof.height);
  }
  const { height, timestampMs, stateRoot } = header;
  return { at: { height, timestampMs, stateRoot, blockDigest: headerDigest(header) }, value };
}

/** The certified header: the last of a chain of parents and children, or the first alone. */
function checkLineage(header: BlockHeader, descendants: readonly string[]): BlockHeader {
  if (descendants.length > RPC_LIMITS.maxProofDescendants) {
    refuse("PROOF_MALFORMED", "too many descendants", String(descendants.length));
  }
  let tip = header;
  for (const [i, text] of descendants.entries()) {
    const child = read(headerSchema, `descendants[${i}]`, text);
    const fits =
      child.chainId === tip.chainId &&
      child.epoch === tip.epoch &&
      child.height === tip.height + 1 &&
      child.parentDigest === headerDigest(tip);
    if (!fits) refuse("PROOF_LINEAGE", `descendants[${i}] is not a child`, String(child.height));
    tip = child;
  }
  return tip;
}

/** Epoch of the block that a proof speaks of, as the proof says; nothing is checked. */
export function epochOfProof(proof: ProofJson): number {
  return read(headerSchema, "header", proof.header).epoch;
}

function validatorsOf(trust: Trust, epoch: number): ValidatorSet | undefined {
  if (trust instanceof EpochTrail) return trust.validatorsOf(epoch);
  return epoch === 0 ? trust.validators : undefined;
}

function checkCertificate(trust: Trust, header: BlockHeader, certificate: Certificate): void {
  const names =
    certificate.kind === "finalize" &&
    certificate.epoch === header.epoch &&
    certificate.target?.blockDigest === headerDigest(header);
  if (!names) refuse("PROOF_CERTIFICATE", "the certificate is not a finalization of the block");
  const validators =
    validatorsOf(trust, header.epoch) ??
    refuse("PROOF_EPOCH", "validators of that epoch are not known", String(header.epoch));
  if (!verifyCertificate(certificate, validators, trust.chainId, verifyOracle)) {
    refuse("PROOF_CERTIFICATE", "not signed by a quorum of the epoch's validators");
  }
}

function read<T>(schema: Schema<T>, field: string, text: string): T {
  return guarded(field, () => decode(schema, bytesOf(field, text), undefined, field));
}

function bytesOf(field: string, text: string): Uint8Array {
  return fromBase64(text) ?? refuse("PROOF_MALFORMED", `${field} is not base64`);
}

/** What a proof holds comes from outside: whatever is wrong with it is the proof's fault. */
function guarded<T>(field: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof ProofError || !(error instanceof CodedError)) throw error;
    throw new ProofError("PROOF_MALFORMED", messageOf(error), { field }, { cause: error });
  }
}

function refuse(code: ProofErrorCode, message: string, got = ""): never {
  throw new ProofError(code, message, { got: got.slice(0, 80) });
}
