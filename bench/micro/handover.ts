import { createRequire } from "node:module";
import { performance } from "node:perf_hooks";
import { fileURLToPath, pathToFileURL } from "node:url";
import { MessageChannel } from "node:worker_threads";
import { Piscina } from "piscina";
import { median } from "./median.ts";
import type { Suite, SuiteTable } from "./suite.ts";

const ROUNDS = { full: 15, quick: 3 };
const HANDOVERS = 500;

/** A way to a thread and back for a batch that lies in shared memory. */
interface Way {
  readonly name: string;
  readonly handOver: (number: number) => Promise<unknown>;
  readonly close: () => Promise<void>;
}

/** Ways to hand a batch in shared memory to a thread, one batch at a time, nothing verified. */
export const handover: Suite = {
  area: "handover",
  open: () => ({ tasks: [], measure: measureHandover }),
};

async function measureHandover(quick: boolean): Promise<SuiteTable> {
  const ways = [taskPerBatch(), ringWithMessage(), ringWithWord()];
  const rounds = quick ? ROUNDS.quick : ROUNDS.full;
  const figures = ways.map(() => ({ whole: [] as number[], busy: [] as number[] }));
  let number = 0;
  for (let round = 0; round < rounds; round++) {
    for (const [i, way] of ways.entries()) {
      const before = performance.eventLoopUtilization();
      const start = performance.now();
      for (let j = 0; j < HANDOVERS; j++) await way.handOver(++number);
      const { active } = performance.eventLoopUtilization(before);
      figures[i]?.whole.push(((performance.now() - start) * 1_000) / HANDOVERS);
      figures[i]?.busy.push((active * 1_000) / HANDOVERS);
    }
  }
  for (const way of ways) await way.close();
  return {
    title: `a batch to a thread and back, us, ${rounds} rounds of ${HANDOVERS} in turns`,
    header: ["way", "there and back", "best", "calling thread busy", "best"],
    numeric: [1, 2, 3, 4],
    rows: ways.map(({ name }, i) => {
      const { whole, busy } = figures[i] ?? { whole: [], busy: [] };
      return [name, median(whole), Math.min(...whole), median(busy), Math.min(...busy)];
    }),
  };
}

function taskPerBatch(): Way {
  const thread = startThread(new SharedArrayBuffer(8));
  return {
    name: "a piscina task per batch",
    handOver: (number) => thread.run({ offset: number, count: 256 }, { name: "task" }),
    close: () => thread.destroy(),
  };
}

/** As the pool does it. */
function ringWithMessage(): Way {
  const { words, thread } = ring();
  const { port1, port2 } = new MessageChannel();
  const served = thread.run(port2, { name: "serve", transferList: [port2] });
  let answered: () => void = () => {};
  port1.on("message", () => answered());
  return {
    name: "one lasting task, posted by a word, answered by a message",
    handOver(number) {
      const answer = new Promise<void>((resolve) => {
        answered = resolve;
      });
      post(words, number);
      return answer;
    },
    async close() {
      post(words, -1);
      await served;
      port1.close();
      await thread.destroy();
    },
  };
}

function ringWithWord(): Way {
  const { words, thread } = ring();
  const served = thread.run(undefined, { name: "serve" });
  return {
    name: "one lasting task, posted and answered by words (Atomics.waitAsync)",
    async handOver(number) {
      const before = Atomics.load(words, 1);
      const answer = Atomics.waitAsync(words, 1, before);
      post(words, number);
      await answer.value;
    },
    async close() {
      post(words, -1);
      await served;
      await thread.destroy();
    },
  };
}

function ring(): { words: Int32Array; thread: Piscina } {
  const memory = new SharedArrayBuffer(8);
  return { words: new Int32Array(memory), thread: startThread(memory) };
}

function post(words: Int32Array, number: number): void {
  Atomics.store(words, 0, number);
  Atomics.notify(words, 0);
}

function startThread(workerData: SharedArrayBuffer): Piscina {
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
  return new Piscina({
    filename: fileURLToPath(new URL("./handover-worker.ts", import.meta.url)),
    name: "task",
    execArgv: ["--import", tsx],
    minThreads: 1,
    maxThreads: 1,
    workerData,
  });
}
