import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { ADMISSION_REASONS, type AdmissionReason, REASONS } from "../../client/rpc/errors.ts";
import { METHOD_NAMES, type MethodName } from "../../client/rpc/methods.ts";
import type { NullifyReason } from "../../consensus/effects.ts";
import type { BatchDropReason } from "../dissemination/dissemination.ts";
import { FRAME_CLASSES, type FrameClass } from "../net/frame.ts";
import {
  DROP_REASONS,
  type DropReason,
  LINK_END_REASONS,
  type LinkEndReason,
  REFUSAL_CODES,
  type RefusalCode,
} from "../net/net-error.ts";
import { EventLoopDelay } from "./event-loop.ts";

/**
 * Every metric of a node, declared here and nowhere else. Labels come from closed lists and every
 * series is created at start, so that nothing a peer or a client sends can make the registry grow:
 * 20,000 label sets of one histogram cost 160 MB and a second of blocked scrape.
 */

/** Why this node voted to leave a view without a block. */
export const NULLIFY_REASONS = [
  "NO_PROPOSAL",
  "NO_CERTIFICATE",
  "NOT_TIMELY",
  "BAD_BLOCK",
  "LEADER_EQUIVOCATED",
  "LEADER_NULLIFIED",
  "AMPLIFIED",
  "HOLE",
  "CANNOT_PROPOSE",
] as const satisfies readonly NullifyReason[];

export const FRAME_DIRECTIONS = ["in", "out"] as const;
export type FrameDirection = (typeof FRAME_DIRECTIONS)[number];

/** Why a consensus message of a peer did not reach the core. */
export const MESSAGE_DROP_REASONS = [
  "malformed",
  "refused",
  "stale",
  "ahead",
  "unsolicited",
  "bad-signature",
  "busy",
] as const;
export type MessageDropReason = (typeof MESSAGE_DROP_REASONS)[number];

/** Why a transaction batch of a peer was not kept. */
export const BATCH_DROP_REASONS = [
  "MALFORMED",
  "NOT_AUTHOR",
  "SHARE_FULL",
  "COMMITTED",
  "DUPLICATE",
  "BUSY",
] as const satisfies readonly BatchDropReason[];

export const VERIFICATION_LANES = ["vote", "transaction"] as const;
export type MetricLane = (typeof VERIFICATION_LANES)[number];

/** What a request ended with: `OK` or a reason of the RPC table. */
export const RPC_OUTCOMES: readonly string[] = ["OK", ...Object.keys(REASONS)];
/** `unknown` stands for every method name that does not exist. */
export const RPC_METHOD_LABELS: readonly (MethodName | "unknown")[] = [...METHOD_NAMES, "unknown"];

/** Seconds, from a LAN view to a network in trouble. */
const LATENCY_BUCKETS = [0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1, 1.5, 2.5, 5, 10, 30];
/** Seconds, from an NVMe flush to a disk that stalls. */
const DISK_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
/** Seconds of work for one verification batch. */
const BATCH_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1];

type LabelValues<Labels extends string> = Readonly<Record<Labels, readonly string[]>>;

/** Creates a counter and, at zero, each series it can ever have. */
function counter<Labels extends string = never>(
  registry: Registry,
  name: string,
  help: string,
  values?: LabelValues<Labels>,
): Counter<Labels> {
  const labelNames = values === undefined ? [] : (Object.keys(values) as Labels[]);
  const made = new Counter<Labels>({ name, help, labelNames, registers: [registry] });
  for (const labels of combinations(values)) made.inc(labels, 0);
  return made;
}

function gauge<Labels extends string = never>(
  registry: Registry,
  name: string,
  help: string,
  values?: LabelValues<Labels>,
): Gauge<Labels> {
  const labelNames = values === undefined ? [] : (Object.keys(values) as Labels[]);
  const made = new Gauge<Labels>({ name, help, labelNames, registers: [registry] });
  for (const labels of combinations(values)) made.set(labels, 0);
  return made;
}

function histogram(
  registry: Registry,
  name: string,
  help: string,
  buckets: readonly number[],
): Histogram {
  return new Histogram({ name, help, buckets: [...buckets], registers: [registry] });
}

type LabelSet<Labels extends string> = Partial<Record<Labels, string>>;

function combinations<Labels extends string>(
  values: LabelValues<Labels> | undefined,
): LabelSet<Labels>[] {
  if (values === undefined) return [];
  let sets: LabelSet<Labels>[] = [{}];
  for (const name of Object.keys(values) as Labels[]) {
    sets = sets.flatMap((set) => values[name].map((value) => ({ ...set, [name]: value })));
  }
  return sets;
}

function consensusMetrics(registry: Registry) {
  return {
    blocks: counter(registry, "mizan_blocks_total", "Blocks committed."),
    height: gauge(registry, "mizan_height", "Height of the last committed block."),
    view: gauge(registry, "mizan_view", "Current view."),
    views: counter(registry, "mizan_views_total", "Views entered."),
    nullifies: counter(registry, "mizan_nullify_votes_total", "Own nullify votes by reason.", {
      reason: NULLIFY_REASONS,
    }),
    messageDrops: counter(
      registry,
      "mizan_consensus_messages_dropped_total",
      "Messages of peers that did not reach the core, by reason.",
      { reason: MESSAGE_DROP_REASONS },
    ),
    execution: histogram(
      registry,
      "mizan_block_execution_seconds",
      "Execution of one block on its parent's state.",
      BATCH_BUCKETS,
    ),
    transactions: counter(registry, "mizan_transactions_total", "Transactions in final blocks."),
    finality: histogram(
      registry,
      "mizan_finality_seconds",
      "From the first sight of a proposal to its commit.",
      LATENCY_BUCKETS,
    ),
  };
}

function admissionMetrics(registry: Registry) {
  return {
    admitted: counter(registry, "mizan_tx_admitted_total", "Transactions taken into the pool."),
    refused: counter(registry, "mizan_tx_refused_total", "Transactions refused by reason.", {
      reason: ADMISSION_REASONS,
    }),
    mempoolBytes: gauge(registry, "mizan_mempool_bytes", "Bytes of waiting transactions."),
    mempoolCount: gauge(registry, "mizan_mempool_transactions", "Transactions waiting."),
  };
}

function verificationMetrics(registry: Registry) {
  const lane = VERIFICATION_LANES;
  return {
    signatures: counter(registry, "mizan_signatures_verified_total", "Signatures checked.", {
      lane,
    }),
    refusals: counter(registry, "mizan_verification_refused_total", "Calls refused as overload.", {
      lane,
    }),
    queued: gauge(registry, "mizan_verification_queue", "Signatures accepted, not answered yet.", {
      lane,
    }),
    workerRestarts: counter(registry, "mizan_worker_restarts_total", "Workers replaced."),
    inlineBatches: counter(
      registry,
      "mizan_verification_inline_batches_total",
      "Batches verified on the main thread because no worker served.",
    ),
  };
}

function peerMetrics(registry: Registry) {
  const flow = { direction: FRAME_DIRECTIONS, class: FRAME_CLASSES };
  return {
    connected: gauge(registry, "mizan_peers_connected", "Peers past the hello exchange."),
    frames: counter(registry, "mizan_frames_total", "Frames by direction and stream.", flow),
    bytes: counter(
      registry,
      "mizan_frame_bytes_total",
      "Frame bytes by direction and stream.",
      flow,
    ),
    drops: counter(registry, "mizan_frames_dropped_total", "Frames not sent, by reason.", {
      reason: DROP_REASONS,
    }),
    refusals: counter(registry, "mizan_connections_refused_total", "Peers refused, by reason.", {
      reason: REFUSAL_CODES,
    }),
    linksEnded: counter(
      registry,
      "mizan_links_ended_total",
      "Established links ended, by reason.",
      {
        reason: LINK_END_REASONS,
      },
    ),
    batchDrops: counter(registry, "mizan_batches_dropped_total", "Batches not kept, by reason.", {
      reason: BATCH_DROP_REASONS,
    }),
  };
}

function storageMetrics(registry: Registry) {
  return {
    journalSync: histogram(
      registry,
      "mizan_journal_fsync_seconds",
      "Flush of the consensus journal.",
      DISK_BUCKETS,
    ),
    commit: histogram(
      registry,
      "mizan_commit_seconds",
      "Flushed write of a block with its state; blocks written together share the time.",
      DISK_BUCKETS,
    ),
    stateEntries: gauge(registry, "mizan_state_entries", "Entries of the ledger state."),
  };
}

function rpcMetrics(registry: Registry) {
  return {
    requests: counter(registry, "mizan_rpc_requests_total", "RPC calls by method and reason.", {
      method: RPC_METHOD_LABELS,
      reason: RPC_OUTCOMES,
    }),
    seconds: histogram(
      registry,
      "mizan_rpc_seconds",
      "Time to answer one HTTP request, waits included.",
      LATENCY_BUCKETS,
    ),
    waiting: gauge(registry, "mizan_rpc_waiting", "Long polls that are open."),
  };
}

/** The metrics of one node on a registry of its own. */
export class Metrics {
  readonly registry: Registry = new Registry();
  readonly consensus = consensusMetrics(this.registry);
  readonly admission = admissionMetrics(this.registry);
  readonly verification = verificationMetrics(this.registry);
  readonly peers = peerMetrics(this.registry);
  readonly storage = storageMetrics(this.registry);
  readonly rpc = rpcMetrics(this.registry);
  readonly #eventLoop = new EventLoopDelay();
  readonly #collectors: (() => void)[] = [];
  readonly #eventLoopP99: Gauge;
  readonly #residentBytes: Gauge;

  constructor() {
    this.#eventLoopP99 = gauge(
      this.registry,
      "mizan_event_loop_delay_p99_seconds",
      "99th percentile of timer lateness since the last scrape.",
    );
    this.#residentBytes = gauge(
      this.registry,
      "mizan_resident_bytes",
      "Resident memory of the process.",
    );
  }

  countNullify(reason: NullifyReason): void {
    this.consensus.nullifies.inc({ reason });
  }

  countMessageDrop(reason: MessageDropReason): void {
    this.consensus.messageDrops.inc({ reason });
  }

  countRefusal(reason: AdmissionReason): void {
    this.admission.refused.inc({ reason });
  }

  countBatchDrop(reason: BatchDropReason): void {
    this.peers.batchDrops.inc({ reason });
  }

  countVerified(lane: MetricLane, signatures: number): void {
    this.verification.signatures.inc({ lane }, signatures);
  }

  countVerifierRefusals(lane: MetricLane, calls: number): void {
    this.verification.refusals.inc({ lane }, calls);
  }

  setVerificationQueue(lane: MetricLane, signatures: number): void {
    this.verification.queued.set({ lane }, signatures);
  }

  countFrames(
    direction: FrameDirection,
    frameClass: FrameClass,
    frames: number,
    bytes: number,
  ): void {
    this.peers.frames.inc({ direction, class: frameClass }, frames);
    this.peers.bytes.inc({ direction, class: frameClass }, bytes);
  }

  countDrops(reason: DropReason, frames: number): void {
    this.peers.drops.inc({ reason }, frames);
  }

  countConnectionRefusals(reason: RefusalCode, times: number): void {
    this.peers.refusals.inc({ reason }, times);
  }

  countLinksEnded(reason: LinkEndReason, times: number): void {
    this.peers.linksEnded.inc({ reason }, times);
  }

  /** `reason` is OK or one of the RPC table; a name the surface does not have is `unknown`. */
  countRpc(method: MethodName | "unknown", reason: keyof typeof REASONS | "OK"): void {
    this.rpc.requests.inc({ method, reason });
  }

  /** Called before each scrape, for parts that keep counts of their own. */
  onScrape(collect: () => void): void {
    this.#collectors.push(collect);
  }

  /** The text of a scrape; samples the event loop and memory on the way. */
  async scrape(): Promise<string> {
    for (const collect of this.#collectors) collect();
    this.#eventLoopP99.set(this.#eventLoop.takeP99Seconds());
    this.#residentBytes.set(process.memoryUsage.rss());
    return this.registry.metrics();
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  close(): void {
    this.#eventLoop.close();
  }
}
