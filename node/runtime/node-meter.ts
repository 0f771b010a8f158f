import type { AdmissionReason } from "../../client/rpc/errors.ts";
import type { NullifyReason } from "../../consensus/effects.ts";
import type { ConsensusState } from "../../consensus/state.ts";
import type { VerificationPool } from "../../primitives/native/verification-pool.ts";
import type { BatchDropReason } from "../dissemination/dissemination.ts";
import type { PendingTransactions } from "../dissemination/pending-transactions.ts";
import { FRAME_CLASSES } from "../net/frame.ts";
import type { Mesh } from "../net/mesh.ts";
import { DROP_REASONS, LINK_END_REASONS, REFUSAL_CODES } from "../net/net-error.ts";
import {
  FRAME_DIRECTIONS,
  type MessageDropReason,
  type Metrics,
  VERIFICATION_LANES,
} from "../observability/metrics.ts";
import type { CommittedState } from "./committed-state.ts";

/** Proposals whose commit is awaited; older ones lost their view. */
const MAX_SEEN = 1024;

export interface MeteredParts {
  readonly mesh: Mesh;
  readonly verificationPool: VerificationPool;
  readonly pending: PendingTransactions;
  readonly committed: CommittedState;
}

/** Feeds the metrics from what happens in the node and, at each scrape, from its parts' counts. */
export class NodeMeter {
  readonly #metrics: Metrics;
  readonly #parts: MeteredParts;
  readonly #seen = new Map<string, number>();
  /** Totals at the last scrape: counters grow by the difference. */
  readonly #totals = new Map<string, number>();
  #view = 0;
  #epoch = 0;

  constructor(metrics: Metrics, parts: MeteredParts) {
    this.#metrics = metrics;
    this.#parts = parts;
    metrics.onScrape(() => this.#collect());
  }

  proposalSeen(digest: string): void {
    if (this.#seen.has(digest)) return;
    this.#seen.set(digest, performance.now());
    if (this.#seen.size > MAX_SEEN) {
      const oldest = this.#seen.keys().next().value;
      if (oldest !== undefined) this.#seen.delete(oldest);
    }
  }

  executed(seconds: number): void {
    this.#metrics.consensus.execution.observe(seconds);
  }

  applied(digest: string, height: number, transactions: number, commitSeconds: number): void {
    const { consensus, storage } = this.#metrics;
    consensus.blocks.inc();
    consensus.height.set(height);
    consensus.transactions.inc(transactions);
    storage.commit.observe(commitSeconds);
    const seen = this.#seen.get(digest);
    this.#seen.delete(digest);
    if (seen !== undefined) consensus.finality.observe((performance.now() - seen) / 1000);
  }

  stepped(state: ConsensusState): void {
    if (state.config.epoch !== this.#epoch) {
      // Views begin anew with each epoch.
      this.#epoch = state.config.epoch;
      this.#view = 0;
    }
    if (state.view <= this.#view) return;
    this.#metrics.consensus.views.inc(state.view - this.#view);
    this.#metrics.consensus.view.set(state.view);
    this.#view = state.view;
  }

  nullifying(reason: NullifyReason): void {
    this.#metrics.countNullify(reason);
  }

  messageDropped(reason: string): void {
    this.#metrics.countMessageDrop(messageDropOf(reason));
  }

  batchDropped(reason: BatchDropReason): void {
    this.#metrics.countBatchDrop(reason);
  }

  admission(outcome: "admitted" | "duplicate" | AdmissionReason): void {
    if (outcome === "admitted") this.#metrics.admission.admitted.inc();
    else if (outcome !== "duplicate") this.#metrics.countRefusal(outcome);
  }

  #collect(): void {
    const { mesh, verificationPool, pending, committed } = this.#parts;
    const { admission, storage, peers, verification } = this.#metrics;
    admission.mempoolBytes.set(pending.bytes);
    admission.mempoolCount.set(pending.count);
    storage.stateEntries.set(committed.size);
    const stats = verificationPool.stats();
    for (const lane of VERIFICATION_LANES) {
      const { pendingSignatures, verifiedSignatures, refusals } = stats[lane];
      this.#metrics.setVerificationQueue(lane, pendingSignatures);
      this.#metrics.countVerified(lane, this.#grown(`verified ${lane}`, verifiedSignatures));
      this.#metrics.countVerifierRefusals(lane, this.#grown(`refused ${lane}`, refusals));
    }
    verification.workerRestarts.inc(this.#grown("restarts", stats.workerRestarts));
    verification.inlineBatches.inc(this.#grown("inline", stats.inlineBatches));
    const net = mesh.metrics();
    peers.connected.set(net.connected);
    for (const frameClass of FRAME_CLASSES) {
      const sum = { in: { frames: 0, bytes: 0 }, out: { frames: 0, bytes: 0 } };
      for (const { traffic } of net.peers) {
        const { framesIn, bytesIn, framesOut, bytesOut } = traffic[frameClass];
        sum.in.frames += framesIn;
        sum.in.bytes += bytesIn;
        sum.out.frames += framesOut;
        sum.out.bytes += bytesOut;
      }
      for (const way of FRAME_DIRECTIONS) {
        const frames = this.#grown(`frames ${frameClass} ${way}`, sum[way].frames);
        const bytes = this.#grown(`bytes ${frameClass} ${way}`, sum[way].bytes);
        this.#metrics.countFrames(way, frameClass, frames, bytes);
      }
    }
    for (const reason of DROP_REASONS) {
      const total = net.peers.reduce((sum, { drops }) => sum + (drops[reason] ?? 0), 0);
      this.#metrics.countDrops(reason, this.#grown(`drop ${reason}`, total));
    }
    for (const reason of REFUSAL_CODES) {
      const total = net.refusals[reason] ?? 0;
      this.#metrics.countConnectionRefusals(reason, this.#grown(`refusal ${reason}`, total));
    }
    for (const reason of LINK_END_REASONS) {
      const total = net.linksEnded[reason] ?? 0;
      this.#metrics.countLinksEnded(reason, this.#grown(`link end ${reason}`, total));
    }
  }

  #grown(name: string, total: number): number {
    const before = this.#totals.get(name) ?? 0;
    this.#totals.set(name, total);
    return Math.max(0, total - before);
  }
}

function messageDropOf(reason: string): MessageDropReason {
  switch (reason) {
    case "STALE":
      return "stale";
    case "AHEAD":
      return "ahead";
    case "UNSOLICITED":
      return "unsolicited";
    case "BAD_SIGNATURE":
      return "bad-signature";
    case "BUSY":
    case "OVERLOADED":
    case "CLOSED":
      return "busy";
    case "MALFORMED":
    case "NOT_CANONICAL":
    case "INVALID_VALUE":
    case "TOO_LARGE":
    case "TOO_DEEP":
    case "TOO_MANY_ELEMENTS":
    case "WRONG_KIND":
      return "malformed";
    default:
      return "refused";
  }
}
