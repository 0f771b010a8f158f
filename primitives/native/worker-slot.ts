import { MessageChannel, type MessagePort } from "node:worker_threads";
import { Piscina } from "piscina";
import { invariant, present } from "../assert.ts";
import { CodedError, messageOf } from "../errors.ts";
import type { VerificationLane } from "../verifier.ts";
import type { SignatureSlab } from "./signature-slab.ts";
import { type SlabTask, slabsOf, type ThreadRegion } from "./thread-region.ts";
import type { WorkerData, WorkerFault } from "./worker-data.ts";
import { verificationWorkerEntry } from "./worker-entry.ts";

/** Batches lie in shared memory; what exceeds this leaks. Includes the module loader. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 16 };

/** Rest before the second, third, … start in a row that led to no answer. */
const FIRST_REST_MS = 100;
const LONGEST_REST_MS = 10_000;
/** A thread told to end does so after the batch in hand; then it is ended. */
const END_DEADLINE_MS = 200;

export type WorkerErrorCode = "WORKER_FAILED" | "WORKER_DEADLINE" | "WORKER_SELF_TEST";

/** A verification thread gave no usable answer. Says nothing about any signature. */
export class WorkerError extends CodedError<WorkerErrorCode> {
  override readonly name = "WorkerError";
}

export interface WorkerSlotOptions {
  readonly region: ThreadRegion;
  readonly workerData: Omit<WorkerData, "fault">;
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

/** What a thread is to do with a slab. */
export interface SlabWork<T> {
  readonly lane: VerificationLane;
  readonly task: SlabTask;
  /** Signatures, for the spreading of the load. */
  readonly load: number;
  readonly deadlineMs: number;
  readonly fill: (slab: SignatureSlab) => void;
  /** Takes the verdicts out; the slab is another batch's after that. */
  readonly read: (slab: SignatureSlab) => T;
}

interface Outstanding {
  readonly number: number;
  readonly load: number;
  readonly done: (slab: SignatureSlab) => void;
  readonly failed: (reason: WorkerError) => void;
  readonly timer: NodeJS.Timeout;
}

type Thread = Piscina<{ readonly port: MessagePort } | undefined, unknown>;

/**
 * One verification thread and its replacements. Each thread has a piscina of its own, so that a
 * thread which hangs can be told from the others and ended alone, and piscina never restarts one
 * behind our back (its replacements would serve before their self-test was seen). Its one task lasts
 * as long as the thread; batches reach it through the shared memory of its region.
 */
export class WorkerSlot {
  readonly #options: WorkerSlotOptions;
  #state: WorkerSlotState = "resting";
  #piscina: Thread | undefined;
  #port: MessagePort | undefined;
  /** Resolves when no earlier thread runs: the region is one thread's at a time. */
  #ended: Promise<void> = Promise.resolve();
  #started = 0;
  #failuresInARow = 0;
  #restTimer: NodeJS.Timeout | undefined;
  #number = 0;
  #load = 0;
  readonly #outstanding = new Map<number, Outstanding>();

  constructor(options: WorkerSlotOptions) {
    this.#options = options;
  }

  get state(): WorkerSlotState {
    return this.#state;
  }

  /** Signatures handed over and not yet answered. */
  get load(): number {
    return this.#load;
  }

  get isIdle(): boolean {
    return this.#outstanding.size === 0;
  }

  /** Resolves when threads that were given up have ended and write nowhere any more. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  canTake(lane: VerificationLane): boolean {
    return this.#state === "ready" && this.#freeSlab(lane) !== undefined;
  }

  /** Starts a thread. Resolves when it serves, or has failed and the slot rests. */
  async start(): Promise<void> {
    invariant(this.#piscina === undefined && this.#state !== "closed", "one thread at a time");
    this.#state = "starting";
    await this.#ended;
    if (this.#isClosed()) return;
    this.#options.region.reset();
    const piscina = this.#createThread();
    this.#piscina = piscina;
    try {
      const run = piscina.run(undefined, { name: "ready" });
      const defect = await withDeadline(run, this.#options.startDeadlineMs);
      if (defect !== "") {
        throw new WorkerError("WORKER_SELF_TEST", `verification thread: ${String(defect)}`);
      }
    } catch (error) {
      this.#giveUp(piscina, toWorkerError(error));
      return;
    }
    if (this.#piscina !== piscina) return;
    void this.#serve(piscina);
    this.#state = "ready";
    this.#options.onChange();
  }

  /**
   * Hands a slab to the thread and resolves with what `read` makes of its answer. On any failure the
   * thread is replaced.
   *
   * @throws WorkerError
   */
  run<T>(work: SlabWork<T>): Promise<T> {
    const index = present(this.#freeSlab(work.lane), "free slab of a ready thread");
    const slab = present(this.#options.region.slabs[index], "slab");
    slab.clear();
    work.fill(slab);
    this.#number = (this.#number + 1) >>> 0;
    const number = this.#number;
    this.#load += work.load;
    const answer = new Promise<T>((resolve, reject) => {
      this.#outstanding.set(index, {
        number,
        load: work.load,
        done: (filled) => resolve(work.read(filled)),
        failed: reject,
        timer: setTimeout(() => this.#deadlinePassed(index, number), work.deadlineMs),
      });
    });
    this.#options.region.post(index, number, work.task);
    return answer;
  }

  /** Ends the thread; work that it holds rejects with WorkerError. */
  async close(): Promise<void> {
    this.#state = "closed";
    clearTimeout(this.#restTimer);
    const piscina = this.#piscina;
    this.#piscina = undefined;
    this.#options.region.end();
    this.#failOutstanding(new WorkerError("WORKER_FAILED", "verification thread closed"));
    if (piscina !== undefined) await endThread(piscina);
    this.#port?.close();
    await this.#ended;
  }

  #isClosed(): boolean {
    return this.#state === "closed";
  }

  #freeSlab(lane: VerificationLane): number | undefined {
    return slabsOf(lane).find((index) => !this.#outstanding.has(index));
  }

  /** Lasts as long as the thread. */
  async #serve(piscina: Thread): Promise<void> {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.on("message", (index: unknown) => this.#answered(piscina, index));
    // Nothing but outstanding work keeps the process alive, and that has its timers.
    port1.unref();
    try {
      await piscina.run({ port: port2 }, { name: "serve", transferList: [port2] });
      this.#giveUp(piscina, new WorkerError("WORKER_FAILED", "verification thread ended"));
    } catch (error) {
      this.#giveUp(piscina, toWorkerError(error));
    } finally {
      port1.close();
    }
  }

  #answered(piscina: Thread, index: unknown): void {
    if (this.#piscina !== piscina || typeof index !== "number") return;
    const work = this.#outstanding.get(index);
    const number = this.#options.region.takeBack(index);
    if (work === undefined || number !== work.number) {
      const reason = new WorkerError("WORKER_FAILED", "verification thread: answers another batch");
      this.#giveUp(piscina, reason);
      return;
    }
    this.#remove(index, work);
    this.#failuresInARow = 0;
    work.done(present(this.#options.region.slabs[index], "slab"));
  }

  #deadlinePassed(index: number, number: number): void {
    // An answer may have arrived while this thread was busy: messages are read between timers and
    // immediates, so they get one more turn.
    setImmediate(() => {
      setImmediate(() => {
        const { piscina, work } = { piscina: this.#piscina, work: this.#outstanding.get(index) };
        if (piscina === undefined || work?.number !== number) return;
        this.#giveUp(piscina, new WorkerError("WORKER_DEADLINE", "verification thread: no answer"));
      });
    });
  }

  #remove(index: number, work: Outstanding): void {
    clearTimeout(work.timer);
    this.#outstanding.delete(index);
    this.#load -= work.load;
  }

  #failOutstanding(reason: WorkerError): void {
    for (const [index, work] of this.#outstanding) {
      this.#remove(index, work);
      work.failed(reason);
    }
  }

  #createThread(): Thread {
    this.#started += 1;
    const { fault } = this.#options;
    const faulty = fault !== undefined && this.#started <= fault.threads;
    const workerData: WorkerData = {
      ...this.#options.workerData,
      fault: faulty ? fault : undefined,
    };
    const piscina: Thread = new Piscina({
      ...verificationWorkerEntry(),
      // Looked up when the thread starts. Must be one that exists: without a hit piscina goes on to
      // import() the file, which bypasses tsx inside a thread on Node 20.
      name: "ready",
      // None to begin with: a thread that is started by its first task reports when it is ready.
      minThreads: 0,
      maxThreads: 1,
      idleTimeout: Number.POSITIVE_INFINITY,
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
  #threadEnded(piscina: Thread): void {
    if (this.#piscina !== piscina) return;
    this.#state = "resting";
    setImmediate(() => {
      this.#giveUp(piscina, new WorkerError("WORKER_FAILED", "verification thread ended"));
    });
  }

  /** Idempotent for a piscina: one failure is seen through several events. */
  #giveUp(piscina: Thread, reason: WorkerError): void {
    if (this.#piscina !== piscina) return;
    this.#piscina = undefined;
    // It can't fail: piscina gathers the exits of its threads.
    this.#ended = piscina.destroy();
    this.#failuresInARow += 1;
    this.#scheduleStart();
    this.#options.onFailure(reason);
    this.#failOutstanding(reason);
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

/** The thread has been told to end: it does, or is ended. */
async function endThread(piscina: Thread): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, END_DEADLINE_MS);
  });
  await Promise.race([piscina.close().catch(() => {}), patience]);
  clearTimeout(timer);
  await piscina.destroy();
}

/** @throws WorkerError WORKER_DEADLINE */
async function withDeadline<T>(run: Promise<T>, deadlineMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new WorkerError("WORKER_DEADLINE", `start: no answer in ${deadlineMs} ms`));
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
