/** A text of one source file and what stands there instead while a mutant is under test. */
export interface Edit {
  /** Path from the root of the repository. */
  readonly file: string;
  /** Must occur exactly once in the file. */
  readonly find: string;
  readonly replace: string;
}

/** Directed tests that show a bug. */
export interface Scenario {
  /** Test file, path from the root of the repository. */
  readonly file: string;
  /** Part of the names of the tests that are meant. */
  readonly test: string;
}

/** One bug that the tests must find. */
export interface Mutant {
  /** Kebab-case, unique. */
  readonly name: string;
  /** The rule that it breaks, one sentence. */
  readonly rule: string;
  /** One edit, or as many as it takes where a rule is held in depth. */
  readonly edits: readonly Edit[];
  /** Each of these must fail by an assertion or a broken invariant while the mutant is applied. */
  readonly killedBy: readonly Scenario[];
  /** A scenario that does not end is what the bug looks like: its time-out counts. */
  readonly stalls?: true;
}
