import { readdirSync } from "node:fs";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { MUTANTS } from "../../consensus/mutants/list.ts";
import type { Mutant } from "../../consensus/mutants/mutant.ts";
import { MutantCampaign } from "./campaign.ts";
import type { Verdict } from "./verdict.ts";

const USAGE = `usage: npm run mutants -- [--only TEXT]... [--list | --search]

Runs every mutant of consensus/mutants against its directed scenarios; exit 1 if one survives.
  --only TEXT   only mutants whose name contains the text
  --list        names and rules, nothing is run
  --search      every test beside the mutated files that fails, directed or not: to find or to
                choose the scenarios of a new mutant`;

const DIRECTED = "consensus/directed";

async function run(campaign: MutantCampaign, mutants: readonly Mutant[]): Promise<boolean> {
  const faults = await campaign.baseline(mutants);
  for (const fault of faults) console.error(fault);
  if (faults.length > 0) return false;
  console.log("every scenario passes without a mutant");
  const began = performance.now();
  let killed = 0;
  for (const mutant of mutants) {
    const started = performance.now();
    const verdict = await campaign.verdict(mutant);
    print(mutant, verdict, performance.now() - started);
    if (verdict.kind === "killed") killed += 1;
  }
  const seconds = Math.round((performance.now() - began) / 1000);
  console.log(`${mutants.length} mutants, ${killed} killed, ${seconds} s`);
  return killed === mutants.length;
}

function print({ name, rule }: Mutant, verdict: Verdict, ms: number): void {
  console.log(`${verdict.kind.padEnd(8)} ${(ms / 1000).toFixed(1).padStart(5)} s  ${name}`);
  const lines = verdict.kind === "killed" ? verdict.by.map((by) => `by ${by}`) : [verdict.why];
  for (const line of [rule, ...lines]) console.log(`                  ${line}`);
}

async function search(campaign: MutantCampaign, mutants: readonly Mutant[]): Promise<boolean> {
  for (const mutant of mutants) {
    const folders = new Set([DIRECTED, ...mutant.edits.map(({ file }) => dirname(file))]);
    const killers = await campaign.search(mutant, [...folders].flatMap(unitTestsIn));
    console.log(`${mutant.name}: ${killers.length}`);
    for (const killer of killers) console.log(`  ${killer}`);
  }
  return true;
}

function unitTestsIn(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".test.ts") && !name.endsWith(".e2e.test.ts"))
    .map((name) => `${folder}/${name}`);
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: "string", multiple: true, default: [] },
      list: { type: "boolean", default: false },
      search: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const { only } = values;
  const chosen = MUTANTS.filter(
    ({ name }) => only.length === 0 || only.some((text) => name.includes(text)),
  );
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  if (values.list) {
    for (const { name, rule } of chosen) console.log(`${name}: ${rule}`);
    return 0;
  }
  if (chosen.length === 0) {
    console.error(`no mutant is called ${only.join(" or ")}\n${USAGE}`);
    return 2;
  }
  const campaign = await MutantCampaign.open(process.cwd());
  try {
    const stale = campaign.staleEdits(chosen);
    for (const line of stale) console.error(line);
    if (stale.length > 0) return 1;
    return (await (values.search ? search : run)(campaign, chosen)) ? 0 : 1;
  } finally {
    await campaign.close();
  }
}

process.exitCode = await main();
