import { fromBase64 } from "../../client/rpc/base64.ts";
import { RpcRefusal } from "../../client/rpc/errors.ts";
import { RPC_LIMITS } from "../../client/rpc/limits.ts";
import type { BatchAnswerJson, ParamsOf, ResultOf } from "../../client/rpc/methods.ts";
import { invariant, present } from "../../primitives/assert.ts";
import type { CallContext } from "./call-context.ts";
import { outcomeJson, receiptJson } from "./json-view.ts";
import type { Admission, SearchedRange, TransactionReference, TransactionStatus } from "./ports.ts";

export async function submit(
  context: CallContext,
  params: ParamsOf<"tx.submit">,
): Promise<ResultOf<"tx.submit">> {
  const waitMs = waitOf(context, params);
  const admission = await context.ports.transactions.submit(transactionBytes(params.tx, "tx"));
  switch (admission.kind) {
    case "refused":
      throw new RpcRefusal(admission.reason, admission.detail);
    case "duplicate":
      return {
        txId: admission.txId,
        status: "duplicate",
        expiresAtHeight: String(admission.expiresAtHeight),
        ...(admission.receipt === undefined ? {} : { receipt: receiptJson(admission.receipt) }),
      };
    case "pending": {
      const { txId } = admission;
      const expiresAtHeight = String(admission.expiresAtHeight);
      if (waitMs === 0) return { txId, status: "pending", expiresAtHeight };
      return afterWait(context, txId, expiresAtHeight, waitMs);
    }
  }
}

/**
 * Each transaction by itself, in order. What cannot even be decoded from its text is answered here;
 * the rest goes to the node together.
 */
export async function submitBatch(
  context: CallContext,
  params: ParamsOf<"tx.submitBatch">,
): Promise<ResultOf<"tx.submitBatch">> {
  const read = params.txs.map((text, i) => bytesOrRefusal(text, `txs[${i}]`));
  const readable = read.filter((each) => each instanceof Uint8Array);
  const admissions = await context.ports.transactions.submitAll(readable);
  invariant(admissions.length === readable.length, "one admission for each transaction");
  let next = 0;
  const answers = read.map((each) =>
    each instanceof Uint8Array
      ? batchAnswer(present(admissions[next++], "admission in order"))
      : refusedAnswer(each),
  );
  return { answers, refused: answers.filter(({ status }) => status === "refused").length };
}

function bytesOrRefusal(text: string, field: string): Uint8Array | RpcRefusal {
  try {
    return transactionBytes(text, field);
  } catch (error) {
    if (!(error instanceof RpcRefusal)) throw error;
    // The one parameter is the list; of an item of it, being no base64 is its own fault.
    return error.code === "INVALID_PARAMS" ? new RpcRefusal("TX_MALFORMED", { field }) : error;
  }
}

function batchAnswer(admission: Admission): BatchAnswerJson {
  switch (admission.kind) {
    case "refused":
      return refusedAnswer(new RpcRefusal(admission.reason, admission.detail));
    case "duplicate": {
      const { txId, receipt } = admission;
      const expiresAtHeight = String(admission.expiresAtHeight);
      if (receipt === undefined) return { status: "duplicate", txId, expiresAtHeight };
      return { status: "duplicate", txId, expiresAtHeight, receipt: receiptJson(receipt) };
    }
    case "pending": {
      const { txId } = admission;
      return { status: "pending", txId, expiresAtHeight: String(admission.expiresAtHeight) };
    }
  }
}

function refusedAnswer(refusal: RpcRefusal): BatchAnswerJson {
  const { code: reason, retry, detail } = refusal;
  return { status: "refused", refusal: { reason, retry, ...detail } };
}

/** The transaction is in: from here on nothing that goes wrong with the wait is an error. */
async function afterWait(
  context: CallContext,
  txId: string,
  expiresAtHeight: string,
  waitMs: number,
): Promise<ResultOf<"tx.submit">> {
  const place = context.enterWait();
  if (place === undefined) return { txId, status: "pending", expiresAtHeight, waitElapsed: true };
  const result = await context.ports.transactions.waitFor(txId, waitMs, place.signal);
  switch (result.kind) {
    case "committed":
      return { txId, status: "committed", expiresAtHeight, receipt: receiptJson(result.receipt) };
    case "expired":
      return { txId, status: "expired", expiresAtHeight };
    case "elapsed":
      return { txId, status: "pending", expiresAtHeight, waitElapsed: true };
  }
}

function waitOf(context: CallContext, params: ParamsOf<"tx.submit">): number {
  const waits = params.wait === "committed";
  if (!waits && params.waitMs !== undefined && params.waitMs > 0) {
    const message = "waitMs goes with wait: committed";
    throw new RpcRefusal("INVALID_PARAMS", { field: "waitMs" }, { message });
  }
  if (!waits) return 0;
  if (!context.mayWait) throw noWaitInBatch("wait");
  return params.waitMs ?? RPC_LIMITS.maxSubmitWaitMs;
}

export function noWaitInBatch(field: string): RpcRefusal {
  return new RpcRefusal("INVALID_PARAMS", { field }, { message: "a call of a batch cannot wait" });
}

function transactionBytes(text: string, field: string): Uint8Array {
  // Checked on the text, so that a megabyte of it is never decoded.
  const size = Math.floor((text.length / 4) * 3);
  if (size > RPC_LIMITS.maxTxBytes + 2) {
    throw new RpcRefusal("TX_TOO_LARGE", {
      field,
      limit: String(RPC_LIMITS.maxTxBytes),
      got: String(size),
    });
  }
  const bytes = fromBase64(text);
  if (bytes === undefined) throw new RpcRefusal("INVALID_PARAMS", { field });
  if (bytes.length > RPC_LIMITS.maxTxBytes) {
    throw new RpcRefusal("TX_TOO_LARGE", { field, limit: String(RPC_LIMITS.maxTxBytes) });
  }
  return bytes;
}

export async function getTransaction(
  context: CallContext,
  params: ParamsOf<"tx.get">,
): Promise<ResultOf<"tx.get">> {
  const status = await context.ports.transactions.find(referenceOf(params));
  const searched = searchedJson(status.searched);
  switch (status.kind) {
    case "committed": {
      const receipt = receiptJson(status.receipt);
      return {
        status: "committed",
        txId: receipt.txId,
        outcome: outcomeJson(status.receipt.outcome),
        height: receipt.height,
        index: receipt.index,
        searched,
        receipt,
      };
    }
    case "pending":
      return {
        status: "pending",
        txId: status.txId,
        expiresAtHeight: String(status.expiresAtHeight),
        searched,
      };
    case "absent":
      return absent(context, params, status, searched);
  }
}

function absent(
  context: CallContext,
  params: ParamsOf<"tx.get">,
  status: Extract<TransactionStatus, { kind: "absent" }>,
  searched: { from: string; to: string },
): ResultOf<"tx.get"> {
  const claimed = params.expiresAtHeight === undefined ? undefined : Number(params.expiresAtHeight);
  const expiry = status.expiresAtHeight ?? claimed;
  const known = {
    ...(params.txId === undefined ? {} : { txId: params.txId }),
    ...(expiry === undefined ? {} : { expiresAtHeight: String(expiry) }),
  };
  const { maxExpiryBlocks } = context.ports.chain.facts();
  const ended = expiry !== undefined && isExpired(expiry, status.searched, maxExpiryBlocks);
  return { status: ended ? "expired" : "unknown", ...known, searched };
}

/**
 * Absence is final only if the head is past the expiry and every block that could hold the
 * transaction was searched: from the first height whose look-ahead reaches the expiry on.
 */
export function isExpired(
  expiresAtHeight: number,
  searched: SearchedRange,
  maxExpiryBlocks: number,
): boolean {
  const firstPossible = Math.max(1, expiresAtHeight - maxExpiryBlocks);
  return searched.to > expiresAtHeight && searched.from <= firstPossible;
}

function searchedJson(searched: SearchedRange): { from: string; to: string } {
  return { from: String(searched.from), to: String(searched.to) };
}

function referenceOf(params: ParamsOf<"tx.get">): TransactionReference {
  const { txId, member, clientRef } = params;
  if (txId !== undefined && member === undefined && clientRef === undefined) return { txId };
  if (txId === undefined && member !== undefined && clientRef !== undefined) {
    return { member, clientRef };
  }
  const message = "give either txId, or member and clientRef";
  throw new RpcRefusal("INVALID_PARAMS", { field: "txId" }, { message });
}
