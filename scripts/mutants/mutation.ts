import type { Edit } from "../../consensus/mutants/mutant.ts";
import { applyEdits } from "./apply-edits.ts";

/** The edits under test, and which files the tests have been given with the edits in them. */
export class Mutation {
  readonly #root: string;
  edits: readonly Edit[] = [];
  appliedTo = new Set<string>();

  /** `root` is the real path of the repository. */
  constructor(root: string) {
    this.#root = root;
  }

  set(edits: readonly Edit[]): void {
    this.edits = edits;
    this.appliedTo = new Set();
  }

  /** A vite plugin that makes the edits before anything else is done with a source. */
  plugin() {
    return {
      name: "mizan-mutant",
      enforce: "pre" as const,
      transform: (code: string, id: string) => {
        const path = id.split("?")[0] ?? id;
        const edits = this.edits.filter(({ file }) => path === `${this.#root}/${file}`);
        const [edit] = edits;
        if (edit === undefined) return undefined;
        const mutated = applyEdits(code, edits);
        this.appliedTo.add(edit.file);
        return { code: mutated, map: null };
      },
    };
  }
}
