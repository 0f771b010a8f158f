import type { ReadinessCheck } from "../api/ops-server.ts";

export interface ReadinessInput {
  /** Of each validator, by number. */
  readonly weights: ReadonlyMap<number, number>;
  readonly self: number;
  readonly connected: ReadonlySet<number>;
  readonly syncing: boolean;
  readonly halted: string | undefined;
  readonly draining: boolean;
  /** False between a start and the answers of a quorum; an observer has no vote to miss. */
  readonly voting: boolean;
}

/** Whether the node can do its part. Reasons are stable tokens for alerts. */
export function readinessChecks(input: ReadinessInput): readonly ReadinessCheck[] {
  const total = [...input.weights.values()].reduce((sum, weight) => sum + weight, 0);
  const quorum = Math.floor((2 * total) / 3) + 1;
  let reachable = input.weights.get(input.self) ?? 0;
  for (const index of input.connected) reachable += input.weights.get(index) ?? 0;
  const check = (name: string, ok: boolean, reason: string): ReadinessCheck =>
    ok ? { name, ok } : { name, ok, reason };
  return [
    check("peers", reachable >= quorum, "PEERS_BELOW_QUORUM"),
    check("chain", !input.syncing, "SYNCING"),
    check("consensus", input.halted === undefined, input.halted ?? ""),
    check("voting", input.voting, "NOT_VOTING"),
    check("serving", !input.draining, "DRAINING"),
  ];
}
