import { table } from "../../node/cli/output.ts";
import type { ProcessProfile } from "./profile-window.ts";
import { STAGE_TEXT, STAGES, type Stage } from "./stages.ts";
import type { ThreadUse } from "./thread-use.ts";

/** CPU for one settlement and validator, microseconds: means over the validators. */
export interface StageCosts {
  readonly settlements: number;
  readonly validators: number;
  /** Main thread: its CPU time, split as the profile's samples are. */
  readonly byStage: Readonly<Record<Stage, number>>;
  readonly threads: ThreadUse;
  /** All threads together, and without those that verify and the main thread's share of it. */
  readonly total: number;
  readonly withoutSignatures: number;
  /** Dearest functions of the main threads, all validators together. */
  readonly functions: readonly {
    readonly name: string;
    readonly stage: Stage;
    readonly microseconds: number;
  }[];
}

const FUNCTIONS = 400;

/**
 * The sampler counts wall time, in which a busy machine's other processes have their part; the
 * kernel counts CPU time. So the samples only divide what the kernel counted for the thread.
 */
export function stageCosts(profiles: readonly ProcessProfile[], settlements: number): StageCosts {
  const each = (seconds: number): number => (1e6 * seconds) / settlements / profiles.length;
  const byStage = Object.fromEntries(STAGES.map((stage) => [stage, 0])) as Record<Stage, number>;
  const functions = new Map<string, { name: string; stage: Stage; microseconds: number }>();
  const threads = { main: 0, verification: 0, engine: 0, disk: 0 };
  for (const { threads: used, attribution } of profiles) {
    const scale = each(used.main) / attribution.busy;
    for (const stage of STAGES) byStage[stage] += scale * attribution.byStage[stage];
    for (const { name, stage, microseconds } of attribution.functions) {
      const key = `${stage} ${name}`;
      const entry = functions.get(key) ?? { name, stage, microseconds: 0 };
      entry.microseconds += scale * microseconds;
      functions.set(key, entry);
    }
    threads.main += each(used.main);
    threads.verification += each(used.verification);
    threads.engine += each(used.engine);
    threads.disk += each(used.disk);
  }
  const total = threads.main + threads.verification + threads.engine + threads.disk;
  return {
    settlements,
    validators: profiles.length,
    byStage,
    threads,
    total,
    withoutSignatures: total - threads.verification - byStage.verify,
    functions: [...functions.values()]
      .toSorted((a, b) => b.microseconds - a.microseconds)
      .slice(0, FUNCTIONS),
  };
}

export function describeStages(costs: StageCosts, functions: number): string {
  const { byStage, threads, total } = costs;
  const share = (microseconds: number): string => `${((100 * microseconds) / total).toFixed(1)} %`;
  const row = (name: string, us: number, text: string): readonly string[] => [
    name,
    us.toFixed(1),
    share(us),
    text,
  ];
  const stages = STAGES.map((stage) => row(stage, byStage[stage], STAGE_TEXT[stage]));
  const rows = [
    ["stage", "us", "share", "what"],
    ...stages,
    row("threads: verification", threads.verification, "signatures"),
    row("threads: engine", threads.engine, "parallel garbage collection, compiler"),
    row("threads: disk", threads.disk, "reads, synced writes, compaction of LevelDB"),
    row("total", total, "all threads"),
    row("but signatures", costs.withoutSignatures, "total less verification and verify"),
  ];
  const title =
    `CPU for one settlement and validator, microseconds; ${costs.settlements} settlements, ` +
    `${costs.validators} validators`;
  const dearest = costs.functions
    .slice(0, functions)
    .map(({ name, stage, microseconds }) => [microseconds.toFixed(2), stage, name]);
  return [
    title,
    table(rows, [1, 2]),
    "",
    "Dearest functions, self time",
    table([["us", "stage", "function"], ...dearest], [0]),
  ].join("\n");
}
