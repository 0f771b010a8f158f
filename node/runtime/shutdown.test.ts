import { EventEmitter } from "node:events";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { InvariantError } from "../../primitives/assert.ts";
import { EXIT } from "../exit-codes.ts";
import {
  Shutdown,
  type ShutdownEvent,
  type ShutdownStep,
  startUnder,
  stopOnSignals,
} from "./shutdown.ts";

const never = (): Promise<void> => new Promise(() => {});

let events: ShutdownEvent[];
let exits: number[];
let ran: string[];

beforeEach(() => {
  vi.useFakeTimers();
  events = [];
  exits = [];
  ran = [];
});

afterEach(() => {
  vi.useRealTimers();
});

function step(name: string, run: ShutdownStep["run"] = () => {}): ShutdownStep {
  return {
    name,
    budgetMs: 3000,
    essential: name === "database",
    run: (signal) => {
      ran.push(name);
      return run(signal);
    },
  };
}

function shutdownOf(steps: readonly ShutdownStep[], deadlineMs?: number): Shutdown {
  return new Shutdown({
    steps,
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
    log: (event) => events.push(event),
    exit: (code) => exits.push(code),
    now: () => Date.now(),
  });
}

const NAMES = ["api", "mempool", "consensus", "network", "verification", "database"];

describe("an ordered stop", () => {
  test("runs every step in order and exits 0, however often it is asked for", async () => {
    const shutdown = shutdownOf(NAMES.map((name) => step(name)));
    expect(shutdown.requested).toBe(false);
    const [first, second] = await Promise.all([shutdown.request("a"), shutdown.request("b")]);
    expect(first).toBe(second);
    expect(first).toMatchObject({ reason: "a", exitCode: EXIT.OK });
    expect(ran).toEqual(NAMES);
    expect(exits).toEqual([0]);
    expect(vi.getTimerCount()).toBe(0);
    expect(shutdown.requested).toBe(true);
  });

  test.each(NAMES)("%s never resolves: it is named, the rest runs", async (stuck) => {
    const shutdown = shutdownOf(NAMES.map((name) => step(name, name === stuck ? never : () => {})));
    const report = shutdown.request("SIGTERM");
    await vi.advanceTimersByTimeAsync(15_000);
    const { steps, exitCode } = await report;
    expect(ran).toEqual(NAMES);
    expect(steps.filter(({ outcome }) => outcome === "timed-out").map((s) => s.name)).toEqual([
      stuck,
    ]);
    expect(exitCode).toBe(EXIT.SHUTDOWN_INCOMPLETE);
    expect(exits).toEqual([EXIT.SHUTDOWN_INCOMPLETE]);
    expect(events).toContainEqual({
      type: "step-ended",
      step: { name: stuck, outcome: "timed-out", elapsedMs: 3000 },
    });
  });

  test("nothing resolves but the database: it is closed inside the deadline all the same", async () => {
    const steps = NAMES.map((name) => step(name, name === "database" ? () => {} : never));
    const startedAt = Date.now();
    const report = shutdownOf(steps).request("SIGTERM");
    await vi.advanceTimersByTimeAsync(15_000);
    const outcomes = (await report).steps.map(({ outcome }) => outcome);
    expect(outcomes).toEqual([
      "timed-out",
      "timed-out",
      "timed-out",
      "timed-out",
      "skipped",
      "done",
    ]);
    expect(ran.at(-1)).toBe("database");
    expect(exits).toEqual([EXIT.SHUTDOWN_INCOMPLETE]);
    expect(Date.now() - startedAt).toBeLessThanOrEqual(15_000);
  });

  test("nothing at all resolves: the process still ends at the deadline", async () => {
    const report = shutdownOf(NAMES.map((name) => step(name, never))).request("SIGTERM");
    await vi.advanceTimersByTimeAsync(15_000);
    await report;
    expect(exits).toEqual([EXIT.SHUTDOWN_INCOMPLETE]);
  });

  test("a clock that stands still does not keep the process alive", async () => {
    const shutdown = new Shutdown({
      steps: Array.from({ length: 20 }, (_, i) => step(`step ${i}`, never)),
      deadlineMs: 5000,
      log: (event) => events.push(event),
      exit: (code) => exits.push(code),
      now: () => 0,
    });
    void shutdown.request("SIGTERM");
    await vi.advanceTimersByTimeAsync(5000);
    expect(exits).toEqual([EXIT.SHUTDOWN_INCOMPLETE]);
    expect(events).toContainEqual({ type: "deadline", name: "step 1" });
    await vi.advanceTimersByTimeAsync(100_000);
    expect(exits).toEqual([EXIT.SHUTDOWN_INCOMPLETE]);
  });

  test("a step that throws, at once or later, is reported and does not stop the others", async () => {
    const steps = [
      step("api", () => {
        throw new Error("at once");
      }),
      step("network", () => Promise.reject(new Error("later"))),
      step("database"),
    ];
    const { steps: reports, exitCode } = await shutdownOf(steps).request("SIGTERM");
    expect(reports.map(({ outcome }) => outcome)).toEqual(["failed", "failed", "done"]);
    expect(reports[0]?.error).toMatchObject({ message: "at once" });
    expect(reports[1]?.error).toMatchObject({ message: "later" });
    expect(exitCode).toBe(EXIT.SHUTDOWN_INCOMPLETE);
  });

  test("a step learns that its time is up, and may still fail without harm", async () => {
    let reason: unknown;
    const late = step("network", (signal) => {
      return new Promise((_, reject) => {
        signal.addEventListener("abort", () => {
          reason = signal.reason;
          reject(new Error("aborted"));
        });
      });
    });
    const report = shutdownOf([late, step("database")]).request("SIGTERM");
    await vi.advanceTimersByTimeAsync(3000);
    expect((await report).steps.map(({ outcome }) => outcome)).toEqual(["timed-out", "done"]);
    expect(reason).toMatchObject({ message: expect.stringContaining("network") });
  });

  test("a broken log does not stop it", async () => {
    const write = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    const shutdown = new Shutdown({
      steps: [step("database")],
      log: () => {
        throw new Error("log is gone");
      },
      exit: (code) => exits.push(code),
    });
    await shutdown.request("SIGTERM");
    expect(ran).toEqual(["database"]);
    expect(write).toHaveBeenCalledWith(expect.stringContaining("log is gone"));
    write.mockRestore();
  });

  test("essential steps must fit the deadline", () => {
    expect(() => shutdownOf([step("database")], 2999)).toThrow(InvariantError);
  });
});

describe("why it stops decides how it exits", () => {
  test("a failure before or during the stop is not lost", async () => {
    const failing = shutdownOf([step("api"), step("database")]);
    await failing.request("the journal failed", EXIT.IO);
    const during = shutdownOf([step("api", () => new Promise((r) => setTimeout(r, 10)))]);
    const report = during.request("SIGTERM");
    void during.request("an invariant broke", EXIT.INTERNAL);
    void during.request("the disk failed", EXIT.IO);
    await vi.advanceTimersByTimeAsync(10);
    await report;
    expect(exits).toEqual([EXIT.IO, EXIT.INTERNAL]);
  });

  test("it also stays when a step hangs", async () => {
    const report = shutdownOf([step("network", never)]).request("the disk failed", EXIT.IO);
    await vi.advanceTimersByTimeAsync(3000);
    expect((await report).exitCode).toBe(EXIT.IO);
  });
});

describe("a start that a stop overtakes", () => {
  test("ends as the stop was asked to end, whatever the start meets on the way", async () => {
    const shutdown = shutdownOf([step("mesh")]);
    const met: unknown[] = [];
    const late = new InvariantError("a mesh starts once");
    await startUnder(
      shutdown,
      async () => {
        void shutdown.request("fatal: another state", EXIT.INTEGRITY);
        await Promise.resolve();
        throw late;
      },
      (error) => met.push(error),
    );
    await vi.waitFor(() => expect(exits).toEqual([EXIT.INTEGRITY]));
    expect(met).toEqual([late]);
  });

  test("a start that fails by itself is a failure", async () => {
    const shutdown = shutdownOf([step("mesh")]);
    const failing = startUnder(
      shutdown,
      async () => {
        throw new Error("port in use");
      },
      () => expect.unreachable(),
    );
    await expect(failing).rejects.toThrow("port in use");
    expect(exits).toEqual([]);
  });
});

describe("signals", () => {
  test.each([
    ["SIGINT", EXIT.INTERRUPTED],
    ["SIGTERM", EXIT.TERMINATED],
  ] as const)("the first one stops in order, a second %s exits at once", async (signal, code) => {
    const source = new EventEmitter();
    const undo = stopOnSignals(source, shutdownOf([step("network", never), step("database")]));
    source.emit("SIGTERM");
    await vi.advanceTimersByTimeAsync(1);
    expect(exits).toEqual([]);
    source.emit(signal);
    expect(exits).toEqual([code]);
    expect(events).toContainEqual({ type: "immediate", signal, name: "network" });
    source.emit(signal);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(exits).toEqual([code]);
    undo();
    expect(source.listenerCount("SIGTERM") + source.listenerCount("SIGINT")).toBe(0);
  });
});
