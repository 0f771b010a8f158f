import type { AdmissionReason, RefusalDetail } from "../../client/rpc/errors.ts";
import { admit, type Refusal } from "../../ledger/admission.ts";
import {
  decodeOwnTransaction,
  type SignedTransaction,
  TransactionError,
} from "../../ledger/envelope.ts";
import { decodeReceipt, type Receipt } from "../../ledger/receipt.ts";
import { LedgerState } from "../../ledger/state/ledger-state.ts";
import { invariant, present, unreachable } from "../../primitives/assert.ts";
import { CodedError } from "../../primitives/errors.ts";
import type { Verifier } from "../../primitives/verifier.ts";
import type {
  Admission,
  SearchedRange,
  TransactionPort,
  TransactionReference,
  TransactionStatus,
  WaitResult,
} from "../api/ports.ts";
import type { WireTransaction } from "../dissemination/batch.ts";
import type { SignatureFindings } from "../dissemination/batch-pool.ts";
import type { PendingTransactions } from "../dissemination/pending-transactions.ts";
import type { BlockStore } from "../storage/block-store.ts";
import type { CommittedState } from "./committed-state.ts";
import { allVerified, checkTransactions } from "./signature-check.ts";
import type { TransactionWaiters } from "./transaction-waiters.ts";

/** A full pool drains within a few blocks. */
const RETRY_AFTER_MS = 500;

/** Found after a conflict of client references, with a pending transaction too. */
const AFTER_REFERENCE: ReadonlySet<Refusal["code"]> = new Set([
  "TX_EXPIRED",
  "TX_EXPIRY_TOO_FAR",
  "TX_MISSING_SIGNER",
]);

export interface IntakeOptions {
  readonly blocks: BlockStore;
  readonly committed: CommittedState;
  readonly pending: PendingTransactions;
  readonly waiters: TransactionWaiters;
  readonly verifier: Verifier;
  /** A transaction was admitted: pack it into a batch. */
  readonly admitted: () => void;
  /** Why no transaction is taken at the moment; undefined while they are. */
  readonly closed: () => "SYNCING" | "DRAINING" | "HALTED" | "OBSERVER" | undefined;
  /** While the node has more work than it gets done in time: when to ask again, ms. */
  readonly overload: () => number | undefined;
  readonly count: (outcome: "admitted" | "duplicate" | AdmissionReason) => void;
}

/**
 * The door for transactions. Cheap checks first, then the signatures, then a place in the pool; a
 * refusal leaves no trace and consumes no client reference.
 */
export class TransactionIntake implements TransactionPort {
  readonly #options: IntakeOptions;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  async submit(bytes: Uint8Array): Promise<Admission> {
    const [admission] = await this.submitAll([bytes]);
    return present(admission, "answer to one transaction");
  }

  /** Each is admitted or refused by itself; the signatures of all are verified together. */
  async submitAll(transactions: readonly Uint8Array[]): Promise<readonly Admission[]> {
    const admissions = await this.#submitAll(transactions);
    for (const admission of admissions) this.#options.count(countedAs(admission));
    return admissions;
  }

  waitFor(txId: string, ms: number, signal: AbortSignal): Promise<WaitResult> {
    const { committed, pending } = this.#options;
    const receipt = this.#receiptOf(txId);
    if (receipt !== undefined) return Promise.resolve({ kind: "committed", receipt });
    const expiresAt = pending.get(txId)?.transaction.body.expiresAtHeight;
    if (expiresAt !== undefined && expiresAt <= committed.head.height) {
      return Promise.resolve({ kind: "expired" });
    }
    return this.#options.waiters.wait(txId, expiresAt, ms, signal);
  }

  async find(reference: TransactionReference): Promise<TransactionStatus> {
    const { blocks, committed, pending } = this.#options;
    const searched: SearchedRange = { from: blocks.earliestHeight, to: committed.head.height };
    const txId =
      "txId" in reference
        ? reference.txId
        : (blocks.txIdOf(reference.member, reference.clientRef) ??
          pending.txIdOf(reference.member, reference.clientRef));
    if (txId === undefined) return { kind: "absent", searched };
    const receipt = this.#receiptOf(txId);
    if (receipt !== undefined) return { kind: "committed", receipt, searched };
    const body = pending.get(txId)?.transaction.body;
    if (body === undefined) return { kind: "absent", searched };
    return { kind: "pending", txId, expiresAtHeight: body.expiresAtHeight, searched };
  }

  async #submitAll(transactions: readonly Uint8Array[]): Promise<readonly Admission[]> {
    const { committed, verifier } = this.#options;
    const closed = this.#options.closed();
    if (closed !== undefined) {
      return transactions.map(() => refused(closed, { retryAfterMs: RETRY_AFTER_MS }));
    }
    const before = new LedgerState(committed);
    const early = transactions.map((bytes) => this.#beforeVerification(bytes, before));
    const candidates = early.filter((each) => "transaction" in each);
    let checked: Awaited<ReturnType<typeof checkTransactions>>;
    try {
      checked = await checkTransactions(candidates, committed, verifier);
    } catch (error) {
      if (!(error instanceof CodedError) || error.code !== "OVERLOADED") throw error;
      const overloaded = refused("OVERLOADED", { retryAfterMs: RETRY_AFTER_MS });
      return early.map((each) => ("transaction" in each ? overloaded : each));
    }
    // The state may have moved on while the signatures were verified.
    const after = new LedgerState(committed);
    const held = this.#options.pending.count;
    let next = 0;
    const admissions = early.map((each) => {
      if (!("transaction" in each)) return each;
      const found = present(checked[next++], "findings in order");
      return this.#afterVerification(each, found, after);
    });
    if (this.#options.pending.count > held) this.#options.admitted();
    return admissions;
  }

  /** What is to be verified, or an answer that needs no verification. */
  #beforeVerification(bytes: Uint8Array, state: LedgerState): WireTransaction | Admission {
    const { committed, pending, overload } = this.#options;
    let transaction: SignedTransaction;
    try {
      transaction = decodeOwnTransaction(bytes);
    } catch (error) {
      if (error instanceof TransactionError) return malformed(error);
      throw error;
    }
    const early = admit(transaction, state, committed.head.height + 1, undefined);
    const isPending = pending.get(transaction.txId) !== undefined;
    if (!(early.ok || isPending || AFTER_REFERENCE.has(early.code))) {
      return this.#refusal(transaction, early);
    }
    const known = this.#known(transaction);
    if (known !== undefined) return known;
    if (!early.ok) return this.#refusal(transaction, early);
    // Last of the cheap checks: what is wrong or known is said even by a node at its limit.
    const retryAfterMs = overload();
    if (retryAfterMs !== undefined) return refused("OVERLOADED", { retryAfterMs });
    return { bytes, transaction };
  }

  #afterVerification(
    { bytes, transaction }: WireTransaction,
    found: SignatureFindings,
    state: LedgerState,
  ): Admission {
    const { committed, pending } = this.#options;
    if (!allVerified(found)) {
      const bad = found.verifiedKeys.indexOf(undefined);
      return refused("TX_BAD_SIGNATURE", { field: `signatures[${bad}]` });
    }
    const late = admit(transaction, state, committed.head.height + 1, found.verifiedKeys);
    if (!late.ok) return this.#refusal(transaction, late);
    const raced = this.#known(transaction);
    if (raced !== undefined) return raced;
    if (!pending.admit({ bytes, checked: found })) {
      return refused("MEMPOOL_FULL", { retryAfterMs: RETRY_AFTER_MS });
    }
    return pendingOf(transaction);
  }

  /** In the pool already, itself or another one under its client reference. */
  #known(transaction: SignedTransaction): Admission | undefined {
    const { member, clientRef } = transaction.body;
    const txId = this.#options.pending.txIdOf(member, clientRef);
    if (txId === undefined) return undefined;
    if (txId === transaction.txId) return pendingOf(transaction);
    return refused("IDEMPOTENCY_CONFLICT", { txId, field: "body.clientRef" });
  }

  #refusal(transaction: SignedTransaction, refusal: Refusal): Admission {
    const field = refusal.field === undefined ? {} : { field: refusal.field };
    switch (refusal.code) {
      case "DUPLICATE": {
        const { txId, body } = transaction;
        const receipt = this.#receiptOf(txId);
        // The state that a snapshot brought knows of it, its receipt stayed behind.
        const height = refusal.first?.height ?? 0;
        const isKept = height >= this.#options.blocks.earliestHeight;
        invariant(receipt !== undefined || !isKept, `the executed transaction ${txId} is indexed`);
        return { kind: "duplicate", txId, expiresAtHeight: body.expiresAtHeight, receipt };
      }
      case "IDEMPOTENCY_CONFLICT":
        return refused("IDEMPOTENCY_CONFLICT", {
          ...field,
          ...(refusal.first === undefined ? {} : { txId: refusal.first.txId }),
        });
      case "MEMBER_SUSPENDED":
        return refused("FORBIDDEN", field);
      case "TX_EXPIRED":
      case "TX_EXPIRY_TOO_FAR":
        return refused(refusal.code, {
          ...field,
          got: String(transaction.body.expiresAtHeight),
          head: String(this.#options.committed.head.height),
        });
      case "TX_WRONG_CHAIN":
      case "TX_UNKNOWN_SIGNER":
      case "TX_BAD_SIGNATURE":
      case "TX_MISSING_SIGNER":
        return refused(refusal.code, field);
      default:
        return unreachable(refusal.code);
    }
  }

  #receiptOf(txId: string): Receipt | undefined {
    const { blocks } = this.#options;
    const place = blocks.locate(txId);
    if (place === undefined) return undefined;
    return decodeReceipt(
      present(blocks.receipt(place.height, place.index), `receipt of transaction ${txId}`),
    );
  }
}

function pendingOf({ txId, body }: SignedTransaction): Admission {
  return { kind: "pending", txId, expiresAtHeight: body.expiresAtHeight };
}

function refused(reason: AdmissionReason, detail: RefusalDetail = {}): Admission {
  return { kind: "refused", reason, detail };
}

function malformed(error: TransactionError): Admission {
  const { field, got, limit } = error.data;
  return refused(error.code, {
    ...(field === undefined ? {} : { field: String(field) }),
    ...(got === undefined ? {} : { got: String(got) }),
    ...(limit === undefined ? {} : { limit: String(limit) }),
  });
}

function countedAs(admission: Admission): "admitted" | "duplicate" | AdmissionReason {
  if (admission.kind === "refused") return admission.reason;
  return admission.kind === "duplicate" ? "duplicate" : "admitted";
}
