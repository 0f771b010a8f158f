import { execFileSync } from "node:child_process";
import { cpus, loadavg, platform, release, totalmem } from "node:os";

/** Where figures come from: without these lines a figure means nothing. */
export interface MachineFacts {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryMiB: number;
  readonly system: string;
  readonly node: string;
  /** Commit of the working tree, with `+` when files differ from it; "unknown" outside git. */
  readonly commit: string;
  /** Runnable processes over the last minute, at the start: above `cores` the machine is shared. */
  readonly loadAverage: number;
  /** UTC, ISO 8601. */
  readonly startedAt: string;
}

export function machineFacts(): MachineFacts {
  const processors = cpus();
  const [loadAverage = 0] = loadavg();
  return {
    cpu: processors[0]?.model ?? "unknown",
    cores: processors.length,
    memoryMiB: Math.round(totalmem() / 2 ** 20),
    system: `${platform()} ${release()}`,
    node: process.version,
    commit: commit(),
    loadAverage: Math.round(100 * loadAverage) / 100,
    startedAt: new Date().toISOString(),
  };
}

export function describeMachine(facts: MachineFacts): string {
  const { cpu, cores, memoryMiB, system, node, commit, loadAverage, startedAt } = facts;
  return (
    `${cpu}, ${cores} cores, ${memoryMiB} MiB, ${system}, Node ${node}, commit ${commit},\n` +
    `load average ${loadAverage} at ${startedAt}`
  );
}

function commit(): string {
  try {
    const head = git("rev-parse", "--short=12", "HEAD");
    return git("status", "--porcelain") === "" ? head : `${head}+`;
  } catch {
    // Not a checkout, or no git: the figures still stand, only their origin is less exact.
    return "unknown";
  }
}

function git(...args: readonly string[]): string {
  return execFileSync("git", args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  }).trim();
}
