import { invariant } from "../primitives/assert.ts";
import { TransportError } from "./call-errors.ts";
import { exchange, type Fetch } from "./http-exchange.ts";
import {
  DEFAULT_RETRY,
  decide,
  pauseMs,
  type RetryPolicy,
  reasonOf,
  sleep,
} from "./retry-policy.ts";
import type { MethodName, ParamsOf, ResultOf } from "./rpc/methods.ts";

export interface RpcClientOptions {
  /** Base URLs of nodes, such as `http://127.0.0.1:8650`. The first that answers is kept. */
  readonly endpoints: readonly string[];
  /**
   * Id of the pinned chain. With it, an endpoint is asked for its chain before its first use, and
   * one that serves another chain is never used.
   */
  readonly chainId?: string;
  /** Time for one attempt, ms; waits that a call asks for come on top. */
  readonly attemptTimeoutMs?: number;
  /** Time for a call with all its retries, ms; waits that it asks for come on top. */
  readonly callTimeoutMs?: number;
  readonly retry?: Partial<RetryPolicy>;
  readonly fetch?: Fetch;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Time for this call with all its retries, ms, instead of the client's. */
  readonly timeoutMs?: number;
}

const ATTEMPT_TIMEOUT_MS = 10_000;
const CALL_TIMEOUT_MS = 30_000;
/** More endpoints than a network has validators are a mistake. */
const MAX_ENDPOINTS = 64;

interface Endpoint {
  readonly url: string;
  /** Whether its chain was compared with the pinned one, and how. */
  chain: "unchecked" | "right" | "wrong";
}

/**
 * Calls methods at whichever node answers. Every call is safe to send twice: reads change nothing,
 * and a transaction has one id wherever and however often it is submitted.
 */
export class RpcClient {
  readonly #endpoints: readonly Endpoint[];
  readonly #chainId: string | undefined;
  readonly #attemptTimeoutMs: number;
  readonly #callTimeoutMs: number;
  readonly #retry: RetryPolicy;
  readonly #fetch: Fetch;
  /** Index of the endpoint that answered last. */
  #preferred = 0;

  constructor(options: RpcClientOptions) {
    const count = options.endpoints.length;
    invariant(count > 0 && count <= MAX_ENDPOINTS, `1..${MAX_ENDPOINTS} endpoints`);
    this.#endpoints = options.endpoints.map((url) => ({
      url: new URL(url).href,
      chain: "unchecked",
    }));
    this.#chainId = options.chainId;
    this.#attemptTimeoutMs = options.attemptTimeoutMs ?? ATTEMPT_TIMEOUT_MS;
    this.#callTimeoutMs = options.callTimeoutMs ?? CALL_TIMEOUT_MS;
    this.#retry = { ...DEFAULT_RETRY, ...options.retry };
    // Called as a method of another object, the browser's fetch refuses.
    this.#fetch = options.fetch ?? ((url, init) => fetch(url, init));
  }

  /**
   * The result of a call, from the first endpoint that gives one. Throws RpcCallError for a refusal
   * that a retry cannot help, or that lasts; TransportError when no endpoint answers; the signal's
   * reason when the caller gives up.
   */
  async call<M extends MethodName>(
    method: M,
    params: ParamsOf<M>,
    options: CallOptions = {},
  ): Promise<ResultOf<M>> {
    const { signal } = options;
    const waitMs = requestedWait(params);
    const deadline = Date.now() + (options.timeoutMs ?? this.#callTimeoutMs) + waitMs;
    // Other calls move the preference while this one runs: keep to one round trip of its own.
    const first = this.#preferred;
    let last: unknown;
    for (let attempt = 0; attempt < this.#retry.maxAttempts; attempt++) {
      if (signal?.aborted === true) throw reasonOf(signal);
      const left = deadline - Date.now();
      if (attempt > 0 && left <= 0) break;
      const place = (first + attempt) % this.#endpoints.length;
      try {
        const timeoutMs = Math.max(1, Math.min(left, this.#attemptTimeoutMs + waitMs));
        const result = await this.#attempt(place, method, params, timeoutMs, signal);
        this.#preferred = place;
        return result;
      } catch (error) {
        last = error;
      }
      const round = Math.floor(attempt / this.#endpoints.length);
      const otherLeft = (attempt + 1) % this.#endpoints.length !== 0;
      const decision = decide(last, otherLeft);
      if (decision === "stop") throw last;
      if (decision === "pause") {
        const pause = pauseMs(this.#retry, round, last);
        if (Date.now() + pause >= deadline) break;
        await sleep(pause, signal);
      }
    }
    throw last;
  }

  async #attempt<M extends MethodName>(
    place: number,
    method: M,
    params: ParamsOf<M>,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<ResultOf<M>> {
    const endpoint = this.#endpoints[place];
    invariant(endpoint !== undefined, "an endpoint stands at every place");
    const exchangeWith = { fetch: this.#fetch, endpoint: endpoint.url, timeoutMs, signal };
    if (this.#chainId !== undefined && endpoint.chain === "unchecked") {
      const info = await exchange(exchangeWith, "chain.info", {});
      endpoint.chain = info.chainId === this.#chainId ? "right" : "wrong";
    }
    if (endpoint.chain === "wrong") {
      throw new TransportError("WRONG_CHAIN", endpoint.url, "the node serves another chain");
    }
    return exchange(exchangeWith, method, params);
  }
}

function requestedWait(params: object): number {
  return "waitMs" in params && typeof params.waitMs === "number" ? params.waitMs : 0;
}
