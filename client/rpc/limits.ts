/**
 * Bounds of the RPC surface that both sides know: the server refuses beyond them, the client stays
 * within them. `chain.info` reports those that a caller may have to plan for.
 */
export const RPC_LIMITS = {
  /** Whole HTTP body, bytes: the largest transaction in base64 many times over. */
  maxBody: 1 << 20,
  /** Calls in one JSON-RPC array. Arrays are discouraged: one slow call delays them all. */
  maxBatch: 20,
  /** Events in one page: a page of the largest events stays under the response bound. */
  maxPage: 500,
  defaultPage: 100,
  /** One signed transaction, bytes, before base64: the peer frame of a transaction. */
  maxTxBytes: 64 << 10,
  /**
   * Transactions in one `tx.submitBatch`: settlements of half a KiB fill a quarter of the largest
   * body. Larger ones fit fewer: the body's own bound comes first.
   */
  maxSubmitBatch: 512,
  /** Longest `tx.submit` wait, ms: below the usual 15 s proxy timeout. */
  maxSubmitWaitMs: 10_000,
  /** Longest `events.list` wait, ms: below the usual 60 s idle timeout of a proxy. */
  maxEventsWaitMs: 30_000,
  /** Event types in one filter: more is cheaper read unfiltered. */
  maxFilterTypes: 16,
  /** A cursor as text: two hashes and three counters, base64url, with room. */
  maxCursor: 256,
  /** JSON-RPC `id` as text: it is echoed, so it must not amplify. */
  maxRequestId: 64,
  /** Validators of one epoch: certificates carry a bitmap of 25 bits. */
  maxValidators: 25,
  /** Ends of epochs in one answer: at most 12 KiB each. */
  maxEpochEnds: 64,
  /** Headers between a proven state and its certificate: one view rarely spans a few. */
  maxProofDescendants: 64,
  /** One reply, bytes: a block with all its transactions may exceed it and is then refused. */
  maxResponse: 8 << 20,
} as const;
