import { Piscina } from "piscina";
import { invariant } from "../assert.ts";
import { CodedError, messageOf } from "../errors.ts";
import type { VerificationLane } from "../verifier.ts";
import type { WorkerData, WorkerFault } from "./worker-data.ts";
import { verificationWorkerEntry } from "./worker-entry.ts";

/** Packed keys and signatures are small; what exceeds this leaks. Includes the module loader. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 16 };

/** Rest before the second, third, … start in a row that led to no answer. */
const FIRST_REST_MS = 100;
const LONGEST_REST_MS = 10_000;

export type WorkerErrorCode = "WORKER_FAILED" | "WORKER_DEADLINE" | "WORKER_SELF_TEST";

/** A verification thread gave no usable answer. Says nothing about any signature. */
export class WorkerError extends CodedError<WorkerErrorCode> {
  override readonly name = "WorkerError";
}

export interface WorkerSlotOptions {
  /** Bound on a thread's start, self-test included. */
  readonly startDeadlineMs: number;
  readonly fault?: WorkerFault | undefined;
  /** The slot can take work, or stopped being able to. */
  readonly onChange: () => void;
  /** A thread was given up; the slot replaces it by itself. */
  readonly onFailure: (reason: WorkerError) => void;
}

/**
 * starting: a thread loads and tests itself, or is about to; ready: it serves; resting: threads
 * keep failing and the next start is due later; closed: for good.
 */
export type WorkerSlotState = "starting" | "ready" | "resting" | "closed";

/**
 * One verification thread and its replacements. Each thread has a piscina of its own, so that a
 * thread which hangs can be told from the others and ended alone, and piscina never restarts one
 * behind our back (its replacements would serve before their self-test was seen).
 *
 * A thread takes one batch of each lane at a time: the vote batch runs between two steps of the
 * transaction batch.
 */
export class WorkerSlot {
  readonly #options: WorkerSlotOptions;
  #state: WorkerSlotState = "resting";
  #piscina: Piscina<ArrayBuffer | undefined, unknown> | undefined;
  #started = 0;
  #failuresInARow = 0;
  #restTimer: NodeJS.Timeout | undefined;
  readonly #busy: Record<VerificationLane, boolean> = { vote: false, transaction: false };

  constructor(options: WorkerSlotOptions) {
    this.#options = options;
  }

  get state(): WorkerSlotState {
    return this.#state;
  }

  get isIdle(): boolean {
    return !this.#busy.vote && !this.#busy.transaction;
  }

  canTake(lane: VerificationLane): boolean {
    return this.#state === "ready" && !this.#busy[lane];
  }

  /** Starts a thread. Resolves when it serves, or has failed and the slot rests. */
  async start(): Promise<void> {
    invariant(this.#piscina === undefined && this.#state !== "closed", "one thread at a time");
    this.#state = "starting";
    const piscina = this.#createThread();
    this.#piscina = piscina;
    try {
      const run = piscina.run(undefined, { name: "ready" });
      const defect = await withDeadline(run, this.#options.startDeadlineMs, "start");
      if (defect !== "") {
        throw new WorkerError("WORKER_SELF_TEST", `verification thread: ${String(defect)}`);
      }
    } catch (error) {
      this.#giveUp(piscina, toWorkerError(error));
      return;
    }
    if (this.#piscina !== piscina) return;
    this.#state = "ready";
    this.#options.onChange();
  }

  /**
   * The thread's answer to a packed batch, whose buffer is transferred. On any failure the thread
   * is replaced.
   *
   * @throws WorkerError
   */
  async run(lane: VerificationLane, batch: ArrayBuffer, deadlineMs: number): Promise<unknown> {
    const piscina = this.#piscina;
    invariant(piscina !== undefined && this.canTake(lane), "a free, ready slot is given work");
    this.#busy[lane] = true;
    try {
      const run = piscina.run(batch, { name: lane, transferList: [batch] });
      return await withDeadline(run, deadlineMs, lane);
    } catch (error) {
      const reason = toWorkerError(error);
      this.#giveUp(piscina, reason);
      throw reason;
    } finally {
      this.#busy[lane] = false;
    }
  }

  /** The thread's last answer was a good one: an earlier failure was not a lasting defect. */
  confirm(): void {
    this.#failuresInARow = 0;
  }

  /** Replaces the thread because of what it answered. */
  reject(reason: WorkerError): void {
    if (this.#piscina !== undefined) this.#giveUp(this.#piscina, reason);
  }

  /** Ends the thread; work that it holds rejects with WorkerError. */
  async close(): Promise<void> {
    this.#state = "closed";
    clearTimeout(this.#restTimer);
    const piscina = this.#piscina;
    this.#piscina = undefined;
    await piscina?.destroy();
  }

  #createThread(): Piscina<ArrayBuffer | undefined, unknown> {
    this.#started += 1;
    const { fault } = this.#options;
    const faulty = fault !== undefined && this.#started <= fault.threads;
    const workerData: WorkerData = faulty ? { fault } : {};
    const piscina = new Piscina<ArrayBuffer | undefined, unknown>({
      ...verificationWorkerEntry(),
      // Looked up when the thread starts. Must be one that exists: without a hit piscina goes on to
      // import() the file, which bypasses tsx inside a thread on Node 20.
      name: "ready",
      // None to begin with: a thread that is started by its first task reports when it is ready.
      minThreads: 0,
      maxThreads: 1,
      idleTimeout: Number.POSITIVE_INFINITY,
      concurrentTasksPerWorker: 2,
      recordTiming: false,
      resourceLimits: RESOURCE_LIMITS,
      workerData,
    });
    // Without a handler an 'error' event would end the process.
    piscina.on("error", (error: unknown) => this.#giveUp(piscina, toWorkerError(error)));
    piscina.on("workerDestroy", () => this.#threadEnded(piscina));
    return piscina;
  }

  /** Takes no more work at once, but waits for the error that ended the thread: the reason. */
  #threadEnded(piscina: Piscina<ArrayBuffer | undefined, unknown>): void {
    if (this.#piscina !== piscina) return;
    this.#state = "resting";
    setImmediate(() => {
      this.#giveUp(piscina, new WorkerError("WORKER_FAILED", "verification thread ended"));
    });
  }

  /** Idempotent for a piscina: one failure is seen through several events. */
  #giveUp(piscina: Piscina<ArrayBuffer | undefined, unknown>, reason: WorkerError): void {
    if (this.#piscina !== piscina) return;
    this.#piscina = undefined;
    this.#failuresInARow += 1;
    this.#scheduleStart();
    this.#options.onFailure(reason);
    // Rejects what the thread still holds. It can't fail: piscina gathers the exits of its threads.
    void piscina.destroy();
    this.#options.onChange();
  }

  /** The first replacement comes at once; a thread that keeps failing is not started in a loop. */
  #scheduleStart(): void {
    const restart = (): void => {
      void this.start();
    };
    if (this.#failuresInARow === 1) {
      this.#state = "starting";
      this.#restTimer = setTimeout(restart, 0);
      return;
    }
    this.#state = "resting";
    const doublings = Math.min(this.#failuresInARow - 2, 16);
    const restMs = Math.min(FIRST_REST_MS * 2 ** doublings, LONGEST_REST_MS);
    // Unreferenced: nothing waits for this start, work is done on the calling thread meanwhile.
    this.#restTimer = setTimeout(restart, restMs).unref();
  }
}

/** @throws WorkerError WORKER_DEADLINE */
async function withDeadline<T>(run: Promise<T>, deadlineMs: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      // An answer may have arrived while this thread was busy: messages are read between timers
      // and immediates, so they get one more turn.
      setImmediate(() => {
        setImmediate(() => {
          reject(new WorkerError("WORKER_DEADLINE", `${what}: no answer in ${deadlineMs} ms`));
        });
      });
    }, deadlineMs);
  });
  try {
    return await Promise.race([run, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

function toWorkerError(error: unknown): WorkerError {
  if (error instanceof WorkerError) return error;
  return new WorkerError("WORKER_FAILED", `verification thread: ${messageOf(error)}`);
}
