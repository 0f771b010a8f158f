import { MessagePort, workerData } from "node:worker_threads";
import { invariant, present } from "../assert.ts";
import { messageOf } from "../errors.ts";
import { VerificationKernel } from "../kernel/kernel.ts";
import { readRecord, setVerdict } from "../kernel/records.ts";
import { selfTestKernel } from "./kernel-self-test.ts";
import { SharedBytes, type SignatureSlab } from "./signature-slab.ts";
import { selfTest } from "./sodium.ts";
import { type PostedSlab, ThreadRegion } from "./thread-region.ts";
import { provokeFault, readWorkerData } from "./worker-data.ts";

/*
 * Code of a verification thread. One task, `serve`, lasts as long as the thread: it sleeps until the
 * pool posts a slab, works it through, and says so by a message. A transaction batch is left for
 * votes after every few signatures. The self-tests run when the module loads; a thread that failed
 * them says so and never serves.
 */

/** Signatures between two looks for votes: half a millisecond by the kernel, 2 ms by libsodium. */
const SIGNATURES_PER_TURN = 32;

const settings = readWorkerData(workerData);
const memory = new SharedBytes(settings.memory.buffer);
const region = new ThreadRegion(memory, settings.region.start);
let kernel: VerificationKernel | undefined;
const defect = findDefect();
let batchesSeen = 0;

function findDefect(): string | undefined {
  if (settings.fault?.kind === "self-test") return "injected self-test failure";
  try {
    selfTest();
    kernel = openKernel();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function openKernel(): VerificationKernel | undefined {
  if (settings.module === undefined) return undefined;
  const { workspace } = settings.region;
  const { module, baseTable } = settings;
  const opened = VerificationKernel.create(module, settings.memory, workspace, baseTable);
  const slab = present(region.slabs[0], "slab");
  if (opened !== undefined) selfTestKernel(opened, slab, settings.testTable);
  return opened;
}

/** Answers once the thread can take work: an empty string, or why it refuses to serve. */
export function ready(): string {
  return defect ?? "";
}

/** Verifies until it is told to end. The port gets the number of each slab that is done. */
export function serve({ port }: { readonly port: MessagePort }): void {
  invariant(defect === undefined, `this thread does not serve: ${defect ?? ""}`);
  invariant(port instanceof MessagePort, "a port to answer on");
  while (!region.isEnding) {
    const { bell } = region;
    const posted = region.nextPosted("vote") ?? region.nextPosted("transaction");
    if (posted === undefined) region.sleep(bell);
    else perform(posted, port);
  }
  port.close();
}

function perform(posted: PostedSlab, port: MessagePort): void {
  const slab = present(region.slabs[posted.index], "posted slab");
  if (posted.task === "build") build(slab);
  else verifyBatch(posted, slab, port);
  answer(posted, port);
}

function verifyBatch(posted: PostedSlab, slab: SignatureSlab, port: MessagePort): void {
  batchesSeen += 1;
  if (settings.fault !== undefined) provokeFault(settings.fault, batchesSeen);
  const { count } = slab;
  for (let from = 0; from < count; from += SIGNATURES_PER_TURN) {
    slab.verify(kernel, from, Math.min(count, from + SIGNATURES_PER_TURN));
    // Votes have slabs of their own; a vote batch is small and never steps aside itself.
    for (let vote = voteWaiting(posted); vote !== undefined; vote = voteWaiting(posted)) {
      perform(vote, port);
    }
  }
}

function voteWaiting(posted: PostedSlab): PostedSlab | undefined {
  const vote = region.nextPosted("vote");
  return vote?.index === posted.index || posted.index < 2 ? undefined : vote;
}

function build(slab: SignatureSlab): void {
  const record = slab.firstRecord;
  const { publicKey, table, width } = readRecord(memory.words, record);
  const built = kernel?.buildTable(table, width, publicKey) ?? false;
  setVerdict(memory.words, record, built);
}

function answer(posted: PostedSlab, port: MessagePort): void {
  const wrong = settings.fault?.kind === "wrong-answer" && posted.task === "verify";
  region.finish(posted.index, wrong ? posted.number + 1 : posted.number);
  port.postMessage(posted.index);
}
