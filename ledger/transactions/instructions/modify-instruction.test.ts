import { describe, expect, test } from "vitest";
import { DueQueue, MAX_QUEUE_ENTRIES, queueDirectoryTable } from "../../state/due-queue.ts";
import {
  delivery,
  type InstructionLedger,
  instructionLedger,
  paid,
  receipt,
} from "../../testing/instruction-ledger.ts";
import { DENOMINATION } from "../../testing/test-ledger.ts";
import type { Payloads } from "../kinds.ts";
import { cancelInstruction } from "./cancel-instruction.ts";
import { modifyInstruction } from "./modify-instruction.ts";

type Modify = Payloads["modify-instruction"];
type Cancel = Payloads["cancel-instruction"];
const NOWHERE = "00".repeat(16);

/** A pair that HBL holds, and that may settle in parts. */
function heldPair(): readonly [InstructionLedger, string, string] {
  const market = instructionLedger();
  const terms = { quantity: 4n * DENOMINATION, minimumLot: DENOMINATION };
  const [first, second] = market.pair({ ...terms, hold: true }, terms);
  return [market, first, second];
}

/** Everyone signs: what is left to refuse is the execution's. */
const signers = ["SBP", "FINDIV", "HBL", "UBL"];

describe("modify-instruction fails", () => {
  const base = { requester: "HBL", quantity: undefined, priority: undefined } as const;
  const cases: readonly (readonly [string, Partial<Modify> & Pick<Modify, "action">, string])[] = [
    ["AMOUNT_ZERO", { action: "PARTIAL", quantity: 0n }, "quantity"],
    ["TERMS_INVALID", { action: "PARTIAL_RELEASE" }, "quantity"],
    ["TERMS_INVALID", { action: "HOLD", quantity: 1n }, "quantity"],
    ["TERMS_INVALID", { action: "PRIORITY" }, "priority"],
    ["TERMS_INVALID", { action: "PRIORITY", priority: 0 }, "priority"],
    ["TERMS_INVALID", { action: "RELEASE", priority: 2 }, "priority"],
    ["MEMBER_UNKNOWN", { action: "RELEASE", requester: "NOBODY" }, "requester"],
    ["INSTRUCTION_UNKNOWN", { action: "RELEASE", instruction: NOWHERE }, "instruction"],
    ["NOT_INSTRUCTION_PARTY", { action: "RELEASE", requester: "UBL" }, "requester"],
    ["NOT_INSTRUCTION_PARTY", { action: "CONDITION_RELEASE" }, "requester"],
    ["NOT_INSTRUCTION_PARTY", { action: "CSD_HOLD" }, "requester"],
    ["PRIORITY_RESERVED", { action: "PRIORITY", priority: 1 }, "priority"],
    ["MODIFICATION_INVALID", { action: "PRIORITY", priority: 4 }, "action"],
    ["MODIFICATION_INVALID", { action: "PARTIAL", quantity: 5n * DENOMINATION }, "action"],
    ["MODIFICATION_INVALID", { action: "UNLINK" }, "action"],
    ["DENOMINATION", { action: "PARTIAL_RELEASE", quantity: DENOMINATION + 1n }, "quantity"],
  ];
  test.each(cases)("%s for %o", (code, change, field) => {
    const [market, instruction] = heldPair();
    const payload: Modify = { instruction, ...base, ...change };
    const refused = market.ledger.send("modify-instruction", payload, { signers });
    expect([refused.outcome.code, refused.field]).toEqual([code, field]);
  });

  test("with every code that the kind lists, here and where holds and reservations are tested", () => {
    const reached = new Set<string>([
      ...cases.map(([code]) => code),
      "INSTRUCTION_FINAL",
      "INSUFFICIENT_SECURITIES",
      "INSUFFICIENT_CASH",
      "LIMIT_REACHED",
    ]);
    expect(modifyInstruction.failures.filter((code) => !reached.has(code))).toEqual([]);
  });

  test("LIMIT_REACHED where an unlinked instruction matches into a full queue", () => {
    const market = instructionLedger();
    const pool = (id: string) => ({ pool: { id, total: 2 } });
    const first = market.enter({ ...delivery, ...pool("A") });
    market.enter({ ...receipt, ...pool("B") });
    market.ledger.checksWholeState = false;
    const full = { queue: new DueQueue("pairs-pending").name, size: MAX_QUEUE_ENTRIES };
    market.ledger.write(queueDirectoryTable.entry({ ...full, nextPage: 0, pages: [] }));
    expect(market.modify(first, "HBL", "UNLINK")).toBe("LIMIT_REACHED");
    expect(market.status(first)).toBe("UNMATCHED OTHR");
    expect(market.of(first).pool?.id).toBe("A");
  });
});

describe("a new priority", () => {
  test("changes the place of a pair that waits, and is told", () => {
    const market = instructionLedger();
    const price = 400_000_000n;
    const trade = (n: number) =>
      market.pair(
        { ...paid(price, "CASH-HBL"), reference: `D-${n}`, commonId: `T-${n}`, hold: true },
        { ...paid(price, "CASH-UBL"), reference: `R-${n}`, commonId: `T-${n}` },
      );
    const [early] = trade(1);
    const [late, other] = trade(2);
    // Either side may make the pair more urgent.
    expect(market.modify(other, "UBL", "PRIORITY", { priority: 2 })).toBe("APPLIED");
    expect(market.told("instructionModified")).toMatchObject([{ action: "PRIORITY", by: "UBL" }]);
    const none = { requester: "HBL", quantity: undefined, priority: undefined };
    const releases = [early, late].map((instruction) =>
      market.ledger.transaction(
        "modify-instruction",
        { ...none, instruction, action: "RELEASE" },
        { signers: ["HBL"] },
      ),
    );
    market.kept(market.ledger.block(...releases));
    expect([market.status(early), market.status(late)]).toEqual(["PENDING CMON", "SETTLED"]);
  });

  test("the first is the central bank's, of its own instructions too", () => {
    const market = instructionLedger();
    const own = {
      ...delivery,
      account: "ISS",
      priority: 1,
      counterparty: "UBL",
      ...paid(1n, "CASH-GOV"),
    };
    const id = market.enter(own);
    expect(market.of(id).priority).toBe(1);
    expect(market.modify(id, "SBP", "PRIORITY", { priority: 3 })).toBe("APPLIED");
    expect(market.modify(id, "SBP", "PRIORITY", { priority: 1 })).toBe("APPLIED");
  });
});

describe("cancel-instruction fails", () => {
  const base = {
    requester: "HBL",
    authority: "PARTY",
    cause: undefined,
    reason: undefined,
  } as const;
  const csd = { requester: "SBP", authority: "CSD", reason: "CANS", cause: "WHY" } as const;
  const cases: readonly (readonly [string, Partial<Cancel>, string])[] = [
    ["TERMS_INVALID", { cause: "WHY" }, "cause"],
    ["TERMS_INVALID", { reason: "CANS" }, "reason"],
    ["TERMS_INVALID", { ...csd, reason: undefined }, "reason"],
    ["CAUSE_MISSING", { ...csd, cause: undefined }, "cause"],
    ["MEMBER_UNKNOWN", { requester: "NOBODY" }, "requester"],
    ["INSTRUCTION_UNKNOWN", { instruction: NOWHERE }, "instruction"],
    ["NOT_INSTRUCTION_PARTY", { requester: "UBL" }, "requester"],
    ["NOT_INSTRUCTION_PARTY", { ...csd, requester: "HBL" }, "requester"],
  ];
  test.each(cases)("%s for %o", (code, change, field) => {
    const [market, instruction] = heldPair();
    const payload: Cancel = { instruction, ...base, ...change };
    const refused = market.ledger.send("cancel-instruction", payload, { signers });
    expect([refused.outcome.code, refused.field]).toEqual([code, field]);
  });

  test("with every code that the kind lists, here and where cancellation is tested", () => {
    const elsewhere = ["INSTRUCTION_FINAL", "CANCEL_REQUESTED", "LIMIT_REACHED"];
    const reached = new Set<string>([...cases.map(([code]) => code), ...elsewhere]);
    expect(cancelInstruction.failures.filter((code) => !reached.has(code))).toEqual([]);
  });
});
