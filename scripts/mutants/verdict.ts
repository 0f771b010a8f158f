import type { Mutant, Scenario } from "../../consensus/mutants/mutant.ts";

/** What a failed test threw, as the runner passes it on. */
export interface Thrown {
  readonly name?: string | undefined;
  readonly message: string;
  readonly cause?: unknown;
}

export interface TestOutcome {
  readonly name: string;
  readonly passed: boolean;
  readonly errors: readonly Thrown[];
}

/** What became of one scenario. */
export interface ScenarioOutcome {
  readonly scenario: Scenario;
  /** Of the test file itself: it did not parse, or an import failed. */
  readonly loadErrors: readonly string[];
  /** The tests that the scenario means. */
  readonly tests: readonly TestOutcome[];
}

export interface MutantRun {
  /** Files of the mutant's edits that the tests loaded with the edits in them. */
  readonly appliedTo: ReadonlySet<string>;
  readonly outcomes: readonly ScenarioOutcome[];
}

/**
 * `killed`: every scenario found the bug. `survived`: one did not. `unfit`: the run says nothing
 * about the tests, because the mutant did not take part or broke something else than its rule.
 */
export type Verdict =
  | { readonly kind: "killed"; readonly by: readonly string[] }
  | { readonly kind: "survived" | "unfit"; readonly why: string };

/** The errors by which a test or the code itself says that something is not as it must be. */
const ASSERTIONS: ReadonlySet<string> = new Set(["AssertionError", "InvariantError"]);

const MAX_CAUSES = 8;

export function verdictOf(mutant: Mutant, run: MutantRun): Verdict {
  const idle = mutant.edits.find(({ file }) => !run.appliedTo.has(file));
  if (idle !== undefined) return unfit(`its scenarios do not load ${idle.file}`);
  const by: string[] = [];
  const survived: string[] = [];
  for (const { scenario, loadErrors, tests } of run.outcomes) {
    const place = `${scenario.file} "${scenario.test}"`;
    const [loadError] = loadErrors;
    if (loadError !== undefined) return unfit(`${scenario.file} does not load: ${loadError}`);
    if (tests.length === 0) return unfit(`no test ran: ${place}`);
    const failed = tests.filter(({ passed }) => !passed);
    const killers = failed.filter(({ errors }) => errors.some((error) => kills(mutant, error)));
    if (killers.length > 0) by.push(...killers.map(({ name }) => `${scenario.file} "${name}"`));
    else if (failed.length > 0) return unfit(`${place} failed otherwise: ${reasonOf(failed)}`);
    else survived.push(place);
  }
  if (survived.length > 0) return { kind: "survived", why: `passed: ${survived.join(", ")}` };
  return { kind: "killed", by };
}

function unfit(why: string): Verdict {
  return { kind: "unfit", why };
}

function kills(mutant: Mutant, error: Thrown): boolean {
  if (mutant.stalls === true && error.message.startsWith("Test timed out in ")) return true;
  return isAssertion(error, MAX_CAUSES);
}

/** A property test throws an error of its own, with the assertion as its cause. */
function isAssertion(error: unknown, depth: number): boolean {
  if (depth === 0 || typeof error !== "object" || error === null) return false;
  if ("name" in error && typeof error.name === "string" && ASSERTIONS.has(error.name)) return true;
  return "cause" in error && isAssertion(error.cause, depth - 1);
}

function reasonOf(failed: readonly TestOutcome[]): string {
  const [error] = failed.flatMap(({ errors }) => errors);
  if (error === undefined) return "without an error";
  return `${error.name ?? "error"}: ${error.message.split("\n")[0] ?? ""}`;
}
