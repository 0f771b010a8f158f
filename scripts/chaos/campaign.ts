import type { RpcClient } from "../../client/rpc-client.ts";
import { present } from "../../primitives/assert.ts";
import { messageOf } from "../../primitives/errors.ts";
import { ChainWatch } from "./chain-watch.ts";
import { ChaosMarket, openingBalances } from "./chaos-market.ts";
import type { ChaosNetwork } from "./chaos-network.ts";
import {
  type Bookmark,
  bookmarkNow,
  type Collected,
  collect,
  isOneMoment,
  patientClient,
} from "./evidence.ts";
import type { Fault, FaultName } from "./fault.ts";
import { FaultField, RECOVERY_LIMIT_MS } from "./fault-field.ts";
import { faultLabel, inject, needsMount } from "./inject.ts";
import { OpenLoad } from "./open-load.ts";
import {
  type Balances,
  balancesAfter,
  type Judgement,
  judge,
  type NodeEvidence,
} from "./oracle.ts";
import { reckon } from "./reckoning.ts";
import type { ResultRow, Verdict } from "./result-table.ts";
import { SeededRandom } from "./seeded-random.ts";
import { type JournalEntry, TransactionJournal } from "./transaction-journal.ts";

/** Load before a fault, so that it meets a network at work. */
const WARM_UP_MS = 1_500;
/** Load after the recovery. */
const COOL_DOWN_MS = 1_000;
const REST_LIMIT_MS = 30_000;
/** Collections of evidence for one fault. */
const MAX_COLLECTIONS = 3;
/** Between two blocks while nothing is broken, only changed. */
const GAP_LIMIT_SECONDS: Partial<Record<FaultName, number>> = { "change-validators": 2 };
/** Violations that a row prints; their number is always told. */
const PRINTED_VIOLATIONS = 8;

export interface CampaignOptions {
  readonly network: ChaosNetwork;
  readonly seed: number;
  readonly perSecond: number;
  readonly mayMount: boolean;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** Faults one after the other on one network, each judged before the next begins. */
export class Campaign {
  readonly #options: CampaignOptions;
  readonly #watch: ChainWatch;
  readonly #load: OpenLoad;
  readonly #journal = new TransactionJournal();
  /** Of the validators of the genesis. */
  readonly #clients: readonly RpcClient[];
  #balances: Balances = openingBalances();
  #bookmark: Bookmark;

  private constructor(
    options: CampaignOptions,
    watch: ChainWatch,
    market: ChaosMarket,
    clients: readonly RpcClient[],
    bookmark: Bookmark,
  ) {
    const { network, seed, perSecond } = options;
    this.#options = options;
    this.#watch = watch;
    this.#clients = clients;
    this.#bookmark = bookmark;
    this.#load = new OpenLoad(network, {
      market,
      journal: this.#journal,
      watch,
      random: new SeededRandom(seed, "load"),
      perSecond,
    });
  }

  /** Starts the validators and fills the market. */
  static async open(options: CampaignOptions): Promise<Campaign> {
    const { network, seed, say } = options;
    for (const i of network.indices()) await network.start(i);
    for (const i of network.indices()) await network.waitUntilReady(i);
    say(`${network.indices().length} validators are ready`);
    const clients = network.network.validators.map(({ rpcUrl }) => patientClient(rpcUrl));
    const first = present(clients[0], "client");
    const random = new SeededRandom(seed, "market");
    const market = await ChaosMarket.open(network.network, first, random);
    const bookmark = await bookmarkNow(first);
    say(`accounts, bond and coins are set up at height ${bookmark.height}`);
    return new Campaign(options, new ChainWatch(network), market, clients, bookmark);
  }

  async close(): Promise<void> {
    await this.#watch.close();
    await this.#load.stop();
  }

  /** One fault from the first transaction before it to the oracle's word after it. */
  async run(fault: Fault): Promise<ResultRow> {
    const { network, signal, say, mayMount, perSecond } = this.#options;
    const label = faultLabel(fault, (i) => network.name(i));
    const validators = network.indices().length;
    const base = { fault: label, validators, load: perSecond };
    if (needsMount(fault) && !mayMount) {
      const verdict = { kind: "skipped", why: "mounting is not allowed here" } as const;
      say(`${label}: skipped`);
      return { ...base, ...NOTHING, verdict };
    }
    say(`${label}: load on`);
    this.#journal.openWindow();
    const startedAtMs = Date.now();
    const field = new FaultField({
      network,
      watch: this.#watch,
      signal,
      mayMount,
      say: (line) => say(`  ${line}`),
    });
    this.#load.start();
    await field.hold(WARM_UP_MS);
    try {
      await inject(fault, field);
    } catch (error) {
      if (signal.aborted) throw error;
      field.problem(`the fault could not be carried through: ${messageOf(error)}`);
    }
    await field.hold(COOL_DOWN_MS);
    await this.#load.stop();
    const endedAtMs = Date.now();
    const { judgement, evidence } = await this.#judge(field);
    const violations = judgement.violations.map(({ kind, detail }) => `${kind}: ${detail}`);
    for (const line of violations.slice(0, PRINTED_VIOLATIONS)) field.say(line);
    if (violations.length > PRINTED_VIOLATIONS) field.say(`${violations.length} in all`);
    const window = this.#journal.window();
    const { acknowledged, settled, failed, expired, lost } = judgement;
    const gapSeconds = largestGap(evidence, startedAtMs, endedAtMs);
    const allowed = GAP_LIMIT_SECONDS[fault.name];
    if (allowed !== undefined && (gapSeconds ?? 0) >= allowed) {
      field.problem(`${gapSeconds?.toFixed(1)} s between two blocks, under ${allowed} s allowed`);
    }
    const row: ResultRow = {
      ...base,
      acknowledged,
      settled,
      failed,
      expired,
      lost,
      resent: window.filter((entry) => entry.resent > 0).length,
      recoverySeconds: field.longestRecovery,
      largestGapSeconds: gapSeconds,
      verdict: verdictOf(field, violations),
    };
    say(`${label}: ${row.verdict.kind}; refusals ${refusalText(this.#load)}`);
    return row;
  }

  async #judge(
    field: FaultField,
  ): Promise<{ readonly judgement: Judgement; readonly evidence: readonly NodeEvidence[] }> {
    const { signal } = this.#options;
    field.say("load off, waiting for every transaction to end");
    await reckon(this.#journal, this.#load, this.#clients, signal);
    field.say("every transaction has ended, or time is over; asking all nodes for everything");
    const entries = this.#journal.window();
    const found = await this.#collect(field, entries);
    const evidence = found.map((each) => each.evidence);
    const next = found[0]?.next;
    const judgement = judge(evidence, entries, this.#balances);
    const [first] = evidence;
    if (first !== undefined) this.#balances = balancesAfter(first, entries, this.#balances);
    if (next !== undefined) this.#bookmark = next;
    return { judgement, evidence };
  }

  /**
   * What every node shows at one head. A block may come while they are asked, such as one for a
   * batch of which each transaction is settled already. Then all are asked again.
   */
  async #collect(
    field: FaultField,
    entries: readonly JournalEntry[],
  ): Promise<readonly Collected[]> {
    const { network } = this.#options;
    for (let attempt = 1; ; attempt++) {
      const atRest = await this.#watch.atRest(network.indices(), REST_LIMIT_MS);
      const problems: string[] = [];
      const collected = await Promise.all(
        network.indices().map(async (i) => {
          try {
            const client = this.#clients[i] ?? patientClient(network.validator(i).rpcUrl);
            return await collect(network.name(i), client, entries, this.#bookmark);
          } catch (error) {
            problems.push(`no evidence from ${network.name(i)}: ${messageOf(error)}`);
            return undefined;
          }
        }),
      );
      const found = collected.filter((each) => each !== undefined);
      if (problems.length === 0 && isOneMoment(found)) return found;
      if (attempt < MAX_COLLECTIONS) {
        field.say(`not of one moment, asking again: ${this.#watch.describe()}`);
        continue;
      }
      if (!atRest) problems.push(`the nodes do not come to rest: ${this.#watch.describe()}`);
      for (const problem of problems) field.problem(problem);
      return found;
    }
  }
}

const NOTHING = {
  acknowledged: 0,
  settled: 0,
  failed: 0,
  expired: 0,
  resent: 0,
  lost: 0,
  recoverySeconds: undefined,
  largestGapSeconds: undefined,
} as const;

function verdictOf(field: FaultField, violations: readonly string[]): Verdict {
  const limit = RECOVERY_LIMIT_MS / 1000;
  const problems = [...field.problems, ...violations];
  if ((field.longestRecovery ?? 0) > limit) problems.push(`recovery took more than ${limit} s`);
  const [first] = problems;
  if (first === undefined) return { kind: "passed" };
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : "";
  return { kind: "failed", why: `${first}${more}` };
}

/** Seconds between two blocks that follow each other while there was load, by their timestamps. */
function largestGap(
  evidence: readonly NodeEvidence[],
  startedAtMs: number,
  endedAtMs: number,
): number | undefined {
  const [node] = evidence;
  if (node === undefined) return undefined;
  let largest = 0;
  let before = startedAtMs;
  for (const { timestampMs } of node.blocks) {
    if (timestampMs < startedAtMs || timestampMs > endedAtMs) continue;
    largest = Math.max(largest, timestampMs - before);
    before = timestampMs;
  }
  return largest / 1000;
}

function refusalText(load: OpenLoad): string {
  const parts = [...load.takeRefusals()].map(([reason, count]) => `${reason} ${count}`);
  if (load.shed > 0) parts.push(`not offered ${load.shed}`);
  return parts.length === 0 ? "none" : parts.join(", ");
}
