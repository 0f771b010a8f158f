import { describe, expect, test } from "vitest";
import { claimTable } from "../state/claim.ts";
import { queueDirectoryTable, queuePageTable } from "../state/due-queue.ts";
import { LedgerState } from "../state/ledger-state.ts";
import type { Table } from "../state/table.ts";
import { delivery, instructionLedger, receipt } from "../testing/instruction-ledger.ts";
import { DENOMINATION, PIB } from "../testing/test-ledger.ts";
import { checkWholeState } from "../whole-state.ts";
import { instructionCheck } from "./instruction-check.ts";
import { type Instruction, instructionTable, referenceTable } from "./instruction-record.ts";
import { matchKey, matchSlotTable } from "./matching.ts";
import { memberLoadTable } from "./member-load.ts";

/** One settled pair, one that waits with a reservation, one side that is unmatched. */
function busy() {
  const market = instructionLedger();
  const settled = market.pair();
  const waiting = market.pair(
    { reference: "D-2", hold: true, reserve: true },
    { reference: "R-2" },
  );
  const unmatched = market.enter({ ...delivery, reference: "D-3" });
  const pooled = market.enter({
    ...receipt,
    reference: "R-4",
    quantity: 7n * DENOMINATION,
    pool: { id: "POOL", total: 2 },
  });
  return { state: new Map(market.ledger.state), settled, waiting, unmatched, pooled };
}
type Busy = ReturnType<typeof busy>;

function alter<T>(state: Map<string, Uint8Array>, table: Table<T>, id: string, change: Partial<T>) {
  const value = table.read(state, id);
  if (value === undefined) throw new Error(`no record ${table.key(id)}`);
  state.set(...table.entry({ ...value, ...change }));
}

describe("the whole state of the instructions", () => {
  test("passes as it is", () => {
    expect(() => {
      checkWholeState(busy().state);
    }).not.toThrow();
  });

  const instruction =
    (pick: (all: Busy) => string, change: Partial<Instruction>) => (all: Busy) => {
      alter(all.state, instructionTable, pick(all), change);
    };
  const faults: readonly (readonly [string, (all: Busy) => void])[] = [
    [
      "settles no more",
      instruction((all) => all.waiting[0], { settledQuantity: DENOMINATION + 1n }),
    ],
    ["settled when all of it", instruction((all) => all.settled[0], { settledQuantity: 1n })],
    ["free of payment", instruction((all) => all.settled[0], { cash: undefined })],
    ["is matched", instruction((all) => all.waiting[0], { counterInstruction: undefined })],
    [
      "has no counterpart",
      instruction((all) => all.unmatched, { counterInstruction: "0".repeat(32) }),
    ],
    ["says why", instruction((all) => all.waiting[0], { reason: undefined })],
    [
      "name each other",
      instruction((all) => all.waiting[1], { counterInstruction: "0".repeat(32) }),
    ],
    ["the reference of", instruction((all) => all.waiting[0], { reference: "OTHER" })],
    ["waits for a match", instruction((all) => all.unmatched, { tradeDate: "2025-11-24" })],
    ["of the pool", instruction((all) => all.pooled, { pool: undefined })],
    ["nothing is reserved", instruction((all) => all.waiting[0], { reserves: false })],
    [
      "is queued",
      (all) => {
        all.state.delete("queue/pairs-pending");
        all.state.delete("queue-page/pairs-pending/0000000000");
      },
    ],
    [
      "nothing but live pairs",
      (all) => {
        const page = { queue: "pairs-future", page: 0, entries: [{ due: "X", id: all.unmatched }] };
        all.state.set(...queuePageTable.entry(page));
        const first = { due: "X", id: all.unmatched };
        const pages = [{ page: 0, first }];
        const directory = { queue: "pairs-future", size: 1, nextPage: 1, pages };
        all.state.set(...queueDirectoryTable.entry(directory));
      },
    ],
    [
      "each reference has an instruction",
      (all) => {
        const stray = { member: "HBL", reference: "STRAY", instruction: all.unmatched };
        all.state.set(...referenceTable.entry(stray));
      },
    ],
    [
      "only unmatched instructions",
      (all) => {
        const held = instructionTable.read(all.state, all.waiting[0]);
        if (held === undefined) throw new Error("no instruction");
        const key = matchKey(held);
        const slot = matchSlotTable.read(all.state, key);
        const deliveries = [...(slot?.deliveries ?? []), held.id];
        all.state.set(...matchSlotTable.entry({ key, deliveries, receipts: [] }));
      },
    ],
    [
      "the live instructions of HBL",
      (all) => {
        alter(all.state, memberLoadTable, "HBL", { live: 3 });
      },
    ],
    [
      "members with live instructions",
      (all) => {
        all.state.delete("instruction-load/HBL");
      },
    ],
  ];
  test.each(faults)("%s: found", (message, spoil) => {
    const all = busy();
    spoil(all);
    expect(() => {
      checkWholeState(all.state);
    }).toThrow(new RegExp(message));
  });
});

describe("the instructions of one block", () => {
  const fire = (spoil: (state: LedgerState, all: Busy) => void) => () => {
    const all = busy();
    const state = new LedgerState(all.state);
    spoil(state, all);
    instructionCheck.checkBlock?.(state, []);
  };
  const get = (state: LedgerState, id: string): Instruction => {
    const found = state.of(instructionTable).get(id);
    if (found === undefined) throw new Error(`no instruction ${id}`);
    return found;
  };

  test("that changed nothing pass", () => {
    expect(fire(() => undefined)).not.toThrow();
  });

  test("a final one that changes is found, one that is forgotten is not", () => {
    const reopen = fire((state, { settled }) => {
      state.of(instructionTable).put({ ...get(state, settled[0]), priority: 2 });
    });
    expect(reopen).toThrow(/I4: the final instruction/);
    const forgotten = fire((state, { settled }) => {
      state.of(instructionTable).remove(settled[0]);
    });
    expect(forgotten).not.toThrow();
  });

  test("a live one that vanishes or changes without a word is found", () => {
    const vanish = fire((state, { waiting }) => {
      state.of(instructionTable).remove(waiting[0]);
    });
    expect(vanish).toThrow(/I4: the live instruction/);
    const silent = fire((state, { waiting }) => {
      state.of(instructionTable).put({ ...get(state, waiting[0]), priority: 2 });
    });
    expect(silent).toThrow(/told by an event/);
  });

  test("a final one that keeps a reservation, and a settlement without confirmation are found", () => {
    const all = busy();
    const state = new LedgerState(all.state);
    const waiting = get(state, all.waiting[0]);
    const named = { instruction: waiting.id, member: "HBL", reference: "D-2" };
    const told = (reason: "CANS") =>
      [
        [
          {
            type: "instructionCancelled",
            body: { ...named, reason, cause: undefined, allegementRemoved: false },
          },
        ],
      ] as const;
    state.of(instructionTable).put({ ...waiting, state: "CANCELLED", reason: "CANS" });
    const id = `RESERVED/SGLA-HBL/${PIB}/${waiting.id}`;
    expect(state.of(claimTable).get(id)?.amount).toBe(DENOMINATION);
    expect(() => instructionCheck.checkBlock?.(state, told("CANS"))).toThrow(
      /I5: nothing is reserved/,
    );
    state.of(claimTable).remove(id);
    expect(() => instructionCheck.checkBlock?.(state, told("CANS"))).not.toThrow();
    const settledQuantity = DENOMINATION - 1n;
    state.of(instructionTable).put({ ...waiting, settledQuantity });
    expect(() => instructionCheck.checkBlock?.(state, told("CANS"))).toThrow(
      /sum of its confirmations/,
    );
  });
});
