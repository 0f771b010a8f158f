import { setImmediate as nextTurn } from "node:timers/promises";
import { invariant, present } from "../assert.ts";
import { messageOf } from "../errors.ts";
import type { SignatureCheck, VerificationLane, Verifier } from "../verifier.ts";
import { BadSignatureBudget, type BudgetLimits } from "./bad-signature-budget.ts";
import { BatchTables } from "./batch-tables.ts";
import { SharedKernel } from "./shared-kernel.ts";
import { MAX_BATCH_SIGNATURES, type SignatureSlab } from "./signature-slab.ts";
import { selfTest } from "./sodium.ts";
import { type TableCounts, TableDirectory, type TableStats } from "./table-directory.ts";
import { isPackable, packedSize, VerificationJob } from "./verification-job.ts";
import {
  type LaneBatch,
  type LaneLimits,
  LaneQueue,
  type LaneStats,
  VerificationError,
} from "./verification-lane.ts";
import type { WorkerFault } from "./worker-data.ts";
import { WorkerSlot } from "./worker-slot.ts";

/** About a quarter of a second of one thread's work: what waits longer is better refused. */
const TRANSACTION_LIMITS: LaneLimits = { signatures: 16_384, bytes: 8_388_608 };
/** Votes and certificates of many heights at once, as after a restart. A reserve of their own. */
const VOTE_LIMITS: LaneLimits = { signatures: 16_384, bytes: 8_388_608 };
/** 64 busy keys (32 MiB) and 512 others (51 MiB), a page costing memory from its first use. */
const TABLES: TableCounts = { hot: 64, cold: 512 };
/** How long a few transactions may wait for others to share their way to an idle thread. */
const FLUSH_MS = 1;
/** So many leave for an idle thread at once: more would not make them cheaper by much. */
const WORTH_A_BATCH = 32;
/** Votes in one call that the calling thread verifies itself: cheaper than a way there and back. */
const INLINE_VOTES = 4;
/** 256 signatures take 3 ms on a free core, 16 without tables; the rest is for crowded machines. */
const TRANSACTION_DEADLINE_MS = 5_000;
/** Shorter: agreement stands still meanwhile. */
const VOTE_DEADLINE_MS = 2_000;
/** Loading from source on a crowded machine takes seconds, from compiled files 0.1 s. */
const START_DEADLINE_MS = 30_000;
const CLOSE_DEADLINE_MS = 5_000;
/** A batch goes to a worker twice; a third time it runs on the calling thread. */
const WORKER_RUNS = 2;
/** Signatures on the calling thread between two turns of its event loop: up to 2 ms. */
const INLINE_SIGNATURES_PER_TURN = 32;
const MAX_THREADS = 64;

/** Something went wrong and was dealt with; for the log. */
export interface VerificationIncident {
  readonly kind: "worker-replaced" | "verified-inline" | "no-kernel";
  readonly reason: string;
}

export interface VerificationPoolOptions {
  /** Verification threads, 1 to 64; default 1. */
  readonly threads?: number;
  readonly transactionLimits?: LaneLimits;
  readonly voteLimits?: LaneLimits;
  readonly badSignatures?: BudgetLimits;
  /** Most tables of either size. */
  readonly tables?: TableCounts;
  /** False: libsodium verifies everything, as on a machine that can't run the kernel. */
  readonly kernel?: boolean;
  readonly flushMs?: number;
  readonly transactionDeadlineMs?: number;
  readonly voteDeadlineMs?: number;
  readonly startDeadlineMs?: number;
  readonly onIncident?: (incident: VerificationIncident) => void;
  /** For tests of the recovery. */
  readonly fault?: WorkerFault;
}

export interface VerificationPoolStats {
  readonly vote: LaneStats;
  readonly transaction: LaneStats;
  readonly threads: number;
  readonly threadsReady: number;
  /** Threads given up and replaced since the start. */
  readonly workerRestarts: number;
  /** Batches whose run on a worker failed and that were run again. */
  readonly repeatedBatches: number;
  /** Batches verified on the calling thread because no other did. */
  readonly inlineBatches: number;
  /** Calls with so few votes that the calling thread verified them at once. */
  readonly inlineVoteCalls: number;
  readonly hasKernel: boolean;
  readonly tables: TableStats;
}

/**
 * Verifies signatures on worker threads, in batches that lie in memory shared with them. Guarantees:
 *
 * - Votes go first. They have their own queue and their own place in every thread, so a flood of
 *   transactions neither fills their queue nor makes them wait for more than 2 ms of its work.
 * - Both queues are bounded; a call that doesn't fit is refused whole, with OVERLOADED. Sources of
 *   transactions take turns, hold at most a share of the queue, and are refused for a while when too
 *   many of their signatures were bad.
 * - A thread that dies, hangs or answers something else is replaced and its batches run again, the
 *   third time on the calling thread. While no thread serves, votes go to the calling thread, and
 *   so do transactions unless a thread is about to serve.
 * - A verdict comes from a completed check alone: a crash, a deadline or `close` rejects the call
 *   or leads to another run, and never reads as "valid" or "invalid".
 * - No thread, the calling one included, gives a verdict before it passed the self-test.
 *
 * Keys that are used get a table for the kernel; libsodium verifies for the others, with the same
 * verdicts. A batch grows while all threads are busy and leaves early for one that is idle.
 */
export class VerificationPool implements Verifier {
  readonly #options: VerificationPoolOptions;
  readonly #shared: SharedKernel;
  readonly #directory: TableDirectory;
  readonly #votes: LaneQueue;
  readonly #transactions: LaneQueue;
  readonly #budget: BadSignatureBudget;
  readonly #slots: readonly WorkerSlot[];
  /** Batches left to the calling thread; bounded by the limits of both lanes. */
  readonly #inline: LaneBatch[] = [];
  #inlineRunning = false;
  #flushTimer: NodeJS.Timeout | undefined;
  #flushDue = false;
  #closing: Promise<void> | undefined;
  /** The deadline of `close` has passed: nobody waits for a verdict any more. */
  #ended = false;
  /** Set while `close` waits for the last job. */
  #onDrained: (() => void) | undefined;
  #workerRestarts = 0;
  #repeatedBatches = 0;
  #inlineBatches = 0;
  #inlineVoteCalls = 0;

  private constructor(options: VerificationPoolOptions) {
    const threads = options.threads ?? 1;
    invariant(
      Number.isInteger(threads) && threads >= 1 && threads <= MAX_THREADS,
      `verification threads are 1 to ${MAX_THREADS}`,
    );
    this.#options = options;
    const tables = options.tables ?? TABLES;
    this.#shared = new SharedKernel(threads, tables, options.kernel ?? true);
    const { kernel, plan } = this.#shared;
    this.#directory = new TableDirectory(plan, kernel === undefined ? { hot: 0, cold: 0 } : tables);
    this.#votes = new LaneQueue("vote", options.voteLimits ?? VOTE_LIMITS);
    const limits = options.transactionLimits ?? TRANSACTION_LIMITS;
    this.#transactions = new LaneQueue("transaction", limits);
    this.#budget = new BadSignatureBudget(options.badSignatures);
    this.#slots = Array.from({ length: threads }, (_, i) => this.#createSlot(i + 1));
  }

  /**
   * Starts the threads and waits until each has passed its self-test.
   *
   * @throws SelfTestError (this thread), KernelError KERNEL_NOT_BUILT, VerificationError
   *   START_FAILED (a worker)
   */
  static async open(options: VerificationPoolOptions = {}): Promise<VerificationPool> {
    selfTest();
    let failure = "";
    const pool = new VerificationPool({
      ...options,
      onIncident(incident) {
        failure = incident.reason;
        options.onIncident?.(incident);
      },
    });
    if (pool.#shared.kernel === undefined && options.kernel !== false) {
      const reason = "no fused multiply-add of relaxed SIMD here: libsodium verifies";
      options.onIncident?.({ kind: "no-kernel", reason });
    }
    try {
      await Promise.all(pool.#slots.map((slot) => slot.start()));
    } catch (error) {
      failure = messageOf(error);
    }
    if (pool.#slots.every((slot) => slot.state === "ready")) return pool;
    await pool.close();
    throw new VerificationError("START_FAILED", `verification pool: ${failure}`, {
      reason: failure,
    });
  }

  /**
   * `source`: who is to answer for the signatures, the member or peer that sent them; without one,
   * as for what this node asks for itself, neither share nor budget applies.
   *
   * @throws VerificationError OVERLOADED (the lane is full), SOURCE_OVERLOADED (the source's share
   *   of it), BAD_SIGNATURES (the source's budget is spent), TOO_LARGE (a message over 64 KiB, or
   *   more than the lane can ever hold), CLOSED
   */
  verify(
    checks: readonly SignatureCheck[],
    lane: VerificationLane,
    source?: string,
  ): Promise<readonly boolean[]> {
    try {
      return this.#accept(checks, lane, source);
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(messageOf(error)));
    }
  }

  #accept(
    checks: readonly SignatureCheck[],
    lane: VerificationLane,
    source: string | undefined,
  ): Promise<readonly boolean[]> {
    if (this.#closing !== undefined) throw closedError();
    const now = performance.now();
    if (lane === "vote" && checks.length <= INLINE_VOTES) {
      const verdicts = this.#verifyVotesHere(checks);
      if (verdicts !== undefined) return Promise.resolve(verdicts);
    }
    if (source !== undefined && lane === "transaction") this.#checkBudget(source, now);
    const job = this.#queue(lane).admit(checks, source, now);
    if (!job.settled) this.#dispatch();
    return job.promise;
  }

  /** Asks for the tables of keys that are about to be used: validators, busy members. */
  prepare(publicKeys: Iterable<Uint8Array>, size: keyof TableCounts): void {
    if (this.#shared.kernel === undefined) return;
    for (const key of publicKeys) this.#directory.want(BatchTables.nameOf(key), size);
    this.#dispatch();
  }

  stats(): VerificationPoolStats {
    return {
      vote: this.#votes.stats(),
      transaction: this.#transactions.stats(),
      threads: this.#slots.length,
      threadsReady: this.#slots.filter((slot) => slot.state === "ready").length,
      workerRestarts: this.#workerRestarts,
      repeatedBatches: this.#repeatedBatches,
      inlineBatches: this.#inlineBatches,
      inlineVoteCalls: this.#inlineVoteCalls,
      hasKernel: this.#shared.kernel !== undefined,
      tables: this.#directory.stats(),
    };
  }

  /**
   * Takes no more work, waits up to `deadlineMs` for what it has, rejects the rest with CLOSED and
   * ends the threads.
   */
  close(deadlineMs: number = CLOSE_DEADLINE_MS): Promise<void> {
    this.#closing ??= this.#close(deadlineMs);
    return this.#closing;
  }

  async #close(deadlineMs: number): Promise<void> {
    this.#flushDue = true;
    this.#dispatch();
    if (!this.#isIdle) await this.#drained(deadlineMs);
    clearTimeout(this.#flushTimer);
    this.#ended = true;
    this.#votes.failAll(closedError());
    this.#transactions.failAll(closedError());
    await Promise.all(this.#slots.map((slot) => slot.close()));
  }

  get #isIdle(): boolean {
    return this.#votes.isIdle && this.#transactions.isIdle;
  }

  #drained(deadlineMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, deadlineMs);
      this.#onDrained = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #createSlot(region: number): WorkerSlot {
    return new WorkerSlot({
      region: this.#shared.region(region),
      workerData: this.#shared.workerData(region),
      startDeadlineMs: this.#options.startDeadlineMs ?? START_DEADLINE_MS,
      fault: this.#options.fault,
      onChange: () => this.#dispatch(),
      onFailure: (reason) => {
        this.#workerRestarts += 1;
        this.#options.onIncident?.({ kind: "worker-replaced", reason: messageOf(reason) });
      },
    });
  }

  #queue(lane: VerificationLane): LaneQueue {
    return lane === "vote" ? this.#votes : this.#transactions;
  }

  #checkBudget(source: string, now: number): void {
    const waitMs = this.#budget.waitMs(source, now);
    if (waitMs === 0) return;
    this.#transactions.countRefusal();
    throw new VerificationError("BAD_SIGNATURES", "too many bad signatures from this source", {
      waitMs,
    });
  }

  /** Verdicts on a few votes of keys that have tables, at once; undefined if one has none. */
  #verifyVotesHere(checks: readonly SignatureCheck[]): readonly boolean[] | undefined {
    const { kernel, own } = this.#shared;
    if (kernel === undefined || !BatchTables.serveAll(checks, this.#directory)) return undefined;
    if (!checks.every(isPackable)) return undefined;
    const bytes = checks.reduce((sum, check) => sum + packedSize(check), 0);
    const job = new VerificationJob(checks, undefined, bytes);
    const slab = present(own.slabs[0], "slab for votes");
    const tables = new BatchTables(this.#directory, "vote");
    slab.clear();
    slab.addPart(job, 0, job.count, tables.tableAt);
    slab.verify(kernel, 0, slab.count);
    tables.release();
    this.#votes.countVerified(checks.length);
    this.#inlineVoteCalls += 1;
    return checks.map((_, i) => slab.verdict(i));
  }

  /** Hands out all that can be handed out. Called whenever work, a thread or a timer is due. */
  #dispatch(): void {
    if (this.#ended) return;
    if (this.#onDrained !== undefined && this.#isIdle) this.#onDrained();
    while (this.#votes.untaken > 0 || this.#votes.hasFailed) {
      if (!this.#handOut(this.#votes, MAX_BATCH_SIGNATURES)) break;
    }
    this.#orderTables();
    this.#dispatchTransactions();
    this.#leaveToCallingThread();
    if (this.#transactions.untaken === 0) this.#flushDue = false;
    this.#armFlushTimer();
    if (this.#inline.length > 0) void this.#runInline();
  }

  /** Full batches to any thread; what is worth it, or has waited, to idle ones in equal parts. */
  #dispatchTransactions(): void {
    const queue = this.#transactions;
    for (;;) {
      let idle = 0;
      for (const slot of this.#slots) if (slot.state === "ready" && slot.isIdle) idle += 1;
      const isFull = queue.untaken >= MAX_BATCH_SIGNATURES || queue.hasFailed;
      const isWorthIt = queue.untaken >= WORTH_A_BATCH && idle > 0;
      if (!isFull && !isWorthIt && !(this.#flushDue && queue.untaken > 0)) return;
      const share = Math.ceil(queue.untaken / Math.max(idle, 1));
      const limit = Math.min(MAX_BATCH_SIGNATURES, Math.max(share, WORTH_A_BATCH));
      if (!this.#handOut(queue, limit)) return;
    }
  }

  /** One batch to the thread with the least work; false if there is no thread or no batch. */
  #handOut(queue: LaneQueue, limit: number): boolean {
    const slot = this.#freeSlot(queue.lane);
    if (slot === undefined) return false;
    const batch = queue.take(limit, performance.now());
    if (batch === undefined) return false;
    void this.#runOnWorker(slot, batch);
    return true;
  }

  #freeSlot(lane: VerificationLane): WorkerSlot | undefined {
    let best: WorkerSlot | undefined;
    for (const slot of this.#slots) {
      if (slot.canTake(lane) && (best === undefined || slot.load < best.load)) best = slot;
    }
    return best;
  }

  /** While no thread serves, votes don't wait for one; transactions wait for one that starts. */
  #leaveToCallingThread(): void {
    if (this.#slots.some((slot) => slot.state === "ready")) return;
    if (this.#inlineRunning || this.#inline.length > 0) return;
    const now = performance.now();
    let batch = this.#votes.take(MAX_BATCH_SIGNATURES, now);
    const starting = this.#slots.some((slot) => slot.state === "starting");
    if (batch === undefined && !starting) {
      batch = this.#transactions.take(MAX_BATCH_SIGNATURES, now);
    }
    if (batch !== undefined) this.#inline.push(batch);
  }

  #armFlushTimer(): void {
    if (this.#flushDue || this.#flushTimer !== undefined) return;
    if (this.#transactions.untaken === 0) return;
    this.#flushTimer = setTimeout(() => {
      this.#flushTimer = undefined;
      this.#flushDue = true;
      this.#dispatch();
    }, this.#options.flushMs ?? FLUSH_MS);
  }

  async #runOnWorker(slot: WorkerSlot, batch: LaneBatch): Promise<void> {
    const { lane } = batch;
    const deadlineMs =
      lane === "vote"
        ? (this.#options.voteDeadlineMs ?? VOTE_DEADLINE_MS)
        : (this.#options.transactionDeadlineMs ?? TRANSACTION_DEADLINE_MS);
    const tables = new BatchTables(this.#directory, lane);
    try {
      await slot.run({
        lane,
        task: "verify",
        load: batch.count,
        deadlineMs,
        fill: (slab) => fillSlab(slab, batch, tables),
        read: (slab) => this.#settle(batch, slab),
      });
      tables.release();
    } catch (error) {
      // The thread may still read the tables.
      void slot.ended.then(() => tables.release());
      this.#runAgain(batch, messageOf(error));
      return;
    }
    this.#dispatch();
  }

  #settle(batch: LaneBatch, slab: SignatureSlab): void {
    const bad = this.#queue(batch.lane).settle(batch, (index) => slab.verdict(index));
    if (batch.lane === "vote") return;
    for (const [source, count] of bad) this.#budget.spend(source, count, performance.now());
  }

  #runAgain(batch: LaneBatch, reason: string): void {
    batch.failedRuns += 1;
    if (batch.failedRuns < WORKER_RUNS) {
      this.#repeatedBatches += 1;
      this.#queue(batch.lane).returnToFront(batch);
    } else {
      this.#options.onIncident?.({ kind: "verified-inline", reason });
      this.#inline.push(batch);
    }
    this.#dispatch();
  }

  /** Lets threads build the tables that are wanted, one at a time each. */
  #orderTables(): void {
    while (this.#directory.hasOrders) {
      const slot = this.#freeSlot("transaction");
      if (slot === undefined) return;
      const order = this.#directory.nextOrder();
      if (order === undefined) return;
      const built = slot.run({
        lane: "transaction",
        task: "build",
        // About the time of so many verifications.
        load: order.size === "hot" ? 128 : 32,
        deadlineMs: this.#options.transactionDeadlineMs ?? TRANSACTION_DEADLINE_MS,
        fill: (slab) => slab.order(BatchTables.keyOf(order.key), order.place),
        read: (slab) => slab.verdict(0),
      });
      void built.then(
        (isKey) => {
          this.#directory.completed(order, isKey);
          this.#dispatch();
        },
        () => {
          void slot.ended.then(() => this.#directory.abandoned(order));
        },
      );
    }
  }

  async #runInline(): Promise<void> {
    if (this.#inlineRunning || this.#inline.length === 0) return;
    const vote = this.#inline.findIndex((batch) => batch.lane === "vote");
    const [batch] = this.#inline.splice(Math.max(vote, 0), 1);
    if (batch === undefined) return;
    this.#inlineRunning = true;
    this.#inlineBatches += 1;
    const tables = new BatchTables(this.#directory, batch.lane);
    try {
      const slab = present(this.#shared.own.slabs[1], "slab of the calling thread");
      fillSlab(slab, batch, tables);
      for (let from = 0; from < batch.count; from += INLINE_SIGNATURES_PER_TURN) {
        if (this.#ended) throw closedError();
        const to = Math.min(batch.count, from + INLINE_SIGNATURES_PER_TURN);
        slab.verify(this.#shared.kernel, from, to);
        await nextTurn();
      }
      this.#settle(batch, slab);
    } catch (error) {
      const reason = error instanceof Error ? error : new Error(messageOf(error));
      this.#queue(batch.lane).fail(batch, reason);
    }
    tables.release();
    this.#inlineRunning = false;
    this.#dispatch();
  }
}

function fillSlab(slab: SignatureSlab, batch: LaneBatch, tables: BatchTables): void {
  slab.clear();
  for (const { job, from, to } of batch.parts) slab.addPart(job, from, to, tables.tableAt);
}

function closedError(): VerificationError {
  return new VerificationError("CLOSED", "the verification pool is closed");
}
