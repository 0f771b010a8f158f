import { decodeSignedTransaction } from "../ledger/envelope.ts";
import { RpcCallError, TransportError } from "./call-errors.ts";
import { sleep } from "./retry-policy.ts";
import { toBase64 } from "./rpc/base64.ts";
import { RPC_LIMITS } from "./rpc/limits.ts";
import type { ReceiptJson, ResultOf } from "./rpc/methods.ts";
import type { CallOptions, RpcClient } from "./rpc-client.ts";
import { type ReceiptView, receiptView, ViewError } from "./views.ts";

/**
 * How a submitted transaction stands when the wait is over. A wait that ends is never an error:
 * `pending` says until which height the outcome is open, and asking again later is safe.
 */
export type Finality =
  /** In a final block; `receipt.outcome` tells success or failure. Nothing can change it. */
  | { readonly status: "committed"; readonly txId: string; readonly receipt: ReceiptView }
  /** No block holds it and none ever will. It may be built anew with a new reference. */
  | { readonly status: "expired"; readonly txId: string }
  | {
      readonly status: "pending";
      readonly txId: string;
      /** After this height the answer is definite. */
      readonly untilHeight: number;
      /** Why the last attempt to learn more failed, if it did. */
      readonly lastError?: Error;
    };

export interface WaitOptions {
  /** Ends the wait early; the answer is then `pending`. */
  readonly signal?: AbortSignal;
  /** How long to wait, ms. */
  readonly waitMs?: number;
}

export const DEFAULT_WAIT_MS = 30_000;
/** Pauses between questions: short at first, since finality takes about a second. */
const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 2_000;

/**
 * Submits signed bytes and waits for their outcome, sending the same bytes again where a node does
 * not answer. Rejects only where a node refuses the transaction itself (RpcCallError) or the bytes
 * are no transaction (TransactionError).
 */
export async function submitAndWait(
  client: RpcClient,
  bytes: Uint8Array,
  options: WaitOptions = {},
): Promise<Finality> {
  const { txId, body } = decodeSignedTransaction(bytes);
  const transaction = { txId, expiresAtHeight: body.expiresAtHeight };
  const tx = toBase64(bytes);
  const deadline = deadlineOf(options);
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, MAX_PAUSE_MS)) {
    const left = Math.max(0, deadline - Date.now());
    let lastError: Error | undefined;
    try {
      const waitMs = Math.min(left, RPC_LIMITS.maxSubmitWaitMs);
      const wait = waitMs > 0 ? ({ wait: "committed", waitMs } as const) : {};
      const submitted = await client.call("tx.submit", { tx, ...wait }, callOptions(options, left));
      if (submitted.receipt !== undefined) return committed(txId, submitted.receipt);
      if (submitted.status === "expired") break;
    } catch (error) {
      if (!isUndecided(error, options.signal)) throw error;
      // It may have arrived all the same, by this attempt or an earlier one.
      if (error instanceof RpcCallError && error.code === "TX_EXPIRED") break;
      lastError = asError(error);
    }
    if (await isOver(deadline, pause, options.signal)) return pending(transaction, lastError);
  }
  // The node says that it is too late: the ledger tells whether an earlier attempt was in time.
  const waitMs = Math.max(0, deadline - Date.now());
  return waitForFinality(client, transaction, { ...options, waitMs });
}

/**
 * Asks where a transaction stands until that is definite or the time is over. The expiry is what
 * was signed: it lets a node that never saw the transaction say that it never will be executed.
 */
export async function waitForFinality(
  client: RpcClient,
  transaction: { readonly txId: string; readonly expiresAtHeight: number },
  options: WaitOptions = {},
): Promise<Finality> {
  const { txId, expiresAtHeight } = transaction;
  const deadline = deadlineOf(options);
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, MAX_PAUSE_MS)) {
    const left = Math.max(0, deadline - Date.now());
    let lastError: Error | undefined;
    try {
      const params = { txId, expiresAtHeight: String(expiresAtHeight) };
      const found = await client.call("tx.get", params, callOptions(options, left));
      if (found.receipt !== undefined) return committed(txId, found.receipt);
      if (isExpired(found, expiresAtHeight)) return { status: "expired", txId };
    } catch (error) {
      if (!isUndecided(error, options.signal)) throw error;
      lastError = asError(error);
    }
    if (await isOver(deadline, pause, options.signal)) return pending(transaction, lastError);
  }
}

/** A node's `expired` counts only with the search that supports it. */
function isExpired(found: ResultOf<"tx.get">, expiresAtHeight: number): boolean {
  return found.status === "expired" && Number(found.searched.to) > expiresAtHeight;
}

/**
 * Whether an error leaves the outcome open. TX_EXPIRED does: an earlier attempt of the same bytes
 * may have been executed in time, and only the ledger can tell.
 */
function isUndecided(error: unknown, signal: AbortSignal | undefined): boolean {
  if (signal?.aborted === true || error instanceof TransportError) return true;
  if (!(error instanceof RpcCallError)) return false;
  return error.retry === "same" || error.retry === "later" || error.code === "TX_EXPIRED";
}

function committed(txId: string, receipt: ReceiptJson): Finality {
  if (receipt.txId !== txId) {
    throw new ViewError("ANSWER_INCONSISTENT", "the receipt is of another transaction");
  }
  return { status: "committed", txId, receipt: receiptView(receipt) };
}

function pending(
  transaction: { readonly txId: string; readonly expiresAtHeight: number },
  lastError: Error | undefined,
): Finality {
  const { txId, expiresAtHeight: untilHeight } = transaction;
  return {
    status: "pending",
    txId,
    untilHeight,
    ...(lastError === undefined ? {} : { lastError }),
  };
}

/** Pauses before the next question; true when there will be none. */
async function isOver(
  deadline: number,
  pause: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const left = deadline - Date.now();
  if (left <= 0) return true;
  try {
    await sleep(Math.min(pause, left), signal);
    return false;
  } catch {
    // Only the signal ends a pause early, and with it the wait.
    return true;
  }
}

function deadlineOf(options: WaitOptions): number {
  return Date.now() + (options.waitMs ?? DEFAULT_WAIT_MS);
}

/** Even when the time is over, one question gets the time to be answered. */
function callOptions(options: WaitOptions, leftMs: number): CallOptions {
  const timeoutMs = Math.max(MAX_PAUSE_MS, leftMs);
  return options.signal === undefined ? { timeoutMs } : { timeoutMs, signal: options.signal };
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error("not an error", { cause: thrown });
}
