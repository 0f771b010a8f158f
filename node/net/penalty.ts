import { invariant } from "../../primitives/assert.ts";

/**
 * What a peer can be blamed for, in points: 100 points cut the link. The first block is found by
 * the mesh, the second is reported by those who read the messages.
 */
export const PENALTY_POINTS = {
  // No build of ours writes these: one is enough to drop the link anyway, two to refuse the peer.
  FRAME_TOO_LARGE: 60,
  FRAME_KIND_UNKNOWN: 60,
  FRAME_ON_WRONG_STREAM: 60,
  FRAME_OUT_OF_TURN: 60,
  HELLO_MALFORMED: 60,
  MUXER_VIOLATION: 60,
  DUPLICATE_STREAM: 20,
  // A slow or blocked peer is not a liar.
  FRAME_DEADLINE: 10,

  MALFORMED_MESSAGE: 50,
  BAD_SIGNATURE: 50,
  BAD_CERTIFICATE: 50,
  BAD_PROPOSAL: 50,
  BAD_BATCH: 50,
  BAD_BLOCK: 50,
  WRONG_ANSWER: 30,
  UNSOLICITED: 5,
  RATE_EXCEEDED: 5,
} as const;

export type PenaltyReason = keyof typeof PENALTY_POINTS;

export const PENALTY = {
  threshold: 100,
  /** An honest peer's rare fault is forgotten within a minute or two. */
  forgivenPerSecond: 1,
  /**
   * A refusal must stay short: an honest validator that was blamed by mistake is missing from the
   * quorum for that long.
   */
  firstBanMs: 5_000,
  longestBanMs: 60_000,
  /** A peer that behaved for this long after a ban is a first offender again. */
  banMemoryMs: 600_000,
} as const;

/** One peer's points. Times are milliseconds of a monotonic clock. */
export class PenaltyRecord {
  readonly #counts = new Map<PenaltyReason, number>();
  #points = 0;
  #pointsAt = 0;
  #bannedUntil = 0;
  #nextBanMs: number = PENALTY.firstBanMs;

  /** Adds a reason's points; true when they cut the peer off. */
  add(reason: PenaltyReason, nowMs: number): boolean {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
    const points = this.points(nowMs) + PENALTY_POINTS[reason];
    this.#pointsAt = nowMs;
    if (points < PENALTY.threshold) {
      this.#points = points;
      return false;
    }
    this.#points = 0;
    if (nowMs - this.#bannedUntil > PENALTY.banMemoryMs) this.#nextBanMs = PENALTY.firstBanMs;
    this.#bannedUntil = nowMs + this.#nextBanMs;
    this.#nextBanMs = Math.min(this.#nextBanMs * 2, PENALTY.longestBanMs);
    return true;
  }

  /** Points that are left after what time has forgiven. */
  points(nowMs: number): number {
    invariant(nowMs >= this.#pointsAt, "penalty clock does not run backwards");
    const forgiven = ((nowMs - this.#pointsAt) / 1_000) * PENALTY.forgivenPerSecond;
    return Math.max(0, this.#points - forgiven);
  }

  /** Milliseconds until the peer is admitted again; 0 when it is. */
  banLeftMs(nowMs: number): number {
    return Math.max(0, this.#bannedUntil - nowMs);
  }

  /** An operator's word: admitted at once, with a clean record of points. */
  pardon(): void {
    this.#points = 0;
    this.#bannedUntil = 0;
    this.#nextBanMs = PENALTY.firstBanMs;
  }

  counts(): ReadonlyMap<PenaltyReason, number> {
    return this.#counts;
  }
}
