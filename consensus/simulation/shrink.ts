import type { Invariant } from "./invariants.ts";
import { simulate } from "./simulation.ts";
import {
  CALMABLE,
  type Calmable,
  type Cuts,
  type SimulationOptions,
  type SimulationResult,
} from "./simulation-options.ts";

/** Runs spent on one failure: enough to get from hundreds of faults to a few. */
const MAX_RUNS = 300;

/** Halvings of the time until stabilisation. */
const MAX_TIME_CUTS = 8;

export interface Shrunk {
  readonly options: SimulationOptions;
  readonly cuts: Cuts;
  /** Of the shortest run. */
  readonly result: SimulationResult;
  readonly runs: number;
}

/**
 * The shortest history found that breaks the same invariant first: without the calmable parts of the
 * weather, without Byzantine behaviours, with fewer faults and transactions, and with an earlier
 * stabilisation. Delta debugging (Zeller and Hildebrandt, "Simplifying and Isolating Failure-
 * Inducing Input", 2002) on each list in turn, again until nothing more can go; at most `maxRuns`
 * runs. `failed` is the result that `options` gave.
 */
export function shrink(
  options: SimulationOptions,
  failed: SimulationResult,
  run: (options: SimulationOptions) => SimulationResult = simulate,
  maxRuns = MAX_RUNS,
): Shrunk {
  return new Shrinker(options, failed, run, maxRuns).shrink();
}

class Shrinker {
  readonly #options: SimulationOptions;
  readonly #wanted: Invariant | undefined;
  readonly #run: (options: SimulationOptions) => SimulationResult;
  readonly #maxRuns: number;
  #runs = 0;
  #cuts: Cuts;
  #best: SimulationResult;

  constructor(
    options: SimulationOptions,
    failed: SimulationResult,
    run: (options: SimulationOptions) => SimulationResult,
    maxRuns: number,
  ) {
    this.#options = options;
    this.#wanted = failed.violations[0]?.invariant;
    this.#run = run;
    this.#maxRuns = maxRuns;
    this.#best = failed;
    this.#cuts = {
      ...options.cuts,
      keepFaults: options.cuts?.keepFaults ?? [...failed.faults.keys()],
      keepAdversaries: options.cuts?.keepAdversaries ?? [...failed.adversaries.keys()],
      keepBursts:
        options.cuts?.keepBursts ?? Array.from({ length: failed.bursts }, (_, burst) => burst),
      calm: options.cuts?.calm ?? [],
      untilMs: options.cuts?.untilMs ?? failed.mix.stabilisationMs,
    };
  }

  shrink(): Shrunk {
    let before: string;
    do {
      before = JSON.stringify(this.#cuts);
      this.#cutTime();
      this.#calm();
      this.#reduce("keepFaults");
      this.#reduce("keepAdversaries");
      this.#reduce("keepBursts");
    } while (JSON.stringify(this.#cuts) !== before && this.#runs < this.#maxRuns);
    return {
      options: { ...this.#options, cuts: this.#cuts },
      cuts: this.#cuts,
      result: this.#best,
      runs: this.#runs,
    };
  }

  /** Whether the run with these cuts breaks the same invariant; then they are kept. */
  #try(cuts: Cuts): boolean {
    if (this.#runs >= this.#maxRuns) return false;
    this.#runs += 1;
    const result = this.#run({ ...this.#options, cuts });
    if (result.violations[0]?.invariant !== this.#wanted) return false;
    this.#cuts = cuts;
    this.#best = result;
    return true;
  }

  /** First to the time of the violation, or that of the last fault, then by halves. */
  #cutTime(): void {
    for (let cut = 0; cut < MAX_TIME_CUTS; cut++) {
      const { untilMs = 0 } = this.#cuts;
      if (untilMs <= 1) return;
      if (!this.#try({ ...this.#cuts, untilMs: Math.floor(untilMs / 2) })) break;
    }
    const { untilMs = 0 } = this.#cuts;
    this.#try({ ...this.#cuts, untilMs: Math.floor((untilMs * 3) / 4) });
  }

  #calm(): void {
    for (const part of CALMABLE) {
      const calm: readonly Calmable[] = this.#cuts.calm ?? [];
      if (!calm.includes(part)) this.#try({ ...this.#cuts, calm: [...calm, part] });
    }
  }

  /** ddmin, without its complements first: tries to drop ever smaller parts of the list. */
  #reduce(list: "keepFaults" | "keepAdversaries" | "keepBursts"): void {
    let parts = 1;
    for (;;) {
      const kept = this.#cuts[list] ?? [];
      if (kept.length === 0) return;
      const size = Math.ceil(kept.length / parts);
      let dropped = false;
      for (let from = 0; from < kept.length && !dropped; from += size) {
        const rest = [...kept.slice(0, from), ...kept.slice(from + size)];
        dropped = this.#try({ ...this.#cuts, [list]: rest });
      }
      if (this.#runs >= this.#maxRuns) return;
      if (dropped) parts = Math.max(1, parts - 1);
      else if (size === 1) return;
      else parts = Math.min(kept.length, 2 * parts);
    }
  }
}

/** The flags that make `npm run simulate` repeat a run with these cuts. */
export function cutFlags(cuts: Cuts): string {
  const flags: string[] = [];
  const list = (name: string, values: readonly (number | string)[] | undefined): void => {
    if (values !== undefined)
      flags.push(`--${name} ${values.length === 0 ? "none" : values.join(",")}`);
  };
  list("keep-faults", cuts.keepFaults);
  list("keep-adversaries", cuts.keepAdversaries);
  list("keep-bursts", cuts.keepBursts);
  if (cuts.calm !== undefined && cuts.calm.length > 0) list("calm", cuts.calm);
  if (cuts.untilMs !== undefined) flags.push(`--until-ms ${cuts.untilMs}`);
  return flags.join(" ");
}
