import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toHex } from "../primitives/bytes.ts";
import {
  closingOf,
  currentEpochOf,
  currentValidators,
  officesOf,
  pendingChangesOf,
  validatorsOfEpoch,
} from "./closing.ts";
import { NO_TRANSACTION } from "./events.ts";
import { validatorSetHash } from "./state/validator-set.ts";
import {
  EPOCH_BLOCKS,
  keyOf,
  ValidatorLedger,
  validatorSigner,
} from "./testing/validator-ledger.ts";
import { faultBoundOf, quorumOf, setFault, totalWeight } from "./validator-rules.ts";

describe("an epoch", () => {
  test("closes with each multiple of its length, unchanged if nothing waits", () => {
    const ledger = new ValidatorLedger();
    const first = currentValidators(ledger.state);
    for (let height = 1; height < EPOCH_BLOCKS; height++) {
      expect(closingOf(ledger.state, height)).toBeUndefined();
      expect(ledger.block().closing).toBeUndefined();
    }
    expect(currentEpochOf(ledger.state)).toMatchObject({ epoch: 0, startHeight: 1 });
    const expected = closingOf(ledger.state, EPOCH_BLOCKS);
    const { closing, events } = ledger.block();
    expect(closing).toEqual(expected);
    expect(closing?.hash).toBe(validatorSetHash(first));
    expect(closing?.applied).toEqual([]);
    expect(events).toMatchObject([
      {
        height: EPOCH_BLOCKS,
        txIndex: 0,
        eventIndex: 0,
        txId: NO_TRANSACTION,
        event: { type: "epochBegun", body: { epoch: 1, startHeight: EPOCH_BLOCKS + 1 } },
      },
    ]);
    expect(currentEpochOf(ledger.state)).toMatchObject({ epoch: 1, startHeight: 11 });
    expect(currentValidators(ledger.state)).toEqual(first);
  });

  test("closes early when a change is ready that was to be applied so", () => {
    const ledger = new ValidatorLedger();
    ledger.change(ledger.admission("sbp-9", "SBP", { timing: "WHEN_READY" }));
    expect(closingOf(ledger.state, 2)).toBeUndefined();
    ledger.block();
    expect(ledger.ready("sbp-9", "SBP")).toBe("APPLIED");
    const closing = closingOf(ledger.state, 4);
    expect(closing?.nextSet.map(({ name }) => name)).toEqual([
      "sbp-1",
      "sbp-2",
      "fin-1",
      "hbl-1",
      "sbp-9",
    ]);
    ledger.block();
    expect(ledger.epoch).toBe(1);
    expect(ledger.names).toContain("sbp-9");
    expect(pendingChangesOf(ledger.state)).toEqual([]);
    expect(validatorsOfEpoch(ledger.state, 0)).toHaveLength(4);
    expect(validatorsOfEpoch(ledger.state, 1)).toHaveLength(5);
    expect(validatorsOfEpoch(ledger.state, 2)).toBeUndefined();
    // The early end does not move the others.
    ledger.emptyBlocks(5);
    expect(closingOf(ledger.state, 10)).toBeDefined();
  });

  test("carries over what is not ready", () => {
    const ledger = new ValidatorLedger();
    ledger.change(ledger.admission("sbp-9"));
    ledger.change(ledger.rotation("sbp-1", "SBP", 1));
    ledger.ready("sbp-1", "SBP", validatorSigner("sbp-1 consensus 1"));
    ledger.closeEpoch();
    expect(ledger.names).toEqual(["sbp-1", "sbp-2", "fin-1", "hbl-1"]);
    const [rotated] = currentValidators(ledger.state);
    expect(rotated).toMatchObject({ number: 5, publicKey: keyOf("sbp-1 consensus 1") });
    expect(pendingChangesOf(ledger.state)).toMatchObject([{ name: "sbp-9", number: 4 }]);
    ledger.block();
    expect(ledger.ready("sbp-9", "SBP")).toBe("APPLIED");
    ledger.closeEpoch();
    expect(ledger.names).toEqual(["sbp-1", "sbp-2", "fin-1", "hbl-1", "sbp-9"]);
  });

  test("changes no more than F of its weight; the rest waits for the next", () => {
    const ledger = new ValidatorLedger();
    for (const [name, member] of [
      ["sbp-1", "SBP"],
      ["fin-1", "FINDIV"],
    ] as const) {
      const change = ledger.rotation(name, member, 1, { networkKey: undefined });
      expect(ledger.outcome({ ...change, timing: "WHEN_READY" })).toBe("APPLIED");
    }
    ledger.ready("fin-1", "FINDIV", validatorSigner("fin-1 consensus 1"));
    const { epoch } = ledger;
    // In the block that closes the epoch, so for the next one.
    const claim = { ...ledger.claim(), epoch: epoch + 1 };
    expect(claim.height).toBe(0);
    ledger.block();
    expect(ledger.epoch).toBe(epoch + 1);
    ledger.block();
    expect(ledger.ready("sbp-1", "SBP", validatorSigner("sbp-1 consensus 1"))).toBe("APPLIED");
    ledger.block();
    expect(ledger.epoch).toBe(epoch + 2);
    const both = new ValidatorLedger();
    for (const name of ["sbp-1", "sbp-2"]) {
      both.change(both.rotation(name, "SBP", 1, { networkKey: undefined }));
      both.ready(name, "SBP", validatorSigner(`${name} consensus 1`));
    }
    both.closeEpoch();
    expect(pendingChangesOf(both.state)).toMatchObject([{ name: "sbp-2", ready: true }]);
    both.closeEpoch();
    expect(pendingChangesOf(both.state)).toEqual([]);
  });

  test("takes a removal only where enough remain with what joins", () => {
    const ledger = new ValidatorLedger([
      ...["a", "b", "c", "d"].map((name) => ({ name, member: "SBP" })),
      { name: "e", member: "FINDIV" },
    ]);
    ledger.change(ledger.removal("a"));
    ledger.change(ledger.removal("b"));
    ledger.closeEpoch();
    expect(ledger.names).toEqual(["b", "c", "d", "e"]);
    // The second never fits while there are four: it waits, and may be taken back.
    ledger.closeEpoch();
    expect(ledger.names).toEqual(["b", "c", "d", "e"]);
    expect(ledger.outcome(ledger.withdrawal("b"))).toBe("APPLIED");
  });

  test("a change that may not be applied does not close epochs for ever", () => {
    const ledger = new ValidatorLedger([
      ...["a", "b", "c", "d"].map((name) => ({ name, member: "SBP" })),
      { name: "e", member: "FINDIV" },
    ]);
    ledger.change(ledger.removal("a", "SBP", { timing: "EPOCH_END" }));
    ledger.change(ledger.removal("b", "SBP", { timing: "WHEN_READY" }));
    // The first goes with the early end too, and takes the place of the second.
    expect(closingOf(ledger.state, 3)).toBeUndefined();
    ledger.emptyBlocks(2);
    expect(ledger.epoch).toBe(0);
  });

  test("that closes speaks of the next one to the transactions of its last block", () => {
    const ledger = new ValidatorLedger();
    ledger.change(ledger.admission("sbp-9"));
    ledger.ready("sbp-9", "SBP");
    while (ledger.height < EPOCH_BLOCKS - 1) ledger.block();
    // Too late: the change has taken effect before the block's first transaction.
    expect(ledger.outcome(ledger.withdrawal("sbp-9"))).toBe("CHANGE_UNKNOWN");
    expect(ledger.names).toContain("sbp-9");
    expect(ledger.outcome(ledger.removal("sbp-9"))).toBe("APPLIED");
  });
});

describe("any sequence of changes", () => {
  const NAMES = ["sbp-1", "sbp-2", "fin-1", "hbl-1", "n1", "n2", "n3", "n4"];
  const MEMBERS = ["SBP", "FINDIV", "HBL"];
  const act = fc.oneof(
    fc.record({
      do: fc.constantFrom(
        "ADMIT" as const,
        "REMOVE" as const,
        "ROTATE" as const,
        "WITHDRAW" as const,
      ),
      name: fc.constantFrom(...NAMES),
      member: fc.constantFrom(...MEMBERS),
      weight: fc.integer({ min: 1, max: 4 }),
      timing: fc.constantFrom("EPOCH_END" as const, "WHEN_READY" as const),
    }),
    fc.record({ do: fc.constant("READY" as const), name: fc.constantFrom(...NAMES) }),
    fc.record({ do: fc.constant("BLOCKS" as const), count: fc.integer({ min: 1, max: 6 }) }),
  );

  test("keeps what a validator set must be, epoch by epoch", () => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 25 }), (acts) => {
        const ledger = new ValidatorLedger(undefined, 5);
        let generation = 0;
        const watch = new EpochWatch(ledger);
        for (const step of acts) {
          if (step.do === "BLOCKS") {
            for (let i = 0; i < step.count; i++) watch.after(() => ledger.block());
          } else if (step.do === "READY") {
            watch.after(() => readyOf(ledger, step.name));
          } else {
            generation += 1;
            const { name, weight, timing } = step;
            const known = currentValidators(ledger.state).find((held) => held.name === name);
            const member = known?.member ?? step.member;
            const keys = {
              consensusKey: keyOf(`${name} consensus ${generation}`),
              networkKey: keyOf(`${name} network ${generation}`),
            };
            const payload = {
              ADMIT: ledger.admission(name, member, { ...keys, weight, timing }),
              REMOVE: ledger.removal(name, member, { timing }),
              ROTATE: ledger.rotation(name, member, generation, { ...keys, timing }),
              WITHDRAW: ledger.withdrawal(name, member),
            }[step.do];
            if (payload.consensusKey !== undefined) {
              GENERATIONS.set(toHex(payload.consensusKey), `${name} consensus ${generation}`);
            }
            watch.after(() => ledger.change(payload));
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});

const GENERATIONS = new Map<string, string>();

function readyOf(ledger: ValidatorLedger, name: string): void {
  const change = pendingChangesOf(ledger.state).find((waiting) => waiting.name === name);
  const key = change?.consensusKey;
  if (change === undefined || key === undefined) {
    ledger.block();
    return;
  }
  const signer = validatorSigner(GENERATIONS.get(toHex(key)) ?? "");
  ledger.ready(name, change.member, signer);
}

/** Compares the state before and after each block with the rules, in the rules' own words. */
class EpochWatch {
  readonly #ledger: ValidatorLedger;

  constructor(ledger: ValidatorLedger) {
    this.#ledger = ledger;
  }

  after(block: () => void): void {
    const ledger = this.#ledger;
    const before = currentValidators(ledger.state);
    const epoch = currentEpochOf(ledger.state);
    const expected = closingOf(ledger.state, ledger.height + 1);
    block();
    const after = currentValidators(ledger.state);
    const now = currentEpochOf(ledger.state);
    if (expected === undefined) {
      expect(now.epoch).toBe(epoch.epoch);
      expect(after).toEqual(before);
      expect(ledger.height % 5).not.toBe(0);
      return;
    }
    expect(now).toMatchObject({ epoch: epoch.epoch + 1, startHeight: ledger.height + 1 });
    expect(now.setHash).toBe(validatorSetHash(after));
    expect(after.length).toBeGreaterThanOrEqual(4);
    const total = totalWeight(after);
    for (const { weight } of after) expect(3 * weight).toBeLessThan(total);
    const others = totalWeight(after.filter(({ member }) => member === "HBL"));
    expect(others).toBeLessThanOrEqual(Math.floor((total - 1) / 3));
    const keys = (set: typeof after) =>
      new Map(set.map((held) => [toHex(held.publicKey) + toHex(held.networkKey), held.weight]));
    const bound = faultBoundOf(totalWeight(before));
    const moved = (from: typeof after, to: typeof after) => {
      const there = keys(to);
      return [...keys(from)].reduce((sum, [key, weight]) => sum + (there.has(key) ? 0 : weight), 0);
    };
    expect(moved(before, after)).toBeLessThanOrEqual(bound);
    expect(moved(after, before)).toBeLessThanOrEqual(bound);
    const numbers = after.map(({ number }) => number);
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(setFault(after, officesOf(ledger.state))).toBeUndefined();
    // The weights that a quorum and a fault bound are made of agree with one another.
    expect(2 * quorumOf(total)).toBeGreaterThan(total + faultBoundOf(total));
  }
}
