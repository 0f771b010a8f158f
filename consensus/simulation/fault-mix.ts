import type { Prng } from "../../primitives/prng.ts";
import type { DiskSpeed } from "./disk-model.ts";
import type { LinkQuality } from "./network-model.ts";
import type { VirtualClock } from "./virtual-clock.ts";

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
  readonly clockJumpChance: number;
  /** Constant error of honest clocks, either way; within what the timestamp bounds admit. */
  readonly maxClockErrorMs: number;
  /** Longest pause between two clients' transactions: long ones let the network fall idle. */
  readonly clientPauseMs: number;
  /** An empty block is due after this time without any. */
  readonly heartbeatMs: number;
  readonly byzantine: boolean;
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

export const HEALTHY_DISK: DiskSpeed = { minSyncMs: 1, maxSyncMs: 4 };

/** A clock jumps by at most this, ten times the precision that timestamps are held to. */
const MAX_CLOCK_JUMP_MS = 5_000;

export function drawFaultMix(prng: Prng): FaultMix {
  /** A value of a range in some runs, nothing at all in the others. */
  const sometimes = (chance: number, draw: () => number): number =>
    prng.chance(chance) ? draw() : 0;
  const upTo = (max: number): number => (prng.below(1_000) / 1_000) * max;
  const slowLinks = prng.chance(0.3);
  return {
    stabilisationMs: prng.chance(0.2) ? 6_000 + prng.below(14_000) : 2_000 + prng.below(4_000),
    links: {
      minDelayMs: 1,
      maxDelayMs: slowLinks ? 50 + prng.below(450) : 2 + prng.below(48),
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
    clockJumpChance: sometimes(0.2, () => upTo(0.2)),
    maxClockErrorMs: sometimes(0.5, () => upTo(100)),
    clientPauseMs: prng.chance(0.2) ? 4_000 : 400,
    heartbeatMs: prng.chance(0.3) ? 1_000 + prng.below(2_000) : 30_000,
    byzantine: prng.chance(0.75),
    encoded: prng.chance(0.1),
    watched: prng.chance(0.5),
  };
}

/** What the schedule can do to the nodes; the links it cuts itself. */
export interface FaultTargets {
  readonly size: number;
  /** Nodes that may crash: Byzantine ones are bad enough without. */
  readonly honest: readonly number[];
  cut(from: number, to: number): void;
  mend(from: number, to: number): void;
  isUp(node: number): boolean;
  crash(node: number): void;
  restart(node: number): void;
  /** Moves a node's clock to `errorMs` beside true time. */
  setClockError(node: number, errorMs: number): void;
}

/** Deals faults at random beats until stabilisation, then takes every one of them back. */
export class FaultSchedule {
  readonly #mix: FaultMix;
  readonly #prng: Prng;
  readonly #clock: VirtualClock;
  readonly #targets: FaultTargets;
  /** Undoes each partition that stands, in the order they were made. */
  readonly #standing = new Map<number, () => void>();
  #partitions = 0;
  #over = false;

  constructor(mix: FaultMix, prng: Prng, clock: VirtualClock, targets: FaultTargets) {
    this.#mix = mix;
    this.#prng = prng;
    this.#clock = clock;
    this.#targets = targets;
  }

  start(): void {
    for (const node of this.#targets.honest) {
      this.#targets.setClockError(node, this.#spread(this.#mix.maxClockErrorMs));
    }
    this.#clock.after(this.#prng.below(200), () => this.#beat());
  }

  /** Mends all links, restarts all nodes, sets all clocks. From here on nothing more goes wrong. */
  stop(): void {
    this.#over = true;
    for (const mend of this.#standing.values()) mend();
    this.#standing.clear();
    for (const node of this.#targets.honest) {
      this.#targets.setClockError(node, this.#spread(this.#mix.maxClockErrorMs));
      if (!this.#targets.isUp(node)) this.#targets.restart(node);
    }
  }

  #beat(): void {
    if (this.#over) return;
    const prng = this.#prng;
    const mix = this.#mix;
    if (prng.chance(mix.partitionChance)) this.#partition(true);
    if (prng.chance(mix.oneWayChance)) this.#partition(false);
    if (prng.chance(mix.crashChance)) this.#crash(prng.pick(this.#targets.honest));
    if (prng.chance(mix.crashAllChance)) {
      for (const node of this.#targets.honest) this.#crash(node);
    }
    if (prng.chance(mix.clockJumpChance)) {
      const node = prng.pick(this.#targets.honest);
      this.#targets.setClockError(node, this.#spread(MAX_CLOCK_JUMP_MS));
    }
    this.#clock.after(20 + prng.below(400), () => this.#beat());
  }

  /** Divides the nodes in two; one-way, only messages from the first part to the second are lost. */
  #partition(bothWays: boolean): void {
    const { size } = this.#targets;
    const order = this.#prng.shuffle(Array.from({ length: size }, (_, i) => i));
    const first = order.slice(0, 1 + this.#prng.below(size - 1));
    const second = order.slice(first.length);
    const pairs = first.flatMap((a) => second.map((b) => [a, b] as const));
    const links = bothWays ? pairs.flatMap(([a, b]) => [[a, b] as const, [b, a] as const]) : pairs;
    const flaps = this.#prng.chance(0.3) ? 1 + this.#prng.below(5) : 0;
    this.#hold(links, flaps);
  }

  #hold(links: readonly (readonly [number, number])[], flapsLeft: number): void {
    const id = this.#partitions++;
    for (const [from, to] of links) this.#targets.cut(from, to);
    const mend = (): void => {
      for (const [from, to] of links) this.#targets.mend(from, to);
    };
    this.#standing.set(id, mend);
    this.#clock.after(20 + this.#prng.below(1_500), () => {
      if (!this.#standing.delete(id)) return;
      mend();
      if (flapsLeft === 0) return;
      this.#clock.after(this.#prng.below(200), () => {
        if (!this.#over) this.#hold(links, flapsLeft - 1);
      });
    });
  }

  #crash(node: number): void {
    if (!this.#targets.isUp(node)) return;
    this.#targets.crash(node);
    // Some are back at once, some miss a little, some miss all until stabilisation.
    if (this.#prng.chance(0.1)) return;
    const downMs = this.#prng.chance(0.5) ? this.#prng.below(100) : this.#prng.below(2_000);
    this.#clock.after(downMs, () => {
      if (!this.#over && !this.#targets.isUp(node)) this.#targets.restart(node);
    });
  }

  #spread(max: number): number {
    const whole = Math.floor(max);
    return this.#prng.below(2 * whole + 1) - whole;
  }
}
