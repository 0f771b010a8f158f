import { mkdir, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { Command } from "commander";
import { Bench } from "tinybench";
import { table } from "../../node/cli/output.ts";
import { present } from "../../primitives/assert.ts";
import { CodedError } from "../../primitives/errors.ts";
import { installNativeHashing } from "../../primitives/native/hashing.ts";
import { describeMachine, type MachineFacts, machineFacts } from "../machine-facts.ts";
import { describeComparison, readBaseline } from "./baseline.ts";
import { blockCommit } from "./block-commit.ts";
import { encoding } from "./encoding.ts";
import { execution } from "./execution.ts";
import { handover } from "./handover.ts";
import { stateTree } from "./state-tree.ts";
import type { Suite, SuiteTable, Task } from "./suite.ts";
import { verification } from "./verification.ts";
import { verificationPool } from "./verification-pool.ts";

const SUITES: readonly Suite[] = [
  encoding,
  verification,
  verificationPool,
  handover,
  execution,
  stateTree,
  blockCommit,
];

/** Least time and calls for each task. */
const FULL = { time: 1_000, iterations: 20, warmupTime: 250, warmupIterations: 5 };
const QUICK = { time: 100, iterations: 5, warmupTime: 50, warmupIterations: 2 };

interface Flags {
  readonly filter?: string;
  readonly quick?: boolean;
  readonly json?: string;
  readonly baseline?: string;
}

/** One line of the table. Times per unit, microseconds. */
interface Measured {
  readonly name: string;
  readonly unit: string;
  readonly units: number;
  readonly calls: number;
  readonly mean: number;
  readonly p50: number;
  readonly p99: number;
  /** Half width of the 95 % confidence interval of the mean, percent of it. */
  readonly marginPercent: number;
  /** Units a second at the median. */
  readonly perSecond: number;
}

await new Command("bench")
  .description("Times single operations: what each costs on one core, nothing else running")
  .option("--filter <text>", "only tasks whose name contains this, such as pool or backend=sodium")
  .option("--quick", "a tenth of the time: shows that all of them run, and orders of magnitude")
  .option("--json <file>", "write the figures and the machine's facts")
  .option("--baseline <file>", "print ratios to the figures that --json wrote earlier")
  .action(main)
  .parseAsync();

async function main(flags: Flags): Promise<void> {
  const machine = machineFacts();
  const hashing = installNativeHashing();
  const filter = flags.filter ?? "";
  // Before anything is timed: a wrong file is said at once.
  const baseline =
    flags.baseline === undefined ? undefined : await readBaseline(resolve(flags.baseline));
  const rows: Measured[] = [];
  const tables: SuiteTable[] = [];
  const quick = flags.quick === true;
  for (const suite of SUITES) {
    if (!mayMatch(suite, filter)) continue;
    process.stderr.write(`${suite.area}\n`);
    const { tasks, measure, close } = await suite.open();
    try {
      const wanted = tasks.filter(({ name }) => name.includes(filter));
      rows.push(...(await timed(wanted, quick ? QUICK : FULL)));
      if (measure !== undefined && suite.area.startsWith(filter)) {
        tables.push(await measure(quick));
      }
    } finally {
      await close?.();
    }
  }
  if (rows.length + tables.length === 0)
    throw new CodedError("NO_TASK", `no task's name contains "${filter}"`);
  process.stdout.write(
    `${describe(machine, rows)}\n${tables.map(describeTable).join("")}hashing by ${Object.values(hashing).join(", ")}\n`,
  );
  if (baseline !== undefined) {
    process.stdout.write(`\n${describeComparison(baseline, rows)}\n`);
  }
  if (flags.json !== undefined) {
    const file = resolve(flags.json);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(
      file,
      `${JSON.stringify({ machine, hashing, tasks: rows, tables }, null, 2)}\n`,
    );
  }
}

/** A filter that names an area needs no other suite set up; any other may match in all of them. */
function mayMatch({ area }: Suite, filter: string): boolean {
  const named = SUITES.some((suite) => filter.startsWith(suite.area));
  return !named || filter.startsWith(area);
}

async function timed(tasks: readonly Task[], options: typeof FULL): Promise<readonly Measured[]> {
  if (tasks.length === 0) return [];
  const bench = new Bench({ ...options, throws: true });
  for (const { name, run, before } of tasks) {
    bench.add(name, run, before === undefined ? {} : { beforeEach: before });
  }
  const results = await bench.run();
  return tasks.map(({ name, unit, units }, i) => {
    const { result } = present(results[i], "result of the task");
    if (result.state !== "completed") {
      throw new CodedError("NOT_MEASURED", `${name} ended as ${result.state}`);
    }
    const { mean, p50, p99, rme, samplesCount } = result.latency;
    const each = (milliseconds: number): number => (1_000 * milliseconds) / units;
    return {
      name,
      unit,
      units,
      calls: samplesCount,
      mean: each(mean),
      p50: each(p50),
      p99: each(p99),
      marginPercent: rme,
      perSecond: 1e6 / each(p50),
    };
  });
}

function describeTable({ title, header, rows, numeric }: SuiteTable): string {
  const cells = rows.map((row) =>
    row.map((cell) => (typeof cell === "number" ? cell.toFixed(2) : cell)),
  );
  return `${title}\n\n${table([header, ...cells], numeric)}\n\n`;
}

function describe(machine: MachineFacts, rows: readonly Measured[]): string {
  const header = ["task", "per", "us p50", "us mean", "+-%", "us p99", "units/s", "calls"];
  const cells = rows.map((row) => [
    row.name,
    row.unit,
    row.p50.toFixed(2),
    row.mean.toFixed(2),
    row.marginPercent.toFixed(1),
    row.p99.toFixed(2),
    row.perSecond.toFixed(0),
    String(row.calls),
  ]);
  return `${describeMachine(machine)}\n\n${table([header, ...cells], [2, 3, 4, 5, 6, 7])}\n`;
}
