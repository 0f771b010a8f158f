import { table } from "../../node/cli/output.ts";
import { describeMachine, type MachineFacts } from "../machine-facts.ts";
import type { LedgerCount } from "./ledger-count.ts";
import type { RateResult } from "./rate-step.ts";
import { SIGNATURES_PER_SETTLEMENT, type VerificationCeiling } from "./verification-ceiling.ts";

/** Everything that a run measured; --json writes it as it is. */
export interface NetworkReport {
  readonly machine: MachineFacts;
  readonly validators: number;
  readonly verificationWorkers: number;
  readonly rates: readonly RateResult[];
  readonly count: LedgerCount;
  readonly ceiling: VerificationCeiling;
  /** Highest settlements a second of all rates, and its share of the ceiling. */
  readonly best: number;
  readonly shareOfCeiling: number;
}

export function describeReport(report: NetworkReport): string {
  const { machine, validators, verificationWorkers, rates, count, ceiling } = report;
  const [firstNode] = count.nodes;
  return [
    describeMachine(machine),
    `${validators} validators with ${verificationWorkers} verification thread(s) each, and the load ` +
      `generator, on these ${machine.cores} cores`,
    "",
    rateTable(rates),
    "",
    costTable(rates),
    ...rates.flatMap(anomalies),
    "",
    `Counted in the ledger of each of the ${count.nodes.length} nodes: ` +
      `${firstNode?.settlements ?? 0} settlements, exactly those that the client saw final;`,
    `one state root at height ${count.height}: ${firstNode?.stateRoot ?? ""}`,
    "",
    `Verification alone, ${ceiling.threads} threads at once: ` +
      `${ceiling.signaturesPerSecond.toFixed(0)} signatures/s, which is a ceiling of ` +
      `${ceiling.settlementsPerSecond.toFixed(0)} settlements/s`,
    `for ${validators} validators on these cores. Measured: ${report.best.toFixed(0)}/s, ` +
      `${(100 * report.shareOfCeiling).toFixed(1)} % of it. Where a settlement cost the validators ` +
      `${leastCpuMs(rates).toFixed(2)} ms of CPU together,`,
    `verification was ${verificationMs(report).toFixed(2)} ms of it.`,
  ].join("\n");
}

/** CPU of all validators for one settlement at the rate where it was least, ms. */
function leastCpuMs(rates: readonly RateResult[]): number {
  return Math.min(...rates.filter(({ settled }) => settled > 0).map(cpuMsPerSettlement));
}

function cpuMsPerSettlement({ validators, settled }: RateResult): number {
  return (1_000 * validators.reduce((sum, use) => sum + use.cpuSeconds, 0)) / settled;
}

/** CPU that verification alone takes for one settlement on all validators, ms. */
function verificationMs({ ceiling, validators }: NetworkReport): number {
  return (validators * SIGNATURES_PER_SETTLEMENT * ceiling.cpuMicrosecondsPerSignature) / 1_000;
}

function rateTable(rates: readonly RateResult[]): string {
  const header = ["rate/s", "offered", "admitted", "refused", "settled", "settled/s"];
  const times = [
    "p50 ms",
    "p95 ms",
    "p99 ms",
    "max ms",
    "answer p50",
    "blocks",
    "empty",
    "lost views",
  ];
  const rows = rates.map((result) => [
    String(result.rate),
    String(result.offered),
    String(result.admitted),
    String(result.offered - result.admitted),
    String(result.settled),
    result.settledPerSecond.toFixed(1),
    ms(result.finalityMs?.p50),
    ms(result.finalityMs?.p95),
    ms(result.finalityMs?.p99),
    ms(result.finalityMs?.max),
    ms(result.answerMs?.p50),
    String(result.chain.blocks),
    String(result.chain.emptyBlocks),
    String(result.chain.lostViews),
  ]);
  return table([[...header, ...times], ...rows], [...Array(14).keys()]);
}

/** CPU by process, and what one settlement costs all validators together. */
function costTable(rates: readonly RateResult[]): string {
  const names = rates[0]?.validators.map(({ name }) => name) ?? [];
  const header = [
    "rate/s",
    "seconds",
    "generator",
    "others",
    ...names,
    "ms/settlement",
    "bytes/settlement",
  ];
  const rows = rates.map((result) => {
    const { validators, settled } = result;
    const diskBytes = validators.reduce((sum, use) => sum + use.diskBytes, 0);
    return [
      String(result.rate),
      result.elapsedSeconds.toFixed(1),
      result.generatorCpuSeconds.toFixed(2),
      result.othersCpuSeconds.toFixed(2),
      ...validators.map((use) => use.cpuSeconds.toFixed(2)),
      settled === 0 ? "-" : cpuMsPerSettlement(result).toFixed(2),
      settled === 0 ? "-" : (diskBytes / validators.length / settled).toFixed(0),
    ];
  });
  const title = "CPU seconds of each process; CPU of all validators and disk of one per settlement";
  return `${title}\n${table([header, ...rows], [...Array(names.length + 6).keys()])}`;
}

function anomalies(result: RateResult): readonly string[] {
  const lines: string[] = [];
  for (const [reason, count] of Object.entries(result.refused)) {
    lines.push(`at ${result.rate}/s refused ${count} x ${reason}`);
  }
  for (const [status, count] of Object.entries(result.open)) {
    lines.push(`at ${result.rate}/s NOT SETTLED ${count} x ${status}`);
  }
  const lag = result.generatorLagMs?.p99 ?? 0;
  if (lag > LATE_MS) {
    lines.push(
      `at ${result.rate}/s the generator itself was late: p99 ${ms(lag)} ms behind its schedule ` +
        "(the latencies include it)",
    );
  }
  return lines;
}

/** Timers are exact to a millisecond or two: what is later had no core to run on. */
const LATE_MS = 20;

function ms(value: number | undefined): string {
  return value === undefined ? "-" : value.toFixed(0);
}
