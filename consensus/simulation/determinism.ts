import { simulate } from "./simulation.ts";
import type { SimulationOptions, SimulationResult } from "./simulation-options.ts";

/** S12: runs a seed twice; two runs that differ anywhere are a violation of their own. */
export function simulateTwice(
  options: SimulationOptions,
  run: (options: SimulationOptions) => SimulationResult = simulate,
): SimulationResult {
  const first = run(options);
  const second = run(options);
  if (first.eventLogHash === second.eventLogHash && first.events === second.events) return first;
  const detail = `event log ${first.eventLogHash}, then ${second.eventLogHash}`;
  const violation = { invariant: "S12" as const, atMs: first.virtualMs, detail };
  return { ...first, violations: [...first.violations, violation] };
}
