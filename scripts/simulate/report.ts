import { execFileSync } from "node:child_process";
import { simulateTwice } from "../../consensus/simulation/determinism.ts";
import { describeFault } from "../../consensus/simulation/faults.ts";
import { cutFlags, shrink } from "../../consensus/simulation/shrink.ts";
import {
  type Cuts,
  type SimulationResult,
  simulate,
} from "../../consensus/simulation/simulation.ts";
import type { Campaign } from "./chunk.ts";

/** Events and effects of the shortest run that are printed, the last ones. */
const NARRATED_LINES = 60;

export function describeResult(result: SimulationResult): string {
  const { seed, n, blocks, views, epochs, events, virtualMs, eventLogHash } = result;
  const seconds = (virtualMs / 1000).toFixed(1);
  return (
    `seed ${seed}, n ${n}: ${blocks} blocks, ${views} views, ${epochs} epochs, ${events} events, ` +
    `${seconds} s of virtual time, event log ${eventLogHash}`
  );
}

export function printCoverage(counts: ReadonlyMap<string, number>): void {
  for (const [name, count] of counts) console.log(`${String(count).padStart(10)} ${name}`);
}

export function printViolations(result: SimulationResult): void {
  for (const { invariant, atMs, detail } of result.violations) {
    console.error(`  ${invariant} at ${(atMs / 1000).toFixed(3)} s: ${detail}`);
  }
}

/** The commit of the working tree, with a mark where files differ from it. */
function commit(): string {
  const git = (...args: string[]): string =>
    execFileSync("git", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  try {
    const changed = git("status", "--porcelain", "--untracked-files=no") !== "";
    return git("rev-parse", "--short=12", "HEAD") + (changed ? " with changes" : "");
  } catch {
    return "unknown";
  }
}

export function replayCommand(seed: number, campaign: Campaign, cuts?: Cuts): string {
  const { n, epochs, weights } = campaign;
  const flags = [`--seed ${seed}`, `--n ${n}`];
  if (epochs) flags.push("--epochs");
  if (weights !== "mixed") flags.push(`--weights ${weights}`);
  if (cuts !== undefined) flags.push(cutFlags(cuts));
  return `npm run simulate -- ${flags.join(" ")}`;
}

/**
 * All that helps to understand a seed that fails: seed, commit, violations, the shortest history
 * found, how to repeat it, and its end in words.
 */
export function reportFailure(seed: number, campaign: Campaign, shrinks: boolean): void {
  const options = { seed, ...campaign };
  let failed: SimulationResult;
  try {
    failed = simulateTwice(options);
  } catch (error) {
    console.error(`seed ${seed}, n ${campaign.n}, commit ${commit()}: the simulator itself throws`);
    console.error(error);
    return;
  }
  console.error(`seed ${seed}, n ${campaign.n}, commit ${commit()}: an invariant is broken`);
  printViolations(failed);
  console.error(`  replay: ${replayCommand(seed, campaign)} --trace`);
  if (!shrinks || failed.violations[0]?.invariant === "S12") return;
  const { cuts, result, runs } = shrink(options, failed);
  console.error(`shrunk in ${runs} runs to ${result.events} events:`);
  printViolations(result);
  for (const number of cuts.keepFaults ?? []) {
    const fault = result.faults[number];
    if (fault !== undefined && fault.atMs < result.mix.stabilisationMs) {
      console.error(`  fault ${describeFault(fault, number)}`);
    }
  }
  for (const participant of cuts.keepAdversaries ?? []) {
    console.error(`  node ${participant}: ${result.adversaries.get(participant)}`);
  }
  console.error(`  bursts of clients: ${cuts.keepBursts?.join(" ") || "none"}`);
  console.error(
    `  stabilisation at ${cuts.untilMs} ms; calm: ${cuts.calm?.join(" ") || "nothing"}`,
  );
  console.error(`  replay: ${replayCommand(seed, campaign, cuts)} --trace`);
  const lines: string[] = [];
  const trace = (line: string): void => {
    lines.push(line);
    if (lines.length > NARRATED_LINES) lines.shift();
  };
  simulate({ ...options, cuts, trace });
  console.error(`its last ${lines.length} events and effects:`);
  for (const line of lines) console.error(`  ${line}`);
}
