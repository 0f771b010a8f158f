import { equalBytes } from "../primitives/bytes.ts";
import type { BodyOf, SignedTransaction, TransactionSignature } from "./envelope.ts";
import { type AdmissionCode, type Outcome, outcomeOf } from "./outcome.ts";
import type { FirstResult } from "./receipt.ts";
import { type DedupeEntry, dedupeId } from "./state/dedupe.ts";
import { LedgerState } from "./state/ledger-state.ts";
import { type Member, type MemberKey, memberTable } from "./state/member.ts";
import type { StateReader } from "./state-reader.ts";
import { type Kind, kindTable } from "./transactions/kinds.ts";
import type { SignerRule } from "./transactions/transaction-kind.ts";

export type { CheckedTransaction } from "./checked-transaction.ts";

/** Why a transaction may not be executed. It leaves no trace and its client reference stays free. */
export interface Refusal {
  readonly ok: false;
  readonly code: AdmissionCode;
  readonly outcome: Outcome;
  /** The body field or signature at fault, where one can be named. */
  readonly field: string | undefined;
  /** DUPLICATE: the first result. IDEMPOTENCY_CONFLICT: the transaction that holds the reference. */
  readonly first: FirstResult | undefined;
}
export type AdmissionResult = { readonly ok: true } | Refusal;

const ADMITTED: AdmissionResult = { ok: true };

function refuse(code: AdmissionCode, field?: string, first?: FirstResult): Refusal {
  return { ok: false, code, outcome: outcomeOf(code), field, first };
}

/**
 * The registered public key of each signature, in order: what a node verifies it under. Undefined
 * where the member or the key is not registered.
 */
export function keysFor(
  transaction: SignedTransaction,
  state: StateReader,
): readonly (Uint8Array | undefined)[] {
  return transaction.signatures.map(({ member, keyId }) => {
    return keyOf(memberTable.read(state, member), keyId)?.publicKey;
  });
}

function keyOf(member: Member | undefined, keyId: string): MemberKey | undefined {
  return member?.keys.find((key) => key.keyId === keyId);
}

/**
 * Whether a block of that height on this state would execute the transaction: at ingress, `state`
 * is the committed state and `height` the next block's. The checks and their order are those of
 * `applyBlock`. Without `verifiedKeys` the signatures are taken as not checked yet, so that a node
 * can refuse cheaply before it verifies; with them they must be the registered keys.
 */
export function checkAdmission(
  transaction: SignedTransaction,
  state: StateReader,
  height: number,
  verifiedKeys?: readonly (Uint8Array | undefined)[],
): AdmissionResult {
  return admit(transaction, new LedgerState(state), height, verifiedKeys);
}

/** `checkAdmission` on the state as a running block has it; keys are those before the block. */
export function admit(
  transaction: SignedTransaction,
  state: LedgerState,
  height: number,
  verifiedKeys: readonly (Uint8Array | undefined)[] | undefined,
): AdmissionResult {
  const { body, signatures } = transaction;
  if (body.chainId !== state.chain.chainId) return refuse("TX_WRONG_CHAIN", "body.chainId");
  const refused =
    checkSigners(transaction, state, verifiedKeys) ??
    checkReference(transaction, state, height) ??
    checkExpiry(body.expiresAtHeight, state.parameters.maxExpiryBlocks, height);
  if (refused !== undefined) return refused;
  const missing = missingSigner(body, signatures, state);
  return missing === undefined ? ADMITTED : refuse("TX_MISSING_SIGNER", missing);
}

/** The envelope's member is known and signs; every signature is by a registered, proper key. */
function checkSigners(
  transaction: SignedTransaction,
  state: LedgerState,
  verifiedKeys: readonly (Uint8Array | undefined)[] | undefined,
): Refusal | undefined {
  const { body, signatures } = transaction;
  if (state.members.committed(body.member) === undefined) {
    return refuse("TX_UNKNOWN_SIGNER", "body.member");
  }
  const { keyPurpose } = kindTable[body.kind];
  const keys = signatures.map(({ member, keyId }) => keyOf(state.members.committed(member), keyId));
  const unknown = keys.findIndex((key) => key?.purpose !== keyPurpose);
  if (unknown >= 0) return refuse("TX_UNKNOWN_SIGNER", `signatures[${unknown}]`);
  if (verifiedKeys !== undefined) {
    const bad = keys.findIndex((key, i) => {
      const verified = verifiedKeys[i];
      return verified === undefined || key === undefined || !equalBytes(verified, key.publicKey);
    });
    if (bad >= 0) return refuse("TX_BAD_SIGNATURE", `signatures[${bad}]`);
  }
  const suspended = signatures.findIndex(
    ({ member }) => state.members.get(member)?.suspended === true,
  );
  return suspended < 0 ? undefined : refuse("MEMBER_SUSPENDED", `signatures[${suspended}]`);
}

/** Same reference and same body: the first result. Same reference and another body: a conflict. */
function checkReference(
  transaction: SignedTransaction,
  state: LedgerState,
  height: number,
): Refusal | undefined {
  const { member, clientRef } = transaction.body;
  const entry = liveEntry(state, member, clientRef, height);
  if (entry === undefined) return undefined;
  const { txId, outcome, height: firstHeight, index } = entry;
  const first = { txId, outcome, height: firstHeight, index };
  return txId === transaction.txId
    ? refuse("DUPLICATE", "body.clientRef", first)
    : refuse("IDEMPOTENCY_CONFLICT", "body.clientRef", first);
}

/** The entry of a client reference, while it is remembered: pruning may come later than that. */
export function liveEntry(
  state: LedgerState,
  member: string,
  clientRef: string,
  height: number,
): DedupeEntry | undefined {
  const entry = state.dedupe.get(dedupeId(member, clientRef));
  return entry !== undefined && height <= entry.retainUntilHeight ? entry : undefined;
}

function checkExpiry(expiresAt: number, maxAhead: number, height: number): Refusal | undefined {
  if (expiresAt < height) return refuse("TX_EXPIRED", "body.expiresAtHeight");
  if (expiresAt > height + maxAhead) return refuse("TX_EXPIRY_TOO_FAR", "body.expiresAtHeight");
  return undefined;
}

/** Which rule no signature meets, in words; undefined when all are met. */
function missingSigner<K extends Kind>(
  body: BodyOf<K>,
  signatures: readonly TransactionSignature[],
  state: LedgerState,
): string | undefined {
  const signedBy = (member: string): boolean =>
    signatures.some((signature) => signature.member === member);
  if (!signedBy(body.member)) return `member ${body.member}`;
  const definition = kindTable[body.kind];
  for (const rule of definition.signers) {
    const missing = unmetRule(rule, body.payload, signatures, signedBy, state);
    if (missing !== undefined) return missing;
  }
  return undefined;
}

function unmetRule<P>(
  rule: SignerRule<P>,
  payload: P,
  signatures: readonly TransactionSignature[],
  signedBy: (member: string) => boolean,
  state: LedgerState,
): string | undefined {
  if (rule.when !== undefined && !rule.when.in.includes(String(payload[rule.when.field]))) {
    return undefined;
  }
  switch (rule.by) {
    case "role": {
      const { role } = rule;
      const met = signatures.some(({ member }) => state.members.get(member)?.roles.includes(role));
      return met ? undefined : `role ${role}`;
    }
    case "operator-of": {
      const account = state.accounts.get(String(payload[rule.field]));
      // Nobody operates an account that does not exist: execution says so.
      if (account === undefined || signedBy(account.member)) return undefined;
      return `operator of ${rule.field}`;
    }
    case "member-in": {
      const member = String(payload[rule.field]);
      if (state.members.get(member) === undefined || signedBy(member)) return undefined;
      return `member in ${rule.field}`;
    }
  }
}

/** Records what an executed transaction came to under its client reference. */
export function remember(
  state: LedgerState,
  transaction: SignedTransaction,
  outcome: Outcome,
  height: number,
  index: number,
): void {
  const { member, clientRef, expiresAtHeight } = transaction.body;
  const { dedupWindowBlocks } = state.parameters;
  state.dedupe.put({
    member,
    clientRef,
    txId: transaction.txId,
    outcome,
    height,
    index,
    retainUntilHeight: expiresAtHeight + dedupWindowBlocks,
  });
}

/** The committed result under a client reference, for `tx.get`; undefined once it is forgotten. */
export function resultOf(
  state: StateReader,
  member: string,
  clientRef: string,
): FirstResult | undefined {
  const ledger = new LedgerState(state);
  const entry = liveEntry(ledger, member, clientRef, ledger.chain.height + 1);
  if (entry === undefined) return undefined;
  const { txId, outcome, height, index } = entry;
  return { txId, outcome, height, index };
}
