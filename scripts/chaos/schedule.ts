import { invariant, unreachable } from "../../primitives/assert.ts";
import type { Fault, FaultName, KillCycle } from "./fault.ts";
import { SeededRandom } from "./seeded-random.ts";

export interface ScheduleOptions {
  readonly seed: number;
  readonly validators: number;
  readonly names: readonly FaultName[];
  /** Kills of `kill-one`. */
  readonly cycles: number;
  /** Shortest holds, and one variant of each fault. */
  readonly quick: boolean;
}

/** Least time that a fault lasts, ms, and the most it lasts in a full run. */
const PAUSE_MS = { least: 5_000, most: 20_000 };
const CUT_MS = { least: 4_000, most: 15_000 };
const LINK_MS = { least: 6_000, most: 20_000 };
const DOWN_MS = { least: 200, most: 3_000 };
/** Long enough for the victim to lead several views whatever the back-off is. */
const CLOCK_MS = { least: 6_000, most: 15_000 };
const FULL_DISK_MS = { least: 3_000, most: 8_000 };
const BACKUP_AGE_MS = { least: 4_000, most: 10_000 };
const FLAP_MS = { least: 300, most: 2_500 };
const SMALL_SKEW_MS = 2_000;
const LARGE_SKEW_MS = 3_600_000;

/** Validators that must vote: more than two thirds, all weights being one. */
export function quorumOf(validators: number): number {
  return Math.floor((2 * validators) / 3) + 1;
}

/**
 * The faults of a run, in order. A function of its options alone; each fault draws from a stream of
 * its own, so that `--only` gives a fault the same victims and times as the whole run.
 */
export function scheduleOf(options: ScheduleOptions): readonly Fault[] {
  return options.names.flatMap((name) => faultsOf(name, options));
}

interface Span {
  readonly least: number;
  readonly most: number;
}

function faultsOf(name: FaultName, options: ScheduleOptions): readonly Fault[] {
  const { seed, validators, quick, cycles } = options;
  const random = new SeededRandom(seed, name);
  const all = Array.from({ length: validators }, (_, i) => i);
  const span = ({ least, most }: Span): number => (quick ? least : random.between(least, most));
  const some = (count: number): readonly number[] =>
    random
      .shuffled(all)
      .slice(0, count)
      .toSorted((a, b) => a - b);
  const victim = random.pick(all);
  switch (name) {
    case "kill-one":
      return cycles === 0 ? [] : [{ name, cycles: killCycles(random, all, cycles) }];
    case "kill-all":
      return [{ name, downMs: random.between(DOWN_MS.least, DOWN_MS.most) }];
    case "pause-one":
      return [{ name, victim, holdMs: span(PAUSE_MS) }];
    case "pause-quorum": {
      const victims = some(validators - quorumOf(validators) + 1);
      return [{ name, victims, holdMs: span(PAUSE_MS) }];
    }
    case "partition-halves":
      return [{ name, side: some(Math.floor(validators / 2)), holdMs: span(CUT_MS) }];
    case "partition-minority":
      return [{ name, side: [victim], holdMs: span(CUT_MS) }];
    case "partition-one-way": {
      const ways = quick
        ? [random.pick(["sent", "received"] as const)]
        : (["sent", "received"] as const);
      return ways.map((lost) => ({ name, victim, lost, holdMs: span(CUT_MS) }));
    }
    case "partition-flapping": {
      const periods = quick ? 6 : 16;
      const periodsMs = Array.from({ length: periods }, () =>
        random.between(FLAP_MS.least, quick ? FLAP_MS.least * 4 : FLAP_MS.most),
      );
      return [{ name, side: some(Math.floor(validators / 2)), periodsMs }];
    }
    case "slow-links": {
      const delays = quick ? [random.between(100, 400)] : [100, 250, 400];
      return delays.map((delayMs) => ({
        name,
        delayMs,
        jitterMs: Math.floor(delayMs / 4),
        holdMs: span(LINK_MS),
      }));
    }
    case "lossy-links": {
      const losses = quick ? [random.between(5, 20)] : [5, 20];
      return losses.map((lossPercent) => ({ name, lossPercent, holdMs: span(LINK_MS) }));
    }
    case "disk-full":
      return [{ name, victim, holdMs: span(FULL_DISK_MS) }];
    case "read-only-data":
      return [{ name, victim }];
    case "wiped-data": {
      // At once, while its last votes are not yet settled; and later, when they all are.
      const long = { name, victim, downMs: 3_000 } as const;
      return quick ? [long] : [{ name, victim, downMs: 0 }, long];
    }
    case "old-backup":
      return [{ name, victim, ageMs: span(BACKUP_AGE_MS), downMs: quick ? 0 : span(DOWN_MS) }];
    case "clock-small":
    case "clock-large": {
      const size = name === "clock-small" ? SMALL_SKEW_MS : LARGE_SKEW_MS;
      const signs = quick ? [random.pick([1, -1])] : [1, -1];
      return signs.map((sign) => ({ name, victim, offsetMs: sign * size, holdMs: span(CLOCK_MS) }));
    }
    case "change-validators":
      // The first three are those of the central bank and the sovereign; a custodian leaves.
      return [{ name, rotator: random.pick([0, 1, 2]) }];
    default:
      return unreachable(name);
  }
}

/** Rounds over all validators, each in a new order, so that every one is killed equally often. */
function killCycles(
  random: SeededRandom,
  all: readonly number[],
  count: number,
): readonly KillCycle[] {
  invariant(count >= 1, "there is a cycle");
  const victims: number[] = [];
  while (victims.length < count) victims.push(...random.shuffled(all));
  return victims.slice(0, count).map((victim) => ({
    victim,
    downMs: random.between(DOWN_MS.least, DOWN_MS.most),
  }));
}
