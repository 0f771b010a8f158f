import type { ValidatorIndex } from "./fault.ts";

/** What happens to bytes on their way from one validator to another. */
export interface LinkRule {
  /** Nothing arrives, and nobody is told: what was sent waits, as in a sender's TCP queue. */
  readonly blocked: boolean;
  readonly delayMs: number;
  /** Up to so much more or less, evenly spread. */
  readonly jitterMs: number;
  /** 0..1: chance that a piece is lost and has to be sent again, perhaps more than once. */
  readonly loss: number;
}

export const CLEAR: LinkRule = { blocked: false, delayMs: 0, jitterMs: 0, loss: 0 };
const BLOCKED: LinkRule = { ...CLEAR, blocked: true };

/** The rule of each direction of each link. */
export type LinkRules = (from: ValidatorIndex, to: ValidatorIndex) => LinkRule;

export const allClear: LinkRules = () => CLEAR;

/** Nothing passes between the side and the rest; each is whole in itself. */
export function cutOff(side: readonly ValidatorIndex[]): LinkRules {
  return (from, to) => (side.includes(from) === side.includes(to) ? CLEAR : BLOCKED);
}

/** One direction of all links of one validator. */
export function oneWay(victim: ValidatorIndex, lost: "sent" | "received"): LinkRules {
  return (from, to) => ((lost === "sent" ? from : to) === victim ? BLOCKED : CLEAR);
}

export function slow(delayMs: number, jitterMs: number): LinkRules {
  return () => ({ ...CLEAR, delayMs, jitterMs });
}

export function lossy(loss: number): LinkRules {
  return () => ({ ...CLEAR, loss });
}

/** The least time after which TCP sends again (Linux TCP_RTO_MIN), and it doubles (RFC 6298). */
const RETRANSMIT_MS = 200;
const MAX_RETRANSMITS = 5;

/**
 * How long a piece takes under a rule. Loss is what a TCP user sees of it: the piece, and all that
 * is behind it in the stream, waits for the retransmission. `unit` gives 0 <= x < 1.
 */
export function transitMs(rule: LinkRule, unit: () => number): number {
  let ms = 0;
  if (rule.delayMs > 0) ms += Math.max(0, rule.delayMs + (2 * unit() - 1) * rule.jitterMs);
  if (rule.loss > 0) {
    for (let i = 0; i < MAX_RETRANSMITS && unit() < rule.loss; i++) ms += RETRANSMIT_MS * 2 ** i;
  }
  return ms;
}
