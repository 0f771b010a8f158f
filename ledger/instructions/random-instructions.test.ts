import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { SignedTransaction } from "../envelope.ts";
import type { LedgerEvent } from "../events.ts";
import {
  delivery,
  type Instruct,
  type InstructionLedger,
  instructionLedger,
  TODAY,
  TOMORROW,
} from "../testing/instruction-ledger.ts";
import { DENOMINATION } from "../testing/test-ledger.ts";
import { CBDC } from "../types.ts";
import { type Instruction, instructionTable } from "./instruction-record.ts";
import { modifyActions } from "./modify-actions.ts";

/**
 * Random programmes of instructions, changes, cancellations and passing time. Each block asserts its
 * invariants and the test ledger checks the whole state; here, that events alone tell the status of
 * every instruction, and that replay gives the same roots.
 */
/** True once in so many draws. */
function oneIn(count: number): fc.Arbitrary<boolean> {
  return fc.nat(count - 1).map((n) => n === 0);
}

const side = fc.record({
  hold: oneIn(6),
  reserve: oneIn(3),
  parts: fc.boolean(),
  priority: fc.integer({ min: 1, max: 4 }),
  pooled: oneIn(8),
  isAfter: oneIn(10),
  after: fc.nat(10),
  conditional: oneIn(12),
  /** Seldom the two sides disagree. */
  price: fc.constantFrom(0n, 0n, 0n, 900n, 1_000n),
});
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("trade" as const),
      units: fc.integer({ min: 1, max: 6 }),
      price: fc.constantFrom(9_500_000n, 300_000_000n),
      isFree: oneIn(3),
      swapped: fc.boolean(),
      forward: oneIn(4),
      cycle: oneIn(8),
      delivery: fc.option(side, { freq: 8 }),
      receipt: fc.option(side, { freq: 8 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("modify" as const),
      target: fc.nat(30),
      action: fc.constantFrom(...modifyActions),
      requester: fc.constantFrom("HBL", "UBL", "SBP", "FINDIV"),
      units: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("cancel" as const),
      target: fc.nat(30),
      requester: fc.constantFrom("HBL", "UBL", "SBP"),
    }),
  },
);
type Side = typeof side extends fc.Arbitrary<infer T> ? T : never;
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const wait = fc.constantFrom(1_000, 1_000, 60_000, 600_000, 3_600_000, 86_400_000);
const programme = fc.array(fc.record({ steps: fc.array(step, { maxLength: 6 }), wait }), {
  maxLength: 8,
});
type Trade = Extract<Step, { kind: "trade" }>;
type Programme = typeof programme extends fc.Arbitrary<infer T> ? T : never;

class Market {
  readonly market: InstructionLedger = instructionLedger();
  readonly ids: string[] = [];
  #count = 0;

  build(drawn: Step): readonly SignedTransaction[] {
    const { ledger } = this.market;
    switch (drawn.kind) {
      case "trade":
        return (["DELI", "RECE"] as const).flatMap((movement) => {
          const own = movement === "DELI" ? drawn.delivery : drawn.receipt;
          if (own === null) return [];
          const transaction = this.market.transaction(this.#instruction(drawn, movement, own));
          this.ids.push(transaction.txId.slice(0, 32));
          return [transaction];
        });
      case "modify": {
        const { action, requester, units } = drawn;
        const hasQuantity = action === "PARTIAL" || action === "PARTIAL_RELEASE";
        const payload = {
          instruction: this.#target(drawn.target),
          requester,
          action,
          quantity: hasQuantity ? BigInt(units) * DENOMINATION : undefined,
          priority: action === "PRIORITY" ? units : undefined,
        };
        return [ledger.transaction("modify-instruction", payload, { signers: [requester] })];
      }
      case "cancel": {
        const { requester } = drawn;
        const isCsd = requester === "SBP";
        const payload = {
          instruction: this.#target(drawn.target),
          requester,
          authority: isCsd ? ("CSD" as const) : ("PARTY" as const),
          cause: isCsd ? "RANDOM" : undefined,
          reason: isCsd ? ("CANS" as const) : undefined,
        };
        return [ledger.transaction("cancel-instruction", payload, { signers: [requester] })];
      }
    }
  }

  #target(index: number): string {
    return this.ids[index % Math.max(this.ids.length, 1)] ?? "00".repeat(16);
  }

  #instruction(drawn: Trade, movement: "DELI" | "RECE", own: Side): Instruct {
    this.#count += 1;
    // Deliveries from HBL to UBL, or the other way round.
    const bank = (movement === "DELI") === drawn.swapped ? "UBL" : "HBL";
    const cash = { asset: CBDC, amount: drawn.price + own.price, account: `CASH-${bank}` };
    return {
      ...delivery,
      movement,
      reference: `I-${this.#count}`,
      account: `SGLA-${bank}`,
      counterparty: bank === "HBL" ? "UBL" : "HBL",
      quantity: BigInt(drawn.units) * DENOMINATION,
      payment: drawn.isFree ? "FREE" : "APMT",
      cash: drawn.isFree ? undefined : cash,
      model: drawn.cycle ? "DVP_3" : "DVP_1",
      settlementDate: drawn.forward ? TOMORROW : TODAY,
      late: true,
      hold: own.hold,
      reserve: own.reserve && !(drawn.isFree && movement === "RECE"),
      minimumLot: own.parts ? DENOMINATION : undefined,
      priority: own.priority === 1 ? 4 : own.priority,
      pool: own.pooled && !own.parts ? { id: "POOL", total: 2 } : undefined,
      after: own.isAfter ? `I-${own.after}` : undefined,
      conditionOwner: own.conditional ? "FINDIV" : undefined,
    };
  }
}

function play(blocks: Programme) {
  const run = new Market();
  const roots: string[] = [];
  const events: LedgerEvent[] = [];
  for (const { steps, wait: advanceMs } of blocks) {
    const { ledger } = run.market;
    const transactions = steps.flatMap((drawn) =>
      run.build(drawn).map((transaction) => ledger.checked(transaction)),
    );
    const result = ledger.blockOf(transactions, advanceMs);
    roots.push(result.stateRoot, result.receiptsRoot);
    events.push(...result.events.map(({ event }) => event));
  }
  return { market: run.market, ids: run.ids, roots, events };
}

/** What an event makes of the status of its instruction; the status itself where it changes none. */
function statusAfter(status: string, event: LedgerEvent): string {
  if (event.type === "instructionAccepted") {
    expect(status).toBe("");
    return `UNMATCHED ${event.body.reason}`;
  }
  if (event.type === "instructionUnmatched") {
    expect(status.startsWith("UNMATCHED")).toBe(true);
    return `UNMATCHED ${event.body.reason}`;
  }
  if (event.type === "instructionMatched") {
    expect(status.startsWith("UNMATCHED")).toBe(true);
    return `PENDING ${event.body.reason}`;
  }
  if (event.type === "instructionWaits") return `${event.body.state} ${event.body.reason}`;
  if (event.type === "instructionPartlySettled") {
    return `${status.split(" ")[0] ?? ""} ${event.body.reason}`;
  }
  if (event.type === "instructionSettled") return "SETTLED";
  if (event.type === "instructionCancelled") return `CANCELLED ${event.body.reason}`;
  return status;
}

/** Events that tell of a new status: none of them may tell the old one again. */
const STATUS_EVENTS = ["instructionUnmatched", "instructionMatched", "instructionWaits"];

/** State and reason of an instruction, out of its events alone; "" before there are any. */
function statusByEvents(events: readonly LedgerEvent[], id: string): string {
  let status = "";
  for (const event of events) {
    if (!("instruction" in event.body) || event.body.instruction !== id) continue;
    // No transition leaves a final state.
    expect(status.startsWith("CANCELLED") || status === "SETTLED").toBe(false);
    const next = statusAfter(status, event);
    if (STATUS_EVENTS.includes(event.type)) expect(next).not.toBe(status);
    status = next;
  }
  return status;
}

function statusOf({ state, reason }: Instruction): string {
  return reason === undefined ? state : `${state} ${reason}`;
}

describe("random instructions", () => {
  test("keep every invariant, and their events tell the status of each", () => {
    const seen = new Map<string, number>();
    fc.assert(
      fc.property(programme, (blocks) => {
        const { market, ids, events } = play(blocks);
        for (const id of ids) {
          const instruction = instructionTable.read(market.ledger.state, id);
          const told = statusByEvents(events, id);
          expect(told).toBe(instruction === undefined ? "" : statusOf(instruction));
          if (told !== "") seen.set(told, (seen.get(told) ?? 0) + 1);
        }
      }),
      { numRuns: 60 },
    );
    // The programmes reach many ends, not one.
    expect([...seen.keys()].length).toBeGreaterThan(10);
    expect(seen.get("SETTLED") ?? 0).toBeGreaterThan(5);
  });

  test("replay gives the same roots", () => {
    fc.assert(
      fc.property(programme, (blocks) => {
        expect(play(blocks).roots).toEqual(play(blocks).roots);
      }),
      { numRuns: 10 },
    );
  });
});
