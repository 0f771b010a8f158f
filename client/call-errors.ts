import { CodedError } from "../primitives/errors.ts";
import type { RefusalDetail, RetryClass } from "./rpc/errors.ts";

/**
 * A node refused a call. `code` is the reason of the error table, or one that a newer node knows
 * and this client doesn't: the retry class comes from the reply and holds for both.
 */
export class RpcCallError extends CodedError {
  override readonly name = "RpcCallError";
  readonly retry: RetryClass;
  readonly detail: RefusalDetail;
  /** Tells the operator of the node which request it was. */
  readonly requestId: string | undefined;
  readonly endpoint: string;

  constructor(
    reason: string,
    message: string,
    about: {
      readonly retry: RetryClass;
      readonly detail: RefusalDetail;
      readonly requestId: string | undefined;
      readonly endpoint: string;
    },
  ) {
    super(reason, message, { endpoint: about.endpoint, retry: about.retry });
    this.retry = about.retry;
    this.detail = about.detail;
    this.requestId = about.requestId;
    this.endpoint = about.endpoint;
  }
}

export type TransportErrorCode =
  /** No connection, or it broke. */
  | "UNREACHABLE"
  /** No answer within the time of one attempt. */
  | "TIMEOUT"
  /** An answer that is not of this surface: a proxy's page, a wrong type, too many bytes. */
  | "BAD_REPLY"
  /** The endpoint serves another chain than the pinned one; it is not asked again. */
  | "WRONG_CHAIN";

/** No node answered. Whether a submitted transaction arrived is then unknown. */
export class TransportError extends CodedError<TransportErrorCode> {
  override readonly name = "TransportError";
  readonly endpoint: string;

  constructor(code: TransportErrorCode, endpoint: string, message: string, cause?: unknown) {
    super(code, message, { endpoint }, cause === undefined ? undefined : { cause });
    this.endpoint = endpoint;
  }
}
