import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Campaign, ChunkResult } from "./chunk.ts";

/** Seeds that one process gets at a time: some seconds of work. */
const SEEDS_PER_CHUNK = 10;

/** Runs make much garbage that dies at once: a larger nursery, in MiB, spares a tenth of the time. */
const NURSERY = "--max-semi-space-size=64";

const WORKER = fileURLToPath(new URL("./worker.ts", import.meta.url));

export interface PoolOptions {
  readonly campaign: Campaign;
  readonly from: number;
  readonly seeds: number;
  readonly jobs: number;
  /** Called for each chunk; false ends the campaign. */
  readonly onResult: (result: ChunkResult) => boolean;
}

/** Runs all seeds, `jobs` processes at a time. Rejects if a process dies. */
export async function runCampaign(options: PoolOptions): Promise<void> {
  const { campaign, from, seeds, jobs, onResult } = options;
  let next = from;
  let stopped = false;
  const end = from + seeds;
  const runOne = (child: ChildProcess): Promise<void> =>
    new Promise((resolve, reject) => {
      const ask = (): void => {
        if (stopped || next >= end) {
          child.disconnect();
          resolve();
          return;
        }
        const count = Math.min(SEEDS_PER_CHUNK, end - next);
        child.send({ campaign, from: next, count });
        next += count;
      };
      child.on("message", (result: ChunkResult) => {
        if (!onResult(result)) stopped = true;
        ask();
      });
      child.on("error", reject);
      child.on("exit", (code) => {
        if (code !== 0) reject(new Error(`a simulation process ended with code ${code}`));
      });
      ask();
    });
  const children = Array.from({ length: Math.min(jobs, seeds) }, () =>
    fork(WORKER, { execArgv: [...process.execArgv, NURSERY] }),
  );
  try {
    await Promise.all(children.map(runOne));
  } finally {
    for (const child of children) if (child.connected) child.disconnect();
  }
}
