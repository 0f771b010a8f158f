import type { RateResult } from "./rate-step.ts";
import { keepsUp } from "./report.ts";

/** The search begins here and doubles. */
const FIRST_RATE = 200;
/** Above it no machine of ours verifies. */
const HIGHEST_RATE = 50_000;
/** Halvings of the last interval: a limit between 800 and 1,600 is then known to 50. */
const HALVINGS = 4;

/**
 * Looks for the highest rate that is kept up with: doubles it until one is not, then halves the
 * interval between. A step's backlog is settled before the next begins, so the order of the steps
 * does not matter. Returns all of them, by rate.
 */
export async function findLimit(
  step: (rate: number) => Promise<RateResult>,
): Promise<readonly RateResult[]> {
  const results: RateResult[] = [];
  const tried = async (rate: number): Promise<boolean> => {
    const result = await step(rate);
    results.push(result);
    return keepsUp(result);
  };
  let low = 0;
  let high = FIRST_RATE;
  while (high < HIGHEST_RATE && (await tried(high))) {
    low = high;
    high *= 2;
  }
  for (let i = 0; i < HALVINGS; i++) {
    const middle = Math.round((low + high) / 2);
    if (middle === low || middle === high) break;
    if (await tried(middle)) low = middle;
    else high = middle;
  }
  return results.toSorted((a, b) => a.rate - b.rate);
}
