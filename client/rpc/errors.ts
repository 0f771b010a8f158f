import Type, { type Static } from "typebox";
import { CodedError, type ErrorData } from "../../primitives/errors.ts";
import { closed, smallInteger } from "./scalars.ts";

/**
 * What a caller may do about a refusal. This is the contract that drives every retry:
 * - `never`: the same request will be refused again, here and elsewhere;
 * - `same`: send the same bytes again at once, at another node where there is one;
 * - `later`: send the same bytes again after `retryAfterMs` or a growing pause;
 * - `rebuild`: the request itself must change (a new expiry, another range).
 */
export const RETRY_CLASSES = ["never", "same", "later", "rebuild"] as const;
export type RetryClass = (typeof RETRY_CLASSES)[number];

interface ReasonRow {
  /** JSON-RPC error code. */
  readonly code: number;
  readonly retry: RetryClass;
  /** HTTP status of a reply that holds this one refusal; 200 where the transport did its part. */
  readonly http: number;
  readonly message: string;
}

function row(code: number, retry: RetryClass, http: number, message: string): ReasonRow {
  return { code, retry, http, message };
}

/** Every reason the surface gives, with its code. The reason is the contract, texts may change. */
export const REASONS = {
  PARSE: row(-32700, "never", 400, "the body is not JSON text in UTF-8"),
  INVALID_REQUEST: row(-32600, "never", 400, "not a JSON-RPC 2.0 request of this surface"),
  BATCH_TOO_LARGE: row(-32600, "never", 400, "more calls in one array than allowed"),
  BODY_TOO_LARGE: row(-32600, "never", 413, "the body is larger than allowed"),
  METHOD_NOT_FOUND: row(-32601, "never", 200, "no such method here"),
  INVALID_PARAMS: row(-32602, "never", 200, "a parameter is missing or not of its form"),
  UNKNOWN_FIELD: row(-32602, "never", 200, "a field this method does not know"),
  AMOUNT_FORMAT: row(-32602, "never", 200, "not a plain decimal in range"),
  LIMIT_TOO_LARGE: row(-32602, "never", 200, "asks for more than one answer may hold"),
  CURSOR_INVALID: row(-32602, "never", 200, "not a cursor of this surface"),
  CURSOR_FILTER_MISMATCH: row(-32602, "never", 200, "the cursor belongs to another filter"),
  CURSOR_OTHER_CHAIN: row(-32602, "never", 200, "the cursor belongs to another chain"),
  INTERNAL: row(-32603, "later", 500, "the node failed to answer; report the requestId"),
  UNAUTHENTICATED: row(-32001, "never", 401, "no credential that this node accepts"),
  FORBIDDEN: row(-32002, "never", 403, "not allowed here"),
  NOT_YOUR_ACCOUNT: row(-32002, "never", 403, "the account belongs to another member"),
  NOT_FOUND: row(-32003, "never", 200, "no such object"),
  RATE_LIMITED: row(-32004, "later", 429, "too many requests from this client"),
  OVERLOADED: row(-32005, "later", 503, "the node is at its limit of work"),
  MEMPOOL_FULL: row(-32005, "later", 503, "the pool of waiting transactions is full"),
  SYNCING: row(-32006, "later", 503, "the node is catching up"),
  DRAINING: row(-32006, "later", 503, "the node is shutting down"),
  HALTED: row(-32006, "later", 503, "the node has stopped serving"),
  OBSERVER: row(-32006, "same", 503, "this node has no vote now: submit at a validator"),
  UPGRADE_REQUIRED: row(-32006, "later", 503, "the node is too old for the network"),
  DEADLINE: row(-32007, "later", 503, "no answer within the time allowed"),
  PRUNED: row(-32008, "rebuild", 200, "older than this node keeps"),
  AHEAD_OF_HEAD: row(-32008, "rebuild", 200, "beyond the head of this node"),
  STREAM_LAGGED: row(-32009, "rebuild", 200, "the reader fell behind; resume at the cursor"),
  TX_MALFORMED: row(-32010, "never", 200, "the transaction cannot be read"),
  TX_NOT_CANONICAL: row(-32011, "never", 200, "the bytes are not the canonical encoding"),
  TX_BAD_SIGNATURE: row(-32012, "rebuild", 200, "a signature does not verify"),
  TX_WRONG_CHAIN: row(-32013, "rebuild", 200, "signed for another chain"),
  TX_UNKNOWN_SIGNER: row(-32014, "rebuild", 200, "a signer or key that is not registered"),
  TX_EXPIRED: row(-32015, "rebuild", 200, "past its expiry height"),
  TX_EXPIRY_TOO_FAR: row(-32016, "rebuild", 200, "expires later than the network allows"),
  TX_TOO_LARGE: row(-32017, "never", 200, "larger than one transaction may be"),
  IDEMPOTENCY_CONFLICT: row(-32018, "never", 200, "the reference names another transaction"),
  TX_MISSING_SIGNER: row(-32019, "rebuild", 200, "a required institution has not signed"),
  NODE_INTEGRITY: row(-32020, "same", 503, "state not verified; use another node"),
} as const satisfies Record<string, ReasonRow>;

export type RpcReason = keyof typeof REASONS;

/**
 * Refusals of `tx.submit`. FORBIDDEN stands for a suspended member; a transaction that was executed
 * before is no refusal but the status `duplicate`.
 */
export const ADMISSION_REASONS = [
  "TX_TOO_LARGE",
  "TX_MALFORMED",
  "TX_NOT_CANONICAL",
  "TX_WRONG_CHAIN",
  "TX_UNKNOWN_SIGNER",
  "TX_BAD_SIGNATURE",
  "FORBIDDEN",
  "IDEMPOTENCY_CONFLICT",
  "TX_EXPIRED",
  "TX_EXPIRY_TOO_FAR",
  "TX_MISSING_SIGNER",
  "MEMPOOL_FULL",
  "OVERLOADED",
  "SYNCING",
  "DRAINING",
  "HALTED",
  "OBSERVER",
  "UPGRADE_REQUIRED",
] as const satisfies readonly RpcReason[];
/** In the order of precedence: of two faults the one named first here is reported. */
export type AdmissionReason = (typeof ADMISSION_REASONS)[number];

export function isRpcReason(text: unknown): text is RpcReason {
  return typeof text === "string" && Object.hasOwn(REASONS, text);
}

/** `data` of an error reply: reason and retry always, the rest where it applies. */
export const RpcErrorData = closed({
  reason: Type.String(),
  retry: Type.Enum([...RETRY_CLASSES]),
  retryAfterMs: Type.Optional(smallInteger()),
  field: Type.Optional(Type.String()),
  limit: Type.Optional(Type.String()),
  got: Type.Optional(Type.String()),
  txId: Type.Optional(Type.String()),
  earliest: Type.Optional(Type.String()),
  head: Type.Optional(Type.String()),
  cursor: Type.Optional(Type.String()),
  requestId: Type.Optional(Type.String()),
});
export type RpcErrorData = Static<typeof RpcErrorData>;

export const RpcErrorObject = closed({
  code: Type.Integer(),
  message: Type.String(),
  data: RpcErrorData,
});
export type RpcErrorObject = Static<typeof RpcErrorObject>;

/** What a refusal may say besides its reason. Text the client sent is cut short by the server. */
export type RefusalDetail = Partial<Omit<RpcErrorData, "reason" | "retry" | "requestId">>;

/** A refusal with a reason of the table, as the server gives it. */
export class RpcRefusal extends CodedError<RpcReason> {
  override readonly name = "RpcRefusal";
  readonly detail: RefusalDetail;

  constructor(
    reason: RpcReason,
    detail: RefusalDetail = {},
    text: { readonly message?: string; readonly cause?: unknown } = {},
  ) {
    super(
      reason,
      text.message ?? REASONS[reason].message,
      definedOnly(detail),
      text.cause === undefined ? undefined : { cause: text.cause },
    );
    this.detail = detail;
  }

  get retry(): RetryClass {
    return REASONS[this.code].retry;
  }
}

function definedOnly(detail: RefusalDetail): ErrorData {
  const data: Record<string, string | number> = {};
  for (const [key, value] of Object.entries(detail)) if (value !== undefined) data[key] = value;
  return data;
}
