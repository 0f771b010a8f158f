import type { Edit } from "../../consensus/mutants/mutant.ts";

export class StaleEditError extends Error {
  override readonly name = "StaleEditError";
}

/**
 * The source with the edits in it. Throws StaleEditError where the text to be replaced does not
 * occur exactly once: the code has changed and the mutant no longer says what it means.
 */
export function applyEdits(source: string, edits: readonly Edit[]): string {
  let mutated = source;
  for (const { file, find, replace } of edits) {
    const [before, after, ...more] = mutated.split(find);
    if (find === "" || before === undefined || after === undefined || more.length > 0) {
      const times = find === "" ? 0 : mutated.split(find).length - 1;
      throw new StaleEditError(`${file}: occurs ${times} times, not once: ${find}`);
    }
    if (find === replace) throw new StaleEditError(`${file}: nothing is changed: ${find}`);
    mutated = before + replace + after;
  }
  return mutated;
}
