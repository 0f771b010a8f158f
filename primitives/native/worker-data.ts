import { unreachable } from "../assert.ts";
import { CodedError } from "../errors.ts";

const FAULT_KINDS = ["exit", "throw", "reject", "hang", "short-answer", "self-test"] as const;

/**
 * How a thread misbehaves on purpose, so that tests can see the pool recover: it ends, throws
 * outside of its task, rejects its task, never answers, answers a byte too few, or fails its
 * self-test. A node never sets it.
 */
export interface WorkerFault {
  readonly kind: (typeof FAULT_KINDS)[number];
  /** The first so many threads of a slot have the fault, their replacements don't. */
  readonly threads: number;
  /** Which batch of a thread sets off "exit", "throw", "reject" and "hang"; 1 is the first. */
  readonly atBatch: number;
}

/** What the pool tells a new thread. */
export interface WorkerData {
  readonly fault?: WorkerFault;
}

/** Reads what came through `workerData`. Throws CodedError WORKER_DATA. */
export function readWorkerData(data: unknown): WorkerData {
  if (!isRecord(data)) throw invalid("an object");
  const { fault } = data;
  if (fault === undefined) return {};
  if (!isRecord(fault)) throw invalid("a fault object");
  const kind = FAULT_KINDS.find((known) => known === fault["kind"]);
  const { threads, atBatch } = fault;
  if (kind === undefined || typeof threads !== "number" || typeof atBatch !== "number") {
    throw invalid("a known fault");
  }
  return { fault: { kind, threads, atBatch } };
}

/** Does what `fault` says, where that is done before the batch is looked at. */
export function provokeFault(fault: WorkerFault, batchesSeen: number): void {
  if (batchesSeen !== fault.atBatch) return;
  switch (fault.kind) {
    case "exit":
      process.exit(7);
      break;
    case "throw":
      queueMicrotask(() => {
        throw new Error("injected fault");
      });
      break;
    case "reject":
      throw new Error("injected fault");
    case "hang":
      // Blocks the thread as an endless loop would, without the processor time.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
      break;
    case "short-answer":
    case "self-test":
      break;
    default:
      unreachable(fault.kind);
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function invalid(expected: string): CodedError {
  return new CodedError("WORKER_DATA", `worker data must be ${expected}`);
}
