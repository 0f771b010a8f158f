import { expect, test } from "vitest";
import { Prng } from "../../primitives/prng.ts";
import { DiskModel } from "./disk-model.ts";
import { EffectGate } from "./effect-gate.ts";
import { EventLog } from "./event-log.ts";
import { Keyring } from "./keyring.ts";
import { type LinkQuality, NetworkModel } from "./network-model.ts";
import { batchDigest, execute, GENESIS_STATE } from "./toy-application.ts";
import { VirtualClock } from "./virtual-clock.ts";

function runAll(clock: VirtualClock): void {
  while (clock.runNext(Number.POSITIVE_INFINITY));
}

test("the clock orders by time, then by the order of scheduling", () => {
  const clock = new VirtualClock();
  const prng = new Prng(7);
  const ran: [number, number][] = [];
  for (let i = 0; i < 500; i++) {
    const at = prng.below(40);
    clock.after(at, () => {
      expect(clock.nowMs).toBe(at);
      ran.push([at, i]);
    });
  }
  runAll(clock);
  const sorted = [...ran].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  expect(ran).toHaveLength(500);
  expect(ran).toEqual(sorted);
});

test("the clock stops at the time it is given", () => {
  const clock = new VirtualClock();
  clock.after(10, () => {});
  expect(clock.runNext(9)).toBe(false);
  expect(clock.runNext(10)).toBe(true);
  expect(clock.runNext(10)).toBe(false);
});

const QUALITY: LinkQuality = {
  minDelayMs: 1,
  maxDelayMs: 50,
  stallChance: 0,
  dropChance: 0,
  duplicateChance: 0,
};

function network(quality: LinkQuality) {
  const clock = new VirtualClock();
  const delivered: string[] = [];
  const model = new NetworkModel<number>({
    clock,
    prng: new Prng(1),
    size: 3,
    quality,
    deliver: (from, to, message) => delivered.push(`${from}>${to}:${message}`),
  });
  return { clock, model, delivered };
}

test("a perfect network delivers each message once, in any order", () => {
  const { clock, model, delivered } = network(QUALITY);
  for (let i = 0; i < 100; i++) model.send(0, 1, i);
  runAll(clock);
  const sent = Array.from({ length: 100 }, (_, i) => `0>1:${i}`);
  expect([...delivered].sort()).toEqual([...sent].sort());
  expect(delivered).not.toEqual(sent);
});

test("a lossy network drops and duplicates", () => {
  const { clock, model, delivered } = network({
    ...QUALITY,
    dropChance: 0.3,
    duplicateChance: 0.3,
  });
  for (let i = 0; i < 1_000; i++) model.send(0, 1, i);
  runAll(clock);
  const distinct = new Set(delivered);
  expect(distinct.size).toBeLessThan(950);
  expect(distinct.size).toBeGreaterThan(600);
  expect(delivered.length).toBeGreaterThan(distinct.size);
});

test("a one-way cut loses that direction only, and what is under way", () => {
  const { clock, model, delivered } = network(QUALITY);
  model.send(0, 1, 1);
  model.cut(0, 1);
  model.send(0, 1, 2);
  model.send(1, 0, 3);
  runAll(clock);
  expect(delivered).toEqual(["1>0:3"]);
  model.mend(0, 1);
  model.send(0, 1, 4);
  runAll(clock);
  expect(delivered).toEqual(["1>0:3", "0>1:4"]);
});

function disk(seed = 1) {
  const clock = new VirtualClock();
  const model = new DiskModel(clock, new Prng(seed), { minSyncMs: 2, maxSyncMs: 2 });
  return { clock, model, file: model.open<number>() };
}

test("a sync covers what was written before it started, not what came after", () => {
  const { clock, model, file } = disk();
  file.append(1);
  let durableAtDone = -1;
  model.sync(() => {
    durableAtDone = file.durableLength;
  });
  file.append(2);
  runAll(clock);
  expect(durableAtDone).toBe(1);
});

test("a crash loses some of the un-synced tail, never what is durable", () => {
  const lengths = new Set<number>();
  for (let seed = 0; seed < 64; seed++) {
    const { clock, model, file } = disk(seed);
    file.append(1);
    model.sync(() => {});
    runAll(clock);
    for (const entry of [2, 3, 4]) file.append(entry);
    let done = false;
    model.sync(() => {
      done = true;
    });
    model.crash();
    runAll(clock);
    expect(done).toBe(false);
    expect(file.entries).toEqual([1, 2, 3, 4].slice(0, file.length));
    lengths.add(file.length);
  }
  expect([...lengths].sort((a, b) => a - b)).toEqual([1, 2, 3, 4]);
});

test("a new segment replaces old entries while a sync is under way", () => {
  const { clock, model, file } = disk();
  file.append(1);
  model.sync(() => file.dropFirst(1));
  file.append(2);
  model.sync(() => {});
  runAll(clock);
  expect(file.entries).toEqual([2]);
  expect(file.durableLength).toBe(1);
  expect(file.dropped).toBe(1);
});

test("the gate releases effects in order, each after the persists before it", () => {
  const gate = new EffectGate();
  const seen: string[] = [];
  gate.release(() => seen.push("a"));
  const first = gate.persistIssued();
  gate.release(() => seen.push("b"));
  const second = gate.persistIssued();
  gate.release(() => seen.push("c"));
  expect(seen).toEqual(["a"]);
  gate.persistDurable(first);
  expect(seen).toEqual(["a", "b"]);
  gate.release(() => seen.push("d"));
  gate.persistDurable(second);
  expect(seen).toEqual(["a", "b", "c", "d"]);
});

test("only the holder of a key makes its signature, and for one statement", () => {
  const keyring = new Keyring([11, 22]);
  const statement = new Uint8Array(133).fill(3);
  const signature = keyring.signer(0)(statement);
  expect(keyring.verify(0, statement, signature)).toBe(true);
  expect(keyring.verifyKey(keyring.publicKey(0), statement, signature)).toBe(true);
  expect(keyring.verify(1, statement, signature)).toBe(false);
  expect(keyring.verify(7, statement, signature)).toBe(false);
  for (let i = 0; i < statement.length; i++) {
    const changed = statement.slice();
    changed[i] = 4;
    expect(keyring.verify(0, changed, signature)).toBe(false);
  }
});

test("the toy application executes a transaction once, whatever batches it is in", () => {
  const one = { author: 0, sequence: 0, transactions: ["a", "b"] };
  const two = { author: 1, sequence: 0, transactions: ["b", "c"] };
  const together = execute(GENESIS_STATE, [one, two], () => false);
  expect(together.applied).toEqual(["a", "b", "c"]);
  const first = execute(GENESIS_STATE, [one], () => false);
  const then = execute(first, [two], () => false);
  expect(then.applied).toEqual(["c"]);
  expect(then.stateRoot).not.toBe(together.stateRoot);
  expect(execute(first, [two], (transaction) => transaction === "c").applied).toEqual([]);
  expect(execute(first, [], () => false).stateRoot).toBe(first.stateRoot);
  expect(batchDigest(one)).not.toBe(batchDigest(two));
});

test("the event log's fingerprint depends on every event and their order", () => {
  const record = (events: readonly string[]): string => {
    const log = new EventLog();
    for (const event of events) log.record(5, 1, "kind", event);
    return log.fingerprint;
  };
  expect(record(["a", "b"])).toBe(record(["a", "b"]));
  expect(record(["a", "b"])).not.toBe(record(["b", "a"]));
  expect(record(["a", "b"])).not.toBe(record(["ab"]));
});
