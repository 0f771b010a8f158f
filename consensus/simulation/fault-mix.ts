import type { Prng } from "../../primitives/prng.ts";
import type { DiskSpeed } from "./disk-model.ts";
import type { LinkQuality } from "./network-model.ts";

/**
 * What goes wrong in one run. Swarm testing (Groce et al., ISSTA 2012): each run switches a random
 * subset of the faults off altogether, since faults that are always on hide one another's effects.
 */
export interface FaultMix {
  /** When the faults end: the unknown stabilisation time of partial synchrony. */
  readonly stabilisationMs: number;
  readonly links: LinkQuality;
  readonly disk: DiskSpeed;
  readonly minExecutionMs: number;
  readonly maxExecutionMs: number;
  /** Chances that the fault happens at one beat of the schedule. */
  readonly partitionChance: number;
  readonly oneWayChance: number;
  readonly crashChance: number;
  readonly crashAllChance: number;
  /** A crash between two effects of one step, or between two peers of one broadcast. */
  readonly boundaryCrashChance: number;
  /** A sync that fails: the process ends, as the contract with the driver says. */
  readonly syncErrorChance: number;
  /** A frail node loses its journal, or all it has, or finds a flipped bit amid its journal. */
  readonly diskLossChance: number;
  readonly clockJumpChance: number;
  /** Constant error of honest clocks, either way; within what the timestamp bounds admit. */
  readonly maxClockErrorMs: number;
  /** How much faster or slower honest clocks run until stabilisation, in thousandths. */
  readonly maxClockDrift: number;
  /** Longest pause between two clients' transactions: long ones let the network fall idle. */
  readonly clientPauseMs: number;
  /** An empty block is due after this time without any. */
  readonly heartbeatMs: number;
  /** The nodes expect far quicker links than they have: many views pass without a block. */
  readonly hasty: boolean;
  readonly byzantine: boolean;
  /** Some of those who may be faulty are correct but have a disk that fails. */
  readonly frail: boolean;
  /** Messages cross the wire as bytes, and the journal the disk. */
  readonly encoded: boolean;
  /** The oracle reads the journal back before each statement is sent (S6). */
  readonly watched: boolean;
}

/** Links after stabilisation: quick and without loss. */
export const HEALTHY_LINKS: LinkQuality = {
  minDelayMs: 1,
  maxDelayMs: 20,
  stallChance: 0,
  dropChance: 0,
  duplicateChance: 0,
};

/** Longest execution of a block on a healthy node, ms. */
export const HEALTHY_EXECUTION_MS = 4;

export const HEALTHY_DISK: DiskSpeed = { minSyncMs: 1, maxSyncMs: 4 };

export function drawFaultMix(prng: Prng): FaultMix {
  /** A value of a range in some runs, nothing at all in the others. */
  const sometimes = (chance: number, draw: () => number): number =>
    prng.chance(chance) ? draw() : 0;
  const upTo = (max: number): number => (prng.below(1_000) / 1_000) * max;
  const hasty = prng.chance(0.06);
  const slowLinks = hasty || prng.chance(0.3);
  const frail = prng.chance(0.3);
  return {
    stabilisationMs: prng.chance(0.2) ? 6_000 + prng.below(14_000) : 2_000 + prng.below(4_000),
    links: {
      minDelayMs: 1,
      maxDelayMs: slowLinks ? 50 + prng.below(hasty ? 1_450 : 450) : 2 + prng.below(48),
      stallChance: sometimes(0.5, () => upTo(0.05)),
      dropChance: sometimes(0.7, () => upTo(0.3)),
      duplicateChance: sometimes(0.5, () => upTo(0.1)),
    },
    disk: { minSyncMs: 1, maxSyncMs: prng.chance(0.2) ? 20 + prng.below(180) : 5 },
    minExecutionMs: 0,
    maxExecutionMs: prng.chance(0.2) ? 10 + prng.below(190) : 4,
    partitionChance: sometimes(0.6, () => upTo(0.3)),
    oneWayChance: sometimes(0.5, () => upTo(0.3)),
    crashChance: sometimes(0.6, () => upTo(0.3)),
    crashAllChance: sometimes(0.3, () => upTo(0.1)),
    boundaryCrashChance: sometimes(0.5, () => upTo(0.2)),
    syncErrorChance: sometimes(0.2, () => upTo(0.1)),
    diskLossChance: frail ? 0.02 + upTo(0.1) : 0,
    clockJumpChance: sometimes(0.2, () => upTo(0.2)),
    maxClockErrorMs: sometimes(0.5, () => upTo(100)),
    maxClockDrift: sometimes(0.2, () => upTo(50)),
    clientPauseMs: prng.chance(0.2) ? 4_000 : 400,
    heartbeatMs: prng.chance(0.3) ? 1_000 + prng.below(2_000) : 30_000,
    hasty,
    byzantine: prng.chance(0.75),
    frail,
    encoded: prng.chance(0.1),
    watched: prng.chance(0.35),
  };
}
