import { describe, expect, test } from "vitest";
import { MAX_QUEUE_ENTRIES, queueDirectoryTable } from "../state/due-queue.ts";
import { LedgerState } from "../state/ledger-state.ts";
import {
  delivery,
  free,
  type Instruct,
  type InstructionLedger,
  instructionLedger,
  paid,
  receipt,
  TODAY,
  TOMORROW,
} from "../testing/instruction-ledger.ts";
import { DENOMINATION } from "../testing/test-ledger.ts";
import { sweepCursorTable } from "./gross-pass.ts";
import { MAX_SAME_TERMS, SWEEP_PAIRS_PER_BLOCK } from "./instruction-limits.ts";
import { MAX_LIVE_PER_MEMBER, memberLoadTable } from "./member-load.ts";
import { futurePairs, pendingPairs, recycleQueue } from "./settlement-pair.ts";

/** A queue as full as it may be, behind the ledger's back. */
function fill(market: InstructionLedger, queue: string): void {
  market.ledger.checksWholeState = false;
  const known = queueDirectoryTable.read(market.ledger.state, queue);
  const directory = known ?? { queue, size: 0, nextPage: 0, pages: [] };
  market.ledger.write(queueDirectoryTable.entry({ ...directory, size: MAX_QUEUE_ENTRIES }));
}

/** Trades that lack securities, all unlike each other, in blocks. */
function shortTrades(market: InstructionLedger, count: number, change: Partial<Instruct>): void {
  const perBlock = 200;
  for (let start = 0; start < count; start += perBlock) {
    const numbers = Array.from({ length: Math.min(perBlock, count - start) }, (_, i) => start + i);
    market.block(
      ...numbers.flatMap((n) => [
        { ...delivery, ...change, quantity: BigInt(n + 20) * DENOMINATION, reference: `D-S${n}` },
        { ...receipt, ...change, quantity: BigInt(n + 20) * DENOMINATION, reference: `R-S${n}` },
      ]),
    );
  }
}

describe("fairness", () => {
  test("every pair has its turn, however many stand before it", { timeout: 60_000 }, () => {
    const market = instructionLedger();
    market.ledger.checksWholeState = false;
    const count = 2 * SWEEP_PAIRS_PER_BLOCK + 10;
    shortTrades(market, count, { priority: 2 });
    market.openCash("CASH-UBL-2", "UBL");
    const poor = { ...receipt, reference: "R-LAST", ...paid(9_500_000n, "CASH-UBL-2") };
    const [last] = market.pair({ reference: "D-LAST" }, poor);
    expect(market.status(last)).toBe("PENDING CMON");
    expect(pendingPairs.size(new LedgerState(market.ledger.state))).toBe(count + 1);
    // The money comes by a way that touches no instruction.
    market.mint("CASH-UBL-2", 9_500_000n);
    const turns = Math.ceil((count + 1) / SWEEP_PAIRS_PER_BLOCK);
    for (let i = 0; i < turns && market.of(last).state !== "SETTLED"; i++) market.minutes(1);
    expect(market.status(last)).toBe("SETTLED");
    // One block never tries more than its portion: nothing of it is told, since nothing changed.
    const before = market.events.length;
    const cursors = Array.from({ length: turns }, () => {
      market.minutes(1);
      return sweepCursorTable.read(market.ledger.state, "")?.last;
    });
    expect(market.events).toHaveLength(before);
    // It goes on where it stopped, and begins again at the front.
    expect(new Set(cursors.map((cursor) => cursor?.id)).size).toBe(turns);
    expect(cursors).toContain(undefined);
  });
});

describe("bounds", () => {
  test.each([
    ["unmatched", recycleQueue.name, {}],
    ["waiting to be alleged", "instructions-allege", {}],
    ["come while matching is closed", "instructions-backlog", {}],
  ])("a full queue of what is %s: LIMIT_REACHED", (_, queue) => {
    const market = instructionLedger();
    market.at(TODAY, "17:30");
    fill(market, queue);
    const refused = market.instruct({ ...delivery, settlementDate: TOMORROW });
    expect(refused.outcome.code).toBe("LIMIT_REACHED");
  });

  test("a full queue of pairs: the second side is refused, the first goes on waiting", () => {
    for (const [queue, settlementDate] of [
      [pendingPairs.name, TODAY],
      [futurePairs.name, TOMORROW],
    ] as const) {
      const market = instructionLedger();
      const first = market.enter({ ...delivery, settlementDate });
      fill(market, queue);
      const refused = market.instruct({ ...receipt, settlementDate });
      expect(refused.outcome.code).toBe("LIMIT_REACHED");
      expect(market.status(first)).toBe("UNMATCHED CMIS");
    }
  });

  test("a full queue of requests to cancel refuses one more", () => {
    const market = instructionLedger();
    const [first] = market.pair({ hold: true });
    fill(market, "cancel-requests");
    expect(market.cancel(first, "HBL")).toBe("LIMIT_REACHED");
  });

  test("so many instructions with the same terms, and no more", { timeout: 30_000 }, () => {
    const market = instructionLedger();
    market.ledger.checksWholeState = false;
    const same = Array.from({ length: MAX_SAME_TERMS }, (_, i) => ({
      ...delivery,
      ...free,
      reference: `D-${i}`,
    }));
    const result = market.block(...same);
    expect(result.receipts.every(({ outcome }) => outcome.code === "APPLIED")).toBe(true);
    expect(market.instruct({ ...delivery, ...free, reference: "MORE" }).outcome.code).toBe(
      "LIMIT_REACHED",
    );
    // Another trade is not touched by it.
    expect(market.instruct({ ...delivery, reference: "OTHER" }).outcome.code).toBe("APPLIED");
  });

  test("one member's live instructions are bounded, and leave room to the others", () => {
    const market = instructionLedger();
    market.enter(delivery);
    const load = memberLoadTable.read(market.ledger.state, "HBL");
    expect(load?.live).toBe(1);
    market.ledger.checksWholeState = false;
    market.ledger.write(memberLoadTable.entry({ member: "HBL", live: MAX_LIVE_PER_MEMBER }));
    const refused = market.instruct({ ...delivery, reference: "D-2" });
    expect(refused.outcome.code).toBe("LIMIT_REACHED");
    const second = market.enter(receipt);
    expect(market.status(second)).toBe("SETTLED");
    expect(memberLoadTable.read(market.ledger.state, "HBL")?.live).toBe(MAX_LIVE_PER_MEMBER - 1);
    expect(memberLoadTable.read(market.ledger.state, "UBL")).toBeUndefined();
  });
});
