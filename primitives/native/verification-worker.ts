import { setImmediate as nextTurn } from "node:timers/promises";
import { workerData } from "node:worker_threads";
import { messageOf } from "../errors.ts";
import { BatchRun } from "./signature-batch.ts";
import { selfTest, verifySodium } from "./sodium.ts";
import { provokeFault, readWorkerData } from "./worker-data.ts";

/*
 * Code of a verification thread. Its pool posts a batch to `vote` or `transaction`; a transaction
 * batch steps aside after every few signatures, so a vote waits for 2 ms of work at most. The
 * self-test runs when the module loads; a thread that failed it says so and never answers a batch.
 */

/** Signatures between two looks at the message port: about 2 ms. */
const SIGNATURES_PER_TURN = 32;

const settings = readWorkerData(workerData);
const defect = findDefect();
let batchesSeen = 0;

function findDefect(): string | undefined {
  if (settings.fault?.kind === "self-test") return "injected self-test failure";
  try {
    selfTest();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** Answers once the thread can take work: an empty string, or why it refuses to serve. */
export function ready(): string {
  return defect ?? "";
}

export async function vote(batch: ArrayBuffer): Promise<Uint8Array> {
  const run = startRun(batch);
  run.advance(Number.POSITIVE_INFINITY);
  return faultyAnswer(run.answer());
}

export async function transaction(batch: ArrayBuffer): Promise<Uint8Array> {
  const run = startRun(batch);
  while (!run.done) {
    run.advance(SIGNATURES_PER_TURN);
    if (!run.done) await nextTurn();
  }
  return faultyAnswer(run.answer());
}

function startRun(batch: ArrayBuffer): BatchRun {
  if (defect !== undefined) throw new Error(`this thread does not serve: ${defect}`);
  batchesSeen += 1;
  if (settings.fault !== undefined) provokeFault(settings.fault, batchesSeen);
  return new BatchRun(batch, verifySodium);
}

function faultyAnswer(answer: Uint8Array): Uint8Array {
  if (settings.fault?.kind !== "short-answer") return answer;
  return answer.subarray(0, answer.length - 1).slice();
}
