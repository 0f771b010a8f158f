import { readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { createVitest, type TestModule, type Vitest } from "vitest/node";
import type { Edit, Mutant, Scenario } from "../../consensus/mutants/mutant.ts";
import { applyEdits } from "./apply-edits.ts";
import { Mutation } from "./mutation.ts";
import { type ScenarioOutcome, type TestOutcome, type Verdict, verdictOf } from "./verdict.ts";

/** A run that takes longer is in a loop that no test's own time-out can end. */
const HANG_MS = 240_000;

/**
 * Tests one mutant after the other in one vitest server. Sources on disk are never touched: the
 * edits are made in memory, where the server hands a module to the tests. One question at a time.
 */
export class MutantCampaign {
  readonly #root: string;
  readonly #vitest: Vitest;
  readonly #mutation: Mutation;

  private constructor(root: string, vitest: Vitest, mutation: Mutation) {
    this.#root = root;
    this.#vitest = vitest;
    this.#mutation = mutation;
  }

  /** `directory` is the root of the repository. To be closed. */
  static async open(directory: string): Promise<MutantCampaign> {
    const root = realpathSync(directory);
    const mutation = new Mutation(root);
    const vitest = await createVitest(
      "test",
      {
        root,
        watch: false,
        maxWorkers: 1,
        fileParallelism: false,
        // The verdicts are printed, and nothing of the tests that must fail.
        reporters: [{}],
        coverage: { enabled: false },
      },
      { plugins: [mutation.plugin()] },
    );
    return new MutantCampaign(root, vitest, mutation);
  }

  /** What is wrong with the edits of these mutants, a line each: texts that are not there once. */
  staleEdits(mutants: readonly Mutant[]): readonly string[] {
    const stale: string[] = [];
    for (const { name, edits } of mutants) {
      for (const file of new Set(edits.map((edit) => edit.file))) {
        try {
          const source = readFileSync(join(this.#root, file), "utf8");
          applyEdits(
            source,
            edits.filter((edit) => edit.file === file),
          );
        } catch (error) {
          stale.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
        }
      }
    }
    return stale;
  }

  /** What does not hold without any mutant, a line each: scenarios that fail or name no test. */
  async baseline(mutants: readonly Mutant[]): Promise<readonly string[]> {
    const scenarios = mutants.flatMap(({ killedBy }) => killedBy);
    const outcomes = await this.#run([], scenarios);
    const faults = outcomes.flatMap(({ scenario, loadErrors, tests }) => {
      const failed = tests.filter(({ passed }) => !passed).map(({ name }) => name);
      if (tests.length === 0) failed.push("no such test");
      return [...loadErrors, ...failed].map((fault) => `${scenario.file}: ${fault}`);
    });
    return [...new Set(faults)];
  }

  async verdict(mutant: Mutant): Promise<Verdict> {
    const outcomes = await this.#run(mutant.edits, mutant.killedBy);
    return verdictOf(mutant, { appliedTo: this.#mutation.appliedTo, outcomes });
  }

  /** Every test of these files that fails with the mutant, whatever it throws. */
  async search(mutant: Mutant, files: readonly string[]): Promise<readonly string[]> {
    const everything = files.map((file) => ({ file, test: "" }));
    const outcomes = await this.#run(mutant.edits, everything);
    return outcomes.flatMap(({ scenario, loadErrors, tests }) => {
      const failed = tests.filter(({ passed }) => !passed);
      const lines = failed.map(({ name, errors }) => `"${name}" ${errors[0]?.name ?? "error"}`);
      return [...loadErrors, ...lines].map((line) => `${scenario.file} ${line}`);
    });
  }

  async close(): Promise<void> {
    await this.#vitest.close();
  }

  async #run(
    edits: readonly Edit[],
    scenarios: readonly Scenario[],
  ): Promise<readonly ScenarioOutcome[]> {
    const before = this.#mutation.edits;
    this.#mutation.set(edits);
    for (const { file } of [...before, ...edits]) {
      this.#vitest.invalidateFile(join(this.#root, file));
    }
    const names = new Set(scenarios.map(({ test }) => escaped(test)));
    this.#vitest.setGlobalTestNamePattern(new RegExp([...names].join("|")));
    const project = this.#vitest.getRootProject();
    const paths = new Set(scenarios.map(({ file }) => join(this.#root, file)));
    const { testModules } = await orHang(
      this.#vitest.runTestSpecifications(
        [...paths].map((path) => project.createSpecification(path)),
      ),
    );
    // The server remembers modules of earlier runs as well.
    const modules = new Map(testModules.map((module) => [module.moduleId, module]));
    return scenarios.map((scenario) =>
      outcomeOf(scenario, modules.get(join(this.#root, scenario.file))),
    );
  }
}

async function orHang<T>(run: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const hang = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end after ${HANG_MS} ms`)), HANG_MS);
  });
  try {
    return await Promise.race([run, hang]);
  } finally {
    clearTimeout(timer);
  }
}

function outcomeOf(scenario: Scenario, module: TestModule | undefined): ScenarioOutcome {
  if (module === undefined) return { scenario, loadErrors: ["it did not run"], tests: [] };
  const tests: TestOutcome[] = [];
  for (const test of module.children.allTests()) {
    const { state, errors = [] } = test.result();
    if (!test.name.includes(scenario.test) || state === "skipped") continue;
    tests.push({ name: test.name, passed: state === "passed", errors });
  }
  return { scenario, loadErrors: module.errors().map(({ message }) => message), tests };
}

/** As a part of a regular expression that means nothing but itself. */
function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
