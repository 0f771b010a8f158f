import { MessagePort, workerData } from "node:worker_threads";
import { CodedError } from "../../primitives/errors.ts";

/*
 * The far end of `handover.ts`: takes batches and hands them back unread, for only the way is
 * measured. Words of the shared memory: 0 = batches posted, 1 = batches done.
 */

const words = wordsOf(workerData);

function wordsOf(data: unknown): Int32Array {
  if (data instanceof SharedArrayBuffer) return new Int32Array(data);
  throw new CodedError("WORKER_DATA", "worker data must be shared memory");
}

/** One batch a task. */
export function task(batch: { readonly offset: number; readonly count: number }): number {
  return batch.count;
}

/** Until a negative number is posted; answers by a message, or by the word alone. */
export function serve(port: MessagePort | undefined): void {
  let seen = 0;
  for (;;) {
    Atomics.wait(words, 0, seen);
    seen = Atomics.load(words, 0);
    if (seen < 0) return;
    Atomics.store(words, 1, seen);
    if (port instanceof MessagePort) port.postMessage(0);
    else Atomics.notify(words, 1);
  }
}
