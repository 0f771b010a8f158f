import { CodedError } from "../../primitives/errors.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";

/** Ctrl-C, a supervisor, and a terminal that is closed. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
type Signal = (typeof SIGNALS)[number];

/** A signal ended the command, in order: what it had started is stopped. */
export class Interrupted extends CodedError<"INTERRUPTED"> {
  override readonly name = "Interrupted";
  readonly exitCode: ExitCode;

  constructor(signal: Signal) {
    super("INTERRUPTED", `stopped by ${signal}`, { signal });
    this.exitCode = signal === "SIGINT" ? EXIT.INTERRUPTED : EXIT.TERMINATED;
  }
}

/**
 * Runs a command that owns processes. The first signal aborts `run`, which then cleans up and
 * rejects with Interrupted; a further one ends the process at once, after its exit handlers.
 */
export async function interruptible<T>(run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const onSignal = (signal: Signal): void => {
    const interrupted = new Interrupted(signal);
    if (controller.signal.aborted) process.exit(interrupted.exitCode);
    controller.abort(interrupted);
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  try {
    return await run(controller.signal);
  } catch (error) {
    // Calls that the signal cut short fail in ways of their own.
    controller.signal.throwIfAborted();
    throw error;
  } finally {
    for (const name of SIGNALS) process.off(name, onSignal);
  }
}
