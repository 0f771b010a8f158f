import { setImmediate as nextTurn } from "node:timers/promises";
import { invariant } from "../assert.ts";
import { messageOf } from "../errors.ts";
import type { SignatureCheck, VerificationLane, Verifier } from "../verifier.ts";
import { BatchRun, readAnswer } from "./signature-batch.ts";
import { selfTest, verifySodium } from "./sodium.ts";
import {
  type LaneBatch,
  type LaneLimits,
  LaneQueue,
  type LaneStats,
  VerificationError,
  type VerificationJob,
} from "./verification-lane.ts";
import type { WorkerFault } from "./worker-data.ts";
import { WorkerError, WorkerSlot } from "./worker-slot.ts";

/** About one second of one thread's work: what waits longer is better refused at the door. */
const TRANSACTION_LIMITS: LaneLimits = { signatures: 16_384, bytes: 8_388_608 };
/** Votes and certificates of many heights at once, as after a restart. A reserve of their own. */
const VOTE_LIMITS: LaneLimits = { signatures: 16_384, bytes: 8_388_608 };
/** How long a transaction may wait for others to share its way to a thread. */
const FLUSH_MS = 1;
/** 256 signatures take 16 ms on a free core; the rest is for crowded machines. */
const TRANSACTION_DEADLINE_MS = 5_000;
/** Shorter: agreement stands still meanwhile. */
const VOTE_DEADLINE_MS = 2_000;
/** Loading from source on a crowded machine takes seconds, from compiled files 0.1 s. */
const START_DEADLINE_MS = 30_000;
const CLOSE_DEADLINE_MS = 5_000;
/** A batch goes to a worker twice; a third time it runs on the calling thread. */
const WORKER_RUNS = 2;
/** Signatures on the calling thread between two turns of its event loop: about 2 ms. */
const INLINE_SIGNATURES_PER_TURN = 32;
const MAX_THREADS = 64;

/** Something went wrong and was dealt with; for the log. */
export interface VerificationIncident {
  readonly kind: "worker-replaced" | "verified-inline";
  readonly reason: string;
}

export interface VerificationPoolOptions {
  /** Verification threads, 1 to 64; default 1. */
  readonly threads?: number;
  readonly transactionLimits?: LaneLimits;
  readonly voteLimits?: LaneLimits;
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
  /** Batches verified on the calling thread. */
  readonly inlineBatches: number;
}

/**
 * Verifies signatures on worker threads, in batches. Guarantees:
 *
 * - Votes go first. They have their own queue and their own place in every thread, so a flood of
 *   transactions neither fills their queue nor makes them wait for more than 2 ms of its work.
 * - Both queues are bounded; a call that doesn't fit is refused whole, with OVERLOADED.
 * - A thread that dies, hangs or answers something else is replaced and its batches run again, the
 *   third time on the calling thread. While no thread serves, votes go to the calling thread, and
 *   so do transactions unless a thread is about to serve.
 * - A verdict comes from a completed check alone: a crash, a deadline or `close` rejects the call
 *   or leads to another run, and never reads as "valid" or "invalid".
 * - No thread, the calling one included, gives a verdict before it passed the self-test.
 *
 * A lone transaction waits `flushMs` for company; a full batch or a vote leaves at once if a thread
 * is free, and gathers company until one is.
 */
export class VerificationPool implements Verifier {
  readonly #options: VerificationPoolOptions;
  readonly #votes: LaneQueue;
  readonly #transactions: LaneQueue;
  readonly #slots: readonly WorkerSlot[];
  /** Batches left to the calling thread; bounded by the limits of both lanes. */
  readonly #inline: LaneBatch[] = [];
  readonly #jobs = new Set<VerificationJob>();
  #inlineRunning = false;
  #flushTimer: NodeJS.Timeout | undefined;
  #flushDue = false;
  #batchNumber = 0;
  #closing: Promise<void> | undefined;
  /** The deadline of `close` has passed: nobody waits for a verdict any more. */
  #ended = false;
  /** Set while `close` waits for the last job. */
  #onDrained: (() => void) | undefined;
  #workerRestarts = 0;
  #repeatedBatches = 0;
  #inlineBatches = 0;

  private constructor(options: VerificationPoolOptions) {
    const threads = options.threads ?? 1;
    invariant(
      Number.isInteger(threads) && threads >= 1 && threads <= MAX_THREADS,
      `verification threads are 1 to ${MAX_THREADS}`,
    );
    this.#options = options;
    const next = (): number => {
      this.#batchNumber = (this.#batchNumber + 1) >>> 0;
      return this.#batchNumber;
    };
    this.#votes = new LaneQueue("vote", options.voteLimits ?? VOTE_LIMITS, next);
    const limits = options.transactionLimits ?? TRANSACTION_LIMITS;
    this.#transactions = new LaneQueue("transaction", limits, next);
    this.#slots = Array.from({ length: threads }, () => this.#createSlot());
  }

  /**
   * Starts the threads and waits until each has passed its self-test.
   *
   * @throws SelfTestError (this thread), VerificationError START_FAILED (a worker)
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
   * @throws VerificationError OVERLOADED (the lane is full), TOO_LARGE (a message over 64 KiB, or
   *   more than the lane can ever hold), CLOSED
   */
  async verify(
    checks: readonly SignatureCheck[],
    lane: VerificationLane,
  ): Promise<readonly boolean[]> {
    if (this.#closing !== undefined) throw closedError();
    const job = this.#queue(lane).admit(checks, performance.now());
    if (job.settled) return job.promise;
    this.#jobs.add(job);
    this.#dispatch();
    try {
      return await job.promise;
    } finally {
      this.#jobs.delete(job);
      if (this.#jobs.size === 0) this.#onDrained?.();
    }
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
    if (this.#jobs.size > 0) await this.#drained(deadlineMs);
    clearTimeout(this.#flushTimer);
    this.#ended = true;
    for (const job of this.#jobs) job.fail(closedError());
    await Promise.all(this.#slots.map((slot) => slot.close()));
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

  #createSlot(): WorkerSlot {
    return new WorkerSlot({
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

  /** Hands out all that can be handed out. Called whenever work, a thread or a timer is due. */
  #dispatch(): void {
    if (this.#ended) return;
    this.#dispatchLane(this.#votes, true);
    this.#dispatchLane(this.#transactions, this.#flushDue);
    this.#leaveToCallingThread();
    if (!this.#transactions.hasOpen) this.#flushDue = false;
    this.#armFlushTimer();
    void this.#runInline();
  }

  #dispatchLane(queue: LaneQueue, flush: boolean): void {
    for (;;) {
      const slot = this.#freeSlot(queue.lane);
      if (slot === undefined) return;
      const batch = queue.take(flush, performance.now());
      if (batch === undefined) return;
      void this.#runOnWorker(slot, batch);
    }
  }

  /** Prefers a thread that has nothing at all to do. */
  #freeSlot(lane: VerificationLane): WorkerSlot | undefined {
    const free = this.#slots.filter((slot) => slot.canTake(lane));
    return free.find((slot) => slot.isIdle) ?? free[0];
  }

  /** While no thread serves, votes don't wait for one; transactions wait for one that starts. */
  #leaveToCallingThread(): void {
    if (this.#slots.some((slot) => slot.state === "ready")) return;
    if (this.#inlineRunning || this.#inline.length > 0) return;
    const now = performance.now();
    let batch = this.#votes.take(true, now);
    const starting = this.#slots.some((slot) => slot.state === "starting");
    if (batch === undefined && !starting) batch = this.#transactions.take(this.#flushDue, now);
    if (batch !== undefined) this.#inline.push(batch);
  }

  #armFlushTimer(): void {
    if (this.#flushDue || this.#flushTimer !== undefined || !this.#transactions.hasOpen) return;
    this.#flushTimer = setTimeout(() => {
      this.#flushTimer = undefined;
      this.#flushDue = true;
      this.#dispatch();
    }, this.#options.flushMs ?? FLUSH_MS);
  }

  async #runOnWorker(slot: WorkerSlot, batch: LaneBatch): Promise<void> {
    const { lane, writer } = batch;
    const deadlineMs =
      lane === "vote"
        ? (this.#options.voteDeadlineMs ?? VOTE_DEADLINE_MS)
        : (this.#options.transactionDeadlineMs ?? TRANSACTION_DEADLINE_MS);
    let verdicts: readonly boolean[];
    try {
      const answer = await slot.run(lane, writer.pack(), deadlineMs);
      verdicts = readAnswer(answer, writer.batchNumber, writer.count);
    } catch (error) {
      const reason = messageOf(error);
      if (!(error instanceof WorkerError)) slot.reject(new WorkerError("WORKER_FAILED", reason));
      this.#runAgain(batch, reason);
      return;
    }
    slot.confirm();
    this.#queue(lane).settle(batch, verdicts);
    this.#dispatch();
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

  async #runInline(): Promise<void> {
    if (this.#inlineRunning) return;
    const vote = this.#inline.findIndex((batch) => batch.lane === "vote");
    const [batch] = this.#inline.splice(Math.max(vote, 0), 1);
    if (batch === undefined) return;
    this.#inlineRunning = true;
    this.#inlineBatches += 1;
    const queue = this.#queue(batch.lane);
    try {
      const { writer } = batch;
      const run = new BatchRun(writer.pack(), verifySodium);
      while (!run.done && !this.#ended) {
        run.advance(INLINE_SIGNATURES_PER_TURN);
        await nextTurn();
      }
      if (!run.done) throw closedError();
      queue.settle(batch, readAnswer(run.answer(), writer.batchNumber, writer.count));
    } catch (error) {
      queue.fail(batch, error instanceof Error ? error : new Error(messageOf(error)));
    }
    this.#inlineRunning = false;
    this.#dispatch();
  }
}

function closedError(): VerificationError {
  return new VerificationError("CLOSED", "the verification pool is closed");
}
