import type { BucketRate } from "./token-bucket.ts";

/** Bounds of the RPC listener, beyond those of the surface itself (`client/rpc/limits.ts`). */
export const SERVER_LIMITS = {
  /** Header block of a request: ours need a few hundred bytes. */
  maxHeaderBytes: 8 << 10,
  /** All headers must have come by then; Node's own default is a minute. */
  headersTimeoutMs: 5_000,
  /** The whole request must have come by then; Node's own default is five minutes. */
  requestTimeoutMs: 10_000,
  /** How often Node looks for requests past their time; its own default is 30 s. */
  timeoutCheckMs: 1_000,
  /** A socket on which nothing moves; longer than the longest poll. */
  socketIdleMs: 60_000,
  keepAliveMs: 5_000,
  /** Sockets at once: each costs a file descriptor and some KiB; the peers' come first. */
  maxConnections: 1_024,
  /** Nesting of a request: the deepest valid one is batch > call > params > filter > types. */
  maxJsonDepth: 8,
  /** Brackets, separators and scalars: a full batch of the largest calls needs under 2,000. */
  maxJsonTokens: 4_096,
  /**
   * Calls being answered, those that wait included; reads and submits apart so that neither starves
   * the other. Twice the places to wait, so that waiting calls leave room for the others.
   */
  maxReadsInFlight: 1_024,
  /** In transactions, whether they come alone or in batches: at most 64 KiB each. */
  maxSubmitsInFlight: 4_096,
  /** Calls that wait: for an event, and apart from them for a commit. */
  maxLongPolls: 512,
  /** Blocks being put into replies of up to `maxResponse` bytes: 128 MiB together. */
  maxBlocksInFlight: 16,
  /** Bytes of replies that clients have not taken yet; above this, reads are refused. */
  maxUnsentBytes: 64 << 20,
  /** A call that does not wait must be answered by then. */
  callDeadlineMs: 5_000,
  /** Events looked at for one page: bounds the work of a filter that matches nothing. */
  maxEventsScanned: 5_000,
  /** Events read from storage at once. */
  eventChunk: 500,
  /** Pause proposed to a client that met a full node. */
  overloadRetryMs: 200,
  /** Time that open calls get to finish when the listener closes. */
  drainMs: 5_000,
  /** Clients with a rate of their own; the one not seen for longest is forgotten. */
  maxClients: 4_096,
} as const;

/** A reader that polls a few accounts and follows events stays far below. */
export const READ_RATE: BucketRate = { burst: 2_000, perSecond: 1_000 };
/** A custodian at the full rate of the network stays below. */
export const SUBMIT_RATE: BucketRate = { burst: 20_000, perSecond: 10_000 };
