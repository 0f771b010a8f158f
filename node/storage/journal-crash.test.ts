import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { present } from "../../primitives/assert.ts";
import { JournalFile, type JournalOptions } from "./journal-file.ts";
import { PowerFailure, VolatileFiles } from "./testing/volatile-files.ts";

const CHAIN = "11".repeat(32);

function options(files: VolatileFiles): JournalOptions {
  return { directory: "memory", chainId: CHAIN, files, maxRecordBytes: 64, maxSegmentBytes: 400 };
}

function payload(i: number): Uint8Array {
  return Buffer.from(`r${i}`.padEnd(4 + ((i * 5) % 40), "."));
}

function idOf(bytes: Uint8Array): number {
  return Number(/^r([0-9]+)/.exec(Buffer.from(bytes).toString())?.[1]);
}

type Order =
  | { readonly kind: "append"; readonly count: number }
  | { readonly kind: "rotate"; readonly keep: number };

/** Numbers of the records that must be there after a crash, and of those that may be. */
interface Promises {
  kept: number[];
  /** Written or dropped by the order that the crash cut short. */
  unsure: { added: number[]; live: number[] | undefined };
}

async function runUntilFailure(files: VolatileFiles, orders: readonly Order[]): Promise<Promises> {
  const promises: Promises = { kept: [], unsure: { added: [], live: undefined } };
  try {
    const journal = await JournalFile.create(options(files));
    let next = 0;
    for (const order of orders) {
      if (order.kind === "append") {
        const added = Array.from({ length: order.count }, () => next++);
        promises.unsure = { added, live: undefined };
        await journal.append(added.map(payload));
        promises.kept.push(...added);
      } else {
        const live = promises.kept.slice(-order.keep);
        promises.unsure = { added: [], live };
        await journal.rotate(live.map(payload));
        promises.kept = live;
      }
      promises.unsure = { added: [], live: undefined };
    }
    await journal.close();
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    if (!(error instanceof PowerFailure || cause instanceof PowerFailure)) throw error;
  }
  return promises;
}

/** What was promised is there, in order; beyond it at most a part of the interrupted order. */
function checkRecovered(records: readonly number[], { kept, unsure }: Promises): void {
  if (unsure.live !== undefined && records.length !== kept.length) {
    expect(records).toEqual(unsure.live);
    return;
  }
  expect(records.slice(0, kept.length)).toEqual(kept);
  const beyond = records.slice(kept.length);
  expect(beyond).toEqual(unsure.added.slice(0, beyond.length));
}

const order: fc.Arbitrary<Order> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("append" as const), count: fc.nat(6) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("rotate" as const),
      keep: fc.integer({ min: 1, max: 5 }),
    }),
  },
);

describe("power failure", () => {
  test("at any step, with any part of what was not synced lost, promises are kept", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(order, { maxLength: 25 }),
        fc.nat(150),
        fc.nat(),
        fc.func(fc.boolean()),
        async (orders, failAt, seed, keepNames) => {
          const files = new VolatileFiles();
          files.failAfter(failAt);
          const promises = await runUntilFailure(files, orders);
          const after = files.powerCycle(
            (length) => (length === 0 ? 0 : seed % (length + 1)),
            keepNames,
          );
          const started = (await after.list()).some((name) => name.endsWith(".seg"));
          if (!started) {
            // Creation was cut short: nothing was promised, and it can be repeated.
            expect(promises.kept).toEqual([]);
            await JournalFile.create(options(after));
            return;
          }
          const first = await JournalFile.open(options(after));
          const recovered = first.records.map(idOf);
          checkRecovered(recovered, promises);
          await first.journal.append([payload(9999)]);
          const again = await JournalFile.open(options(after.afterKill()));
          expect(again.records.map(idOf)).toEqual([...recovered, 9999]);
        },
      ),
      { numRuns: 400 },
    );
  });

  test("between any two steps of a rotation, and again during recovery", async () => {
    const prepare = async (): Promise<{ files: VolatileFiles; journal: JournalFile }> => {
      const files = new VolatileFiles();
      const journal = await JournalFile.create(options(files));
      for (let i = 0; i < 40; i++) await journal.append([payload(i)]);
      return { files, journal };
    };
    const whole = await prepare();
    const before = whole.files.steps;
    await whole.journal.rotate([payload(38), payload(39)]);
    const steps = whole.files.steps - before;
    expect(steps).toBeGreaterThan(6);
    const seen = new Set<number>();
    for (let step = 0; step <= steps; step++) {
      for (const keepNames of [true, false]) {
        const { files, journal } = await prepare();
        files.failAfter(step);
        const rotated = await journal.rotate([payload(38), payload(39)]).then(
          () => true,
          () => false,
        );
        expect(rotated).toBe(step === steps);
        const after = files.powerCycle(
          () => 0,
          () => keepNames,
        );
        for (let recovery = 0; recovery < 12; recovery++) {
          after.failAfter(recovery);
          await JournalFile.open(options(after)).catch((error: unknown) => {
            expect(error).toBeInstanceOf(PowerFailure);
          });
        }
        after.failAfter(Number.POSITIVE_INFINITY);
        const { records } = await JournalFile.open(options(after));
        seen.add(records.length);
        expect(records.map(idOf).slice(-2)).toEqual([38, 39]);
        expect([2, 40]).toContain(records.length);
      }
    }
    expect(seen).toEqual(new Set([2, 40]));
  });
});

describe("a killed process, then a power failure", () => {
  test("at any two moments, with any names lost: the live records are there", async () => {
    for (let killAt = 0; killAt < 14; killAt++) {
      for (let failAt = 0; failAt < 10; failAt++) {
        for (let lost = 0; lost < 8; lost++) {
          const files = new VolatileFiles();
          const journal = await JournalFile.create(options(files));
          for (let i = 0; i < 12; i++) await journal.append([payload(i)]);
          files.failAfter(killAt);
          await journal.rotate([payload(10), payload(11)]).catch(() => {});
          const killed = files.afterKill();
          killed.failAfter(failAt);
          await JournalFile.open(options(killed)).catch((error: unknown) => {
            expect(error).toBeInstanceOf(PowerFailure);
          });
          const names = await killed.list();
          const after = killed.powerCycle(
            () => 0,
            (name) => ((lost >> (names.indexOf(name) + 1)) & 1) === 0,
          );
          const { records } = await JournalFile.open(options(after));
          expect(records.map(idOf).slice(-2), `${killAt} ${failAt} ${lost}`).toEqual([10, 11]);
        }
      }
    }
  });
});

describe("a failed sync", () => {
  test("is final: waiting and later orders are refused with the cause, nothing is retried", async () => {
    const files = new VolatileFiles();
    const journal = await JournalFile.create(options(files));
    await journal.append([payload(0)]);
    files.failSyncs();
    const waiting = [
      journal.append([payload(1)]),
      journal.append([payload(2)]),
      journal.rotate([]),
    ];
    for (const settled of await Promise.allSettled(waiting)) {
      expect(settled).toMatchObject({ status: "rejected", reason: { code: "JOURNAL_FAILED" } });
    }
    const steps = files.steps;
    await expect(journal.append([payload(3)])).rejects.toMatchObject({ code: "JOURNAL_FAILED" });
    expect(files.steps).toBe(steps);
    expect(journal.failure?.message).toContain("EIO");
    expect(present(journal.failure, "failure").cause).toBeInstanceOf(Error);
    await journal.close();
  });

  test("at a rotation leaves the old segments", async () => {
    const files = new VolatileFiles();
    const journal = await JournalFile.create(options(files));
    await journal.append([payload(0), payload(1)]);
    files.failSyncs();
    await expect(journal.rotate([payload(1)])).rejects.toMatchObject({ code: "JOURNAL_FAILED" });
    const { records } = await JournalFile.open(options(files.afterKill()));
    expect(records.map(idOf)).toEqual([0, 1]);
  });
});
