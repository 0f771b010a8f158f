import { unreachable } from "../assert.ts";
import { CodedError } from "../errors.ts";
import type { RegionAddresses } from "../kernel/memory-plan.ts";
import type { TablePlace } from "./signature-slab.ts";

const FAULT_KINDS = [
  "exit",
  "reject",
  "memory",
  "hang",
  "late",
  "wrong-answer",
  "self-test",
] as const;

/**
 * How a thread misbehaves on purpose, so that tests can see the pool recover: it ends, throws, eats
 * all its memory, never answers, answers after its deadline, answers for another batch, or fails its
 * self-test. A node never sets it.
 */
export interface WorkerFault {
  readonly kind: (typeof FAULT_KINDS)[number];
  /** The first so many threads of a slot have the fault, their replacements don't. */
  readonly threads: number;
  /** Which batch of a thread sets the fault off; 1 is the first. */
  readonly atBatch: number;
}

/** How long a "late" thread sleeps before it answers. */
const LATE_MS = 1_500;

/** What the pool tells a new thread. */
export interface WorkerData {
  readonly memory: WebAssembly.Memory;
  /** Absent: this machine can't run the kernel, libsodium verifies all. */
  readonly module: WebAssembly.Module | undefined;
  readonly region: RegionAddresses;
  readonly baseTable: number;
  /** Table of the self-test's key. */
  readonly testTable: TablePlace;
  readonly fault: WorkerFault | undefined;
}

/** Reads what came through `workerData`. Throws CodedError WORKER_DATA. */
export function readWorkerData(data: unknown): WorkerData {
  if (!isRecord(data)) throw invalid("an object");
  const { memory, module } = data;
  if (!(memory instanceof WebAssembly.Memory)) throw invalid("a memory");
  if (module !== undefined && !(module instanceof WebAssembly.Module)) throw invalid("a module");
  return {
    memory,
    module,
    region: {
      workspace: addressIn(data["region"], "workspace"),
      start: addressIn(data["region"], "start"),
    },
    baseTable: addressIn(data, "baseTable"),
    testTable: {
      address: addressIn(data["testTable"], "address"),
      width: addressIn(data["testTable"], "width"),
    },
    fault: readFault(data["fault"]),
  };
}

function addressIn(data: unknown, name: string): number {
  const value = isRecord(data) ? data[name] : undefined;
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
    throw invalid(`an address ${name}`);
  }
  return value;
}

function readFault(fault: unknown): WorkerFault | undefined {
  if (fault === undefined) return undefined;
  if (!isRecord(fault)) throw invalid("a fault object");
  const kind = FAULT_KINDS.find((known) => known === fault["kind"]);
  const { threads, atBatch } = fault;
  if (kind === undefined || typeof threads !== "number" || typeof atBatch !== "number") {
    throw invalid("a known fault");
  }
  return { kind, threads, atBatch };
}

/** Does what `fault` says, where that is done before the batch is looked at. */
export function provokeFault(fault: WorkerFault, batchesSeen: number): void {
  if (batchesSeen !== fault.atBatch) return;
  switch (fault.kind) {
    case "exit":
      process.exit(7);
      break;
    case "reject":
      throw new Error("injected fault");
    case "memory":
      exhaustMemory();
      break;
    case "hang":
      sleep();
      break;
    case "late":
      sleep(LATE_MS);
      break;
    case "wrong-answer":
    case "self-test":
      break;
    default:
      unreachable(fault.kind);
  }
}

/** Until the limits of the thread end it. */
function exhaustMemory(): never {
  const hoard: number[][] = [];
  for (;;) hoard.push(Array.from({ length: 10_000 }, (_, i) => i + 0.5));
}

/** Blocks the thread as an endless loop would, without the processor time. */
function sleep(milliseconds?: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function invalid(expected: string): CodedError {
  return new CodedError("WORKER_DATA", `worker data must be ${expected}`);
}
