import { table } from "../../node/cli/output.ts";
import { describeMachine, type MachineFacts } from "../machine-facts.ts";
import { describeStages, type StageCosts } from "../profile/stage-table.ts";
import type { LedgerCount } from "./ledger-count.ts";
import { type Mix, SIGNATURES } from "./market.ts";
import type { RateResult, ValidatorUse } from "./rate-step.ts";
import type { VerificationCeiling } from "./verification-ceiling.ts";

/** Everything that a run measured; --json writes it as it is. */
export interface NetworkReport {
  readonly machine: MachineFacts;
  readonly validators: number;
  readonly verificationWorkers: number;
  readonly mix: Mix;
  /** Transactions in one call at most. */
  readonly atOnce: number;
  readonly rates: readonly RateResult[];
  readonly count: LedgerCount;
  readonly ceiling: VerificationCeiling;
  /**
   * Settlements a second at the highest rate that the network kept up with in time, and its share of
   * the ceiling; 0 where it kept up with none.
   */
  readonly best: number;
  readonly shareOfCeiling: number;
  /** CPU by stage, of one more step at that rate, profiled. */
  readonly stages: StageCosts | undefined;
}

/** p99 from the intended sending to finality, ms, that a rate must stay under to be kept up with. */
export const FINALITY_GOAL_MS = 1_000;

/** Whether the network kept up: all taken, all final, and 99 of 100 in time. */
export function keepsUp(result: RateResult): boolean {
  const { offered, settled, finalityMs } = result;
  return settled === offered && finalityMs !== undefined && finalityMs.p99 < FINALITY_GOAL_MS;
}

/** Settlements a second of the best rate that was kept up with; 0 without one. */
export function bestOf(rates: readonly RateResult[]): number {
  return Math.max(0, ...rates.filter(keepsUp).map(({ settledPerSecond }) => settledPerSecond));
}

export function describeReport(report: NetworkReport): string {
  const { machine, validators, verificationWorkers, rates, count, ceiling } = report;
  const [firstNode] = count.nodes;
  return [
    describeMachine(machine),
    `${validators} validators with ${verificationWorkers} verification thread(s) each, and the load ` +
      `generator, on these ${machine.cores} cores`,
    `mix ${report.mix}, at most ${report.atOnce} transactions in a call`,
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
    `for ${validators} validators on these cores. Highest rate with p99 under ` +
      `${FINALITY_GOAL_MS} ms: ${report.best.toFixed(0)}/s, ` +
      `${(100 * report.shareOfCeiling).toFixed(1)} % of it. Where a settlement cost the validators ` +
      `${leastCpuMs(rates).toFixed(2)} ms of CPU together,`,
    `verification was ${verificationMs(report).toFixed(2)} ms of it by this library.`,
    ...(report.stages === undefined ? [] : ["", describeStages(report.stages, 0)]),
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
function verificationMs({ ceiling, validators, mix }: NetworkReport): number {
  return (validators * SIGNATURES[mix] * ceiling.cpuMicrosecondsPerSignature) / 1_000;
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
    "disk B/settlement",
    "wire B/settlement",
  ];
  const rows = rates.map((result) => {
    const { validators, settled } = result;
    const mean = (of: (use: ValidatorUse) => number): string => {
      const sum = validators.reduce((total, use) => total + of(use), 0);
      return settled === 0 ? "-" : (sum / validators.length / settled).toFixed(0);
    };
    return [
      String(result.rate),
      result.elapsedSeconds.toFixed(1),
      result.generatorCpuSeconds.toFixed(2),
      result.othersCpuSeconds.toFixed(2),
      ...validators.map((use) => use.cpuSeconds.toFixed(2)),
      settled === 0 ? "-" : cpuMsPerSettlement(result).toFixed(2),
      mean(({ diskBytes }) => diskBytes),
      mean(({ wireBytes }) => wireBytes),
    ];
  });
  const title =
    "CPU seconds of each process; CPU of all validators, disk and wire of one per settlement";
  return `${title}\n${table([header, ...rows], [...Array(names.length + 7).keys()])}`;
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
