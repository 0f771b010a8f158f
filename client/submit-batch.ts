import { invariant } from "../primitives/assert.ts";
import { toBase64 } from "./rpc/base64.ts";
import { RPC_LIMITS } from "./rpc/limits.ts";
import type { BatchAnswerJson } from "./rpc/methods.ts";
import type { CallOptions, RpcClient } from "./rpc-client.ts";

/** Of one body, for the transactions alone: what is around them takes a few hundred bytes. */
const MAX_TEXT = RPC_LIMITS.maxBody - 4_096;
/** Quotes and a comma around each. */
const AROUND_TEXT = 3;

/**
 * Submits many signed transactions, in as many calls as the node's limits ask for, one after the
 * other. One answer for each, in order; none depends on another. A refusal is an answer: `refusal`
 * says why and, by its `retry` class, whether the same bytes may be sent again. It does not wait for
 * finality.
 *
 * Rejects as `RpcClient.call` does where a whole call is refused or unanswered. What earlier calls
 * were told is lost then, and submitting all of it again is safe: a transaction that a node has
 * already is answered as `pending` or `duplicate`.
 */
export async function submitBatch(
  client: RpcClient,
  transactions: readonly Uint8Array[],
  options: CallOptions = {},
): Promise<readonly BatchAnswerJson[]> {
  const answers: BatchAnswerJson[] = [];
  for (const txs of partsOf(transactions)) {
    const result = await client.call("tx.submitBatch", { txs }, options);
    invariant(result.answers.length === txs.length, "one answer for each transaction");
    answers.push(...result.answers);
  }
  return answers;
}

/** Lists of base64 texts that fit one call each. */
function* partsOf(transactions: readonly Uint8Array[]): Iterable<string[]> {
  let part: string[] = [];
  let size = 0;
  for (const bytes of transactions) {
    const text = toBase64(bytes);
    const added = text.length + AROUND_TEXT;
    if (part.length > 0 && (part.length === RPC_LIMITS.maxSubmitBatch || size + added > MAX_TEXT)) {
      yield part;
      part = [];
      size = 0;
    }
    part.push(text);
    size += added;
  }
  if (part.length > 0) yield part;
}
