import { RpcCallError, TransportError } from "./call-errors.ts";

/** How often and how patiently a call is tried again. */
export interface RetryPolicy {
  /** Attempts over all endpoints, the first included. */
  readonly maxAttempts: number;
  /** First pause, ms; it doubles up to `capMs`. */
  readonly baseMs: number;
  readonly capMs: number;
  /** 0 ≤ x < 1: spreads clients that met the same trouble at the same time. */
  readonly random: () => number;
}

export const DEFAULT_RETRY: RetryPolicy = {
  maxAttempts: 8,
  baseMs: 100,
  capMs: 5_000,
  random: Math.random,
};

/** Whether the same call may be sent again, and if so, whether a pause must come first. */
export type RetryDecision = "stop" | "now" | "pause";

/**
 * The retry class of the answer decides, never its text. `same` and a broken connection go on at
 * the next endpoint at once; `later` too, as long as there is one that was not asked in this round.
 */
export function decide(error: unknown, otherEndpointLeft: boolean): RetryDecision {
  if (error instanceof TransportError) return otherEndpointLeft ? "now" : "pause";
  if (!(error instanceof RpcCallError)) return "stop";
  switch (error.retry) {
    case "never":
    case "rebuild":
      return "stop";
    case "same":
    case "later":
      return otherEndpointLeft ? "now" : "pause";
  }
}

/** Half fixed, half random; never shorter than what the node asked for. */
export function pauseMs(policy: RetryPolicy, round: number, error: unknown): number {
  const ceiling = Math.min(policy.capMs, policy.baseMs * 2 ** Math.min(round, 16));
  const jittered = ceiling / 2 + (ceiling / 2) * policy.random();
  const asked = error instanceof RpcCallError ? (error.detail.retryAfterMs ?? 0) : 0;
  return Math.max(jittered, Math.min(asked, policy.capMs));
}

/** Resolves after `ms`, or rejects with the signal's reason. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(reasonOf(signal));
      return;
    }
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal === undefined ? new Error("aborted") : reasonOf(signal));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

export function reasonOf(signal: AbortSignal): Error {
  const reason: unknown = signal.reason;
  return reason instanceof Error ? reason : new Error("aborted", { cause: reason });
}
