import { mergeCounts } from "../../consensus/simulation/coverage.ts";
import { simulateTwice } from "../../consensus/simulation/determinism.ts";
import { type SimulationResult, simulate } from "../../consensus/simulation/simulation.ts";
import type { WeightMode } from "../../consensus/simulation/validator-weights.ts";

/** What all seeds of a campaign have in common. */
export interface Campaign {
  readonly n: number;
  readonly epochs: boolean;
  readonly weights: WeightMode;
}

/** Seeds from … from + count − 1. */
export interface Chunk {
  readonly campaign: Campaign;
  readonly from: number;
  readonly count: number;
}

/** What a chunk of seeds came to; plain data, for it crosses from process to process. */
export interface ChunkResult {
  readonly ran: number;
  readonly blocks: number;
  readonly epochs: number;
  readonly events: number;
  readonly virtualMs: number;
  readonly failedSeeds: readonly number[];
  readonly coverage: readonly (readonly [string, number])[];
}

/** Every so many seeds one is run twice, and both runs must be the same: S12. */
const TWICE_EVERY = 50;

export function runChunk({ campaign, from, count }: Chunk): ChunkResult {
  const sum = { ran: 0, blocks: 0, epochs: 0, events: 0, virtualMs: 0 };
  const failedSeeds: number[] = [];
  let coverage: ReadonlyMap<string, number> = new Map();
  for (let seed = from; seed < from + count; seed++) {
    const run = seed % TWICE_EVERY === 0 ? simulateTwice : simulate;
    sum.ran += 1;
    let result: SimulationResult;
    try {
      result = run({ seed, ...campaign });
    } catch {
      // The parent repeats the seed and shows the error.
      failedSeeds.push(seed);
      continue;
    }
    sum.blocks += result.blocks;
    sum.epochs += result.epochs;
    sum.events += result.events;
    sum.virtualMs += result.virtualMs;
    coverage = mergeCounts([coverage, result.coverage]);
    if (result.violations.length > 0) failedSeeds.push(seed);
  }
  return { ...sum, failedSeeds, coverage: [...coverage] };
}
