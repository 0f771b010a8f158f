import { table } from "../../node/cli/output.ts";
import { present } from "../../primitives/assert.ts";
import { verifySodium } from "../../primitives/native/sodium.ts";
import type { SignatureCheck } from "../../primitives/verifier.ts";
import { describeMachine, machineFacts } from "../machine-facts.ts";
import { median } from "../micro/median.ts";
import { signedStatements } from "../micro/signed-statements.ts";
import { KernelContestant, type Widths } from "./contestant.ts";
import { compileVariant, KEPT, VARIANTS } from "./variants.ts";

/*
 * What was tried for the verification kernel: ways to multiply and to read tables, and widths of
 * windows. In turns, as `bench/micro/verifier-table.ts`; ratios are to sodium-native in the same
 * run.
 */

const SIGNATURES = 1_024;
const BATCH = 64;
const TURN_BATCHES = 8;
const SODIUM_SIGNATURES = 64;
const ROUNDS = 31;
const KEPT_WIDTHS: Widths = { base: 10, key: 8 };

const SODIUM = "sodium-native";

interface Line {
  readonly name: string;
  readonly widths: string;
  readonly keys: number;
  readonly note: string;
  readonly time: (round: number) => number;
  readonly times: number[];
}

const machine = machineFacts();
const lines = [8, 512].flatMap(linesFor);
for (let round = -1; round < ROUNDS; round++) {
  for (const line of lines) {
    const us = line.time(Math.max(round, 0));
    if (round >= 0) line.times.push(us);
  }
}
const cells = lines.map(({ name, widths, keys, note, times }) => {
  const sodium = present(
    lines.find((line) => line.keys === keys && line.name === SODIUM),
    "sodium-native",
  );
  const ratio = median(sodium.times) / median(times);
  const ofBest = Math.min(...sodium.times) / Math.min(...times);
  const figures = [median(times), Math.min(...times), ratio, ofBest].map((x) => x.toFixed(2));
  return [name, widths, String(keys), note, ...figures];
});
const header = ["kernel", "windows", "keys", "a table", "us", "best", "ratio", "of best"];
console.log(`${describeMachine(machine)}\n`);
console.log(`batches of ${BATCH}, ${ROUNDS} rounds in turns, us a signature, median and best\n`);
console.log(table([header, ...cells], [2, 4, 5, 6, 7]));

function linesFor(keys: number): Line[] {
  const checks = signedStatements(SIGNATURES, keys);
  const found: Line[] = [sodiumLine(checks, keys)];
  for (const variant of VARIANTS) {
    found.push(kernelLine(variant.name, compileVariant(variant), KEPT_WIDTHS, checks, keys));
  }
  const kept = compileVariant(KEPT);
  for (const widths of [
    { base: 8, key: 8 },
    { base: 10, key: 4 },
    { base: 10, key: 5 },
    { base: 10, key: 6 },
    { base: 10, key: 7 },
  ]) {
    found.push(kernelLine(KEPT.name, kept, widths, checks, keys));
  }
  return found;
}

function kernelLine(
  name: string,
  module: WebAssembly.Module,
  widths: Widths,
  checks: readonly SignatureCheck[],
  keys: number,
): Line {
  const kernel = new KernelContestant(module, widths, checks);
  const kibibytes = Math.round(kernel.tableBytes / 1_024);
  return {
    name,
    widths: `${widths.base} and ${widths.key} bits`,
    keys,
    note: `${kibibytes} KiB, ${kernel.tableMs.toFixed(2)} ms`,
    time: (round) => kernel.time(BATCH, TURN_BATCHES, round * BATCH * TURN_BATCHES),
    times: [],
  };
}

function sodiumLine(checks: readonly SignatureCheck[], keys: number): Line {
  const time = (round: number): number => {
    const start = process.hrtime.bigint();
    for (let i = 0; i < SODIUM_SIGNATURES; i++) {
      const check = present(checks[(round * SODIUM_SIGNATURES + i) % SIGNATURES], "check");
      verifySodium(check.publicKey, check.message, check.signature);
    }
    return Number(process.hrtime.bigint() - start) / 1_000 / SODIUM_SIGNATURES;
  };
  return { name: SODIUM, widths: "", keys, note: "", time, times: [] };
}
