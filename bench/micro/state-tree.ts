import { utf8 } from "../../primitives/bytes.ts";
import { StateTree } from "../../primitives/merkle/state-tree.ts";
import type { Suite, Task } from "./suite.ts";

const ENTRIES = [10_000, 100_000] as const;
/** Keys that one update changes: a lone settlement's, and a block's. */
const CHANGED = [8, 256] as const;

/** New values for keys that exist, spread over the tree; the root is part of it. */
export const stateTree: Suite = {
  area: "tree",
  open: () => ({ tasks: ENTRIES.flatMap(tasksOn) }),
};

function tasksOn(entries: number): readonly Task[] {
  const key = (i: number): string => `balance/ACCOUNT-${i}/PKR-CBDC`;
  const initial = Array.from({ length: entries }, (_, i) => [key(i), utf8(`value ${i}`)] as const);
  const tree = StateTree.from(initial);
  return CHANGED.map((changed) => {
    const stride = Math.floor(entries / changed);
    const changes = Array.from(
      { length: changed },
      (_, i) => [key(i * stride), utf8(`changed ${i}`)] as const,
    );
    return {
      name: `tree.update/entries=${entries}/changed=${changed}`,
      units: changed,
      unit: "key",
      // The tree is persistent: every call starts from the same one.
      run: () => tree.update(changes).root,
    };
  });
}
