import { present } from "../../primitives/assert.ts";

/** Of an even number of values the upper one of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return present(sorted[sorted.length >> 1], "median of at least one value");
}
