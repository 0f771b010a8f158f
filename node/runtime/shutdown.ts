import { invariant } from "../../primitives/assert.ts";
import { messageOf } from "../../primitives/errors.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";

/** The whole stop, however it goes. Supervisors kill after 30 s. */
export const DEFAULT_DEADLINE_MS = 15_000;

export interface ShutdownStep {
  readonly name: string;
  /** Time that it may take; after it the next step runs regardless. */
  readonly budgetMs: number;
  /** Its budget is kept free: steps before it are cut short rather than this one. */
  readonly essential?: boolean;
  /** The signal aborts when the time is up. */
  run(signal: AbortSignal): Promise<void> | void;
}

export interface StepReport {
  readonly name: string;
  /** `skipped`: no time was left to start it. */
  readonly outcome: "done" | "failed" | "timed-out" | "skipped";
  readonly elapsedMs: number;
  readonly error?: unknown;
}

export interface ShutdownReport {
  readonly reason: string;
  readonly steps: readonly StepReport[];
  readonly exitCode: ExitCode;
}

/** What happens during a stop, one call per line of the log. */
export type ShutdownEvent =
  | { readonly type: "started"; readonly reason: string; readonly deadlineMs: number }
  | { readonly type: "step-started"; readonly name: string; readonly budgetMs: number }
  | { readonly type: "step-ended"; readonly step: StepReport }
  | { readonly type: "finished"; readonly report: ShutdownReport }
  | { readonly type: "deadline"; readonly name: string | undefined }
  | { readonly type: "immediate"; readonly signal: StopSignal; readonly name: string | undefined };

export type StopSignal = "SIGINT" | "SIGTERM";

export interface ShutdownOptions {
  readonly steps: readonly ShutdownStep[];
  readonly deadlineMs?: number;
  /** Must not wait for anything. What it throws does not stop the stop. */
  readonly log: (event: ShutdownEvent) => void;
  /** Ends the process: `process.exit`. */
  readonly exit: (code: ExitCode) => void;
  readonly now?: () => number;
}

/**
 * Stops a node in order and in bounded time. Steps run one after the other; one that does not
 * resolve is named in the log and left behind, so that the database is closed whatever hangs.
 * libp2p and HTTP servers have hung in their `stop` in many releases: it is the normal case here.
 *
 * A step that blocks the event loop cannot be cut short from inside the process; the supervisor's
 * kill ends that.
 */
export class Shutdown {
  readonly #steps: readonly ShutdownStep[];
  readonly #deadlineMs: number;
  readonly #log: ShutdownOptions["log"];
  readonly #exit: ShutdownOptions["exit"];
  readonly #now: () => number;
  #current: string | undefined;
  #exitCode: ExitCode = EXIT.OK;
  #running: Promise<ShutdownReport> | undefined;
  #exited = false;

  constructor(options: ShutdownOptions) {
    this.#steps = [...options.steps];
    this.#deadlineMs = options.deadlineMs ?? DEFAULT_DEADLINE_MS;
    this.#log = options.log;
    this.#exit = options.exit;
    this.#now = options.now ?? (() => performance.now());
    let reserved = 0;
    for (const step of this.#steps) {
      invariant(step.budgetMs > 0, "a shutdown step has time");
      if (step.essential === true) reserved += step.budgetMs;
    }
    invariant(reserved <= this.#deadlineMs, "essential shutdown steps fit the deadline");
  }

  /** Whether a stop is under way: readiness is over, nothing new is accepted. */
  get requested(): boolean {
    return this.#running !== undefined;
  }

  /**
   * Begins the stop, or joins the one under way. `exitCode` says how the process ends if all steps
   * do; the first one that is not OK stays, so that a failure during a stop is not lost.
   */
  request(reason: string, exitCode: ExitCode = EXIT.OK): Promise<ShutdownReport> {
    if (this.#exitCode === EXIT.OK) this.#exitCode = exitCode;
    this.#running ??= this.#run(reason);
    return this.#running;
  }

  /** First signal: stop in order. Any further one: exit at once. */
  onSignal(signal: StopSignal): void {
    if (this.#running === undefined) {
      void this.request(signal);
      return;
    }
    this.#emit({ type: "immediate", signal, name: this.#current });
    this.#exitOnce(signal === "SIGINT" ? EXIT.INTERRUPTED : EXIT.TERMINATED);
  }

  async #run(reason: string): Promise<ShutdownReport> {
    const deadline = this.#now() + this.#deadlineMs;
    const timer = setTimeout(() => this.#onDeadline(), this.#deadlineMs);
    this.#emit({ type: "started", reason, deadlineMs: this.#deadlineMs });
    const reports: StepReport[] = [];
    for (const [i, step] of this.#steps.entries()) {
      const budgetMs = Math.min(step.budgetMs, deadline - this.#now() - this.#reservedAfter(i));
      const report = await this.#runStep(step, Math.floor(budgetMs));
      reports.push(report);
      this.#emit({ type: "step-ended", step: report });
    }
    this.#current = undefined;
    clearTimeout(timer);
    const complete = reports.every(({ outcome }) => outcome === "done");
    const incomplete = this.#exitCode === EXIT.OK ? EXIT.SHUTDOWN_INCOMPLETE : this.#exitCode;
    const exitCode = complete ? this.#exitCode : incomplete;
    const report = { reason, steps: reports, exitCode };
    this.#emit({ type: "finished", report });
    this.#exitOnce(exitCode);
    return report;
  }

  async #runStep(step: ShutdownStep, budgetMs: number): Promise<StepReport> {
    const { name } = step;
    if (budgetMs <= 0) return { name, outcome: "skipped", elapsedMs: 0 };
    this.#current = name;
    this.#emit({ type: "step-started", name, budgetMs });
    const startedAt = this.#now();
    const controller = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const expiry = new Promise<"timed-out">((resolve) => {
      timer = setTimeout(() => resolve("timed-out"), budgetMs);
    });
    // A rejection that comes after the race was lost is handled here as well.
    const work = (async () => step.run(controller.signal))().then(
      () => "done" as const,
      (error: unknown) => ({ error }),
    );
    const result = await Promise.race([work, expiry]);
    clearTimeout(timer);
    const elapsedMs = this.#now() - startedAt;
    if (result === "done") return { name, outcome: "done", elapsedMs };
    if (result !== "timed-out") {
      return { name, outcome: "failed", elapsedMs, error: result.error };
    }
    controller.abort(new Error(`shutdown step ${name} ran out of time`));
    return { name, outcome: "timed-out", elapsedMs };
  }

  /** Time that later essential steps need. */
  #reservedAfter(index: number): number {
    let reserved = 0;
    for (const step of this.#steps.slice(index + 1)) {
      if (step.essential === true) reserved += step.budgetMs;
    }
    return reserved;
  }

  /** The last resort: the steps have budgets of their own, so something else went wrong. */
  #onDeadline(): void {
    this.#emit({ type: "deadline", name: this.#current });
    const ownFailure = this.#exitCode !== EXIT.OK;
    this.#exitOnce(ownFailure ? this.#exitCode : EXIT.SHUTDOWN_INCOMPLETE);
  }

  #exitOnce(code: ExitCode): void {
    if (this.#exited) return;
    this.#exited = true;
    this.#exit(code);
  }

  #emit(event: ShutdownEvent): void {
    try {
      this.#log(event);
    } catch (error) {
      // The log itself may be what is broken: standard error is all that is left.
      process.stderr.write(`shutdown log failed: ${messageOf(error)}\n`);
    }
  }
}

/**
 * A start that a stop may overtake: the stop then closes what the start still needs, and what the
 * start says to that is told to `cutShort`. The reason and the exit code stay those of the stop.
 * Rejects when the start fails by itself.
 */
export async function startUnder(
  shutdown: Pick<Shutdown, "requested">,
  start: () => Promise<void>,
  cutShort: (error: unknown) => void,
): Promise<void> {
  try {
    await start();
  } catch (error) {
    if (!shutdown.requested) throw error;
    cutShort(error);
  }
}

interface SignalSource {
  on(signal: StopSignal, listener: () => void): unknown;
  off(signal: StopSignal, listener: () => void): unknown;
}

/** Only the entry point calls this: libraries must not own signals. Returns the way to undo it. */
export function stopOnSignals(source: SignalSource, shutdown: Shutdown): () => void {
  const onInterrupt = (): void => shutdown.onSignal("SIGINT");
  const onTerminate = (): void => shutdown.onSignal("SIGTERM");
  source.on("SIGINT", onInterrupt);
  source.on("SIGTERM", onTerminate);
  return () => {
    source.off("SIGINT", onInterrupt);
    source.off("SIGTERM", onTerminate);
  };
}
