import type { ConsensusParameters } from "./parameters.ts";

export type Timeliness = "timely" | "future" | "late";

/**
 * Whether a proposal's timestamp agrees with the own clock. Subjective: a node that finds a block
 * untimely votes to skip the view and nothing more; the block itself is never bad for it. The bound
 * into the past follows the back-off, so that views grow long enough for any real delay.
 */
export function judgeTimestamp(
  timestampMs: number,
  receivedAtMs: number,
  nowMs: number,
  factor: number,
  parameters: ConsensusParameters,
): Timeliness {
  const { precisionMs, messageDelayMs } = parameters;
  if (timestampMs < receivedAtMs - messageDelayMs * factor - precisionMs) return "late";
  if (timestampMs > nowMs + precisionMs) return "future";
  return "timely";
}

/** When a timestamp that is in the future now stops being so, ms of own clock. */
export function acceptableAtMs(timestampMs: number, parameters: ConsensusParameters): number {
  return timestampMs - parameters.precisionMs;
}

/** The timestamp of a block built now. */
export function proposalTimestamp(nowMs: number, parentTimestampMs: number): number {
  return Math.max(nowMs, parentTimestampMs + 1);
}

/**
 * When a leader may build on a parent, ms of own clock. The block interval counts from the parent's
 * timestamp or from entering the view, whichever is earlier: a leader that waited for a timestamp
 * in the future would leave nearly every block to a Byzantine one that stamps ahead. Beyond that it
 * waits only until its own timestamp, one above the parent's, is within half the precision that
 * voters allow.
 */
export function earliestProposalMs(
  enteredAtMs: number,
  parentTimestampMs: number,
  parameters: ConsensusParameters,
): number {
  const { minBlockIntervalMs, precisionMs } = parameters;
  const interval = Math.min(parentTimestampMs, enteredAtMs) + minBlockIntervalMs;
  const stampable = parentTimestampMs + 1 - Math.floor(precisionMs / 2);
  return Math.max(interval, stampable);
}

/** The value at which half of the weight is reached; undefined without any. */
export function weightedMedian(
  items: readonly { readonly value: number; readonly weight: number }[],
): number | undefined {
  const sorted = [...items].sort((a, b) => a.value - b.value);
  const total = sorted.reduce((sum, { weight }) => sum + weight, 0);
  let below = 0;
  for (const { value, weight } of sorted) {
    below += weight;
    if (2 * below >= total) return value;
  }
  return undefined;
}
