import { describe, expect, test } from "vitest";
import { outcomeOf, precedenceOf } from "../outcome.ts";
import {
  delivery,
  free,
  type Instruct,
  instructionLedger,
  paid,
  receipt,
  TODAY,
  TOMORROW,
} from "../testing/instruction-ledger.ts";
import { DENOMINATION, OTHER_PIB, PIB_TERMS } from "../testing/test-ledger.ts";
import { instruct } from "../transactions/instructions/instruct.ts";

/** Each code that an instruction can be rejected with, its ISO code, and one way to reach it. */
const rejections: readonly (readonly [
  code: keyof typeof iso,
  change: Partial<Instruct>,
  field: string,
])[] = [
  ["AMOUNT_ZERO", { quantity: 0n }, "quantity"],
  ["AMOUNT_ZERO", paid(0n, "CASH-HBL"), "cash.amount"],
  ["AMOUNT_ZERO", { minimumLot: 0n }, "minimumLot"],
  ["TERMS_INVALID", { priority: 0 }, "priority"],
  ["TERMS_INVALID", { minimumLot: DENOMINATION + 1n }, "minimumLot"],
  ["TERMS_INVALID", { conditions: ["PHYS", "CLEN"] }, "conditions"],
  ["TERMS_INVALID", { conditions: ["PHYS", "PHYS"] }, "conditions"],
  ["TERMS_INVALID", { after: "D-1" }, "after"],
  ["TERMS_INVALID", { pool: { id: "P", total: 1 } }, "pool"],
  ["TERMS_INVALID", { ...free, movement: "RECE", reserve: true }, "reserve"],
  ["CASH_LEG", { payment: "FREE" }, "cash"],
  ["CASH_LEG", { cash: undefined }, "cash"],
  ["SAME_ACCOUNT_TWICE", paid(1n, "SGLA-HBL"), "cash.account"],
  ["MEMBER_UNKNOWN", { counterparty: "NOBODY" }, "counterparty"],
  ["MEMBER_UNKNOWN", { conditionOwner: "NOBODY" }, "conditionOwner"],
  ["ACCOUNT_UNKNOWN", { account: "NOWHERE" }, "account"],
  ["CASH_ACCOUNT", paid(1n, "NOWHERE"), "cash.account"],
  ["CASH_ACCOUNT", paid(1n, "SGLA-UBL"), "cash.account"],
  ["ASSET_UNKNOWN", { asset: OTHER_PIB }, "asset"],
  [
    "CURRENCY_UNKNOWN",
    { cash: { asset: "USD-HBL", amount: 1n, account: "CASH-HBL" } },
    "cash.asset",
  ],
  ["INSTRUCTION_REFERENCE_USED", { reference: "TAKEN" }, "reference"],
  ["ACCOUNT_WRONG_KIND", { account: "CASH-HBL", ...free }, "account"],
  ["ACCOUNT_WRONG_KIND", { account: "ISS", movement: "RECE" }, "account"],
  ["COUNTERPARTY_NOT_MATCHED", paid(1n, "CASH-UBL"), "cash.account"],
  ["COUNTERPARTY_NOT_MATCHED", { account: "ISS", ...paid(1n, "CASH-UBL") }, "cash.account"],
  ["POOL_CONFLICT", { pool: { id: "OPENED", total: 3 } }, "pool"],
  ["PRIORITY_RESERVED", { priority: 1 }, "priority"],
  ["ASSET_MATURED", { settlementDate: "2028-08-21" }, "asset"],
  ["DENOMINATION", { quantity: DENOMINATION + 1n }, "quantity"],
  ["SETTLEMENT_DATE", { settlementDate: "2025-11-29" }, "settlementDate"],
  ["SETTLEMENT_DATE", { settlementDate: "2025-11-24" }, "settlementDate"],
  ["SETTLEMENT_DATE", { settlementDate: "2026-12-01" }, "settlementDate"],
  ["TOO_LATE", { tradeDate: "2025-11-24", settlementDate: "2025-11-24" }, "settlementDate"],
  ["INSUFFICIENT_SECURITIES", { reserve: true, quantity: 11n * DENOMINATION }, "account"],
  [
    "INSUFFICIENT_CASH",
    { reserve: true, movement: "RECE", ...paid(500_000_000n, "CASH-HBL") },
    "cash.account",
  ],
];

const iso = {
  AMOUNT_ZERO: "DQUA",
  TERMS_INVALID: "DSEC",
  CASH_LEG: "DMON",
  SAME_ACCOUNT_TWICE: "SAFE",
  MEMBER_UNKNOWN: "ICUS",
  ACCOUNT_UNKNOWN: "SAFE",
  CASH_ACCOUNT: "CASH",
  ASSET_UNKNOWN: "DSEC",
  CURRENCY_UNKNOWN: "NCRR",
  INSTRUCTION_REFERENCE_USED: "REFE",
  ACCOUNT_WRONG_KIND: "SAFE",
  COUNTERPARTY_NOT_MATCHED: "DEPT",
  POOL_CONFLICT: "REFE",
  PRIORITY_RESERVED: "OTHR",
  INSTRUMENT_NOT_AUTHORISED: "DSEC",
  ASSET_MATURED: "DSEC",
  DENOMINATION: "MUNO",
  SETTLEMENT_DATE: "DDAT",
  TOO_LATE: "LATE",
  ACCOUNT_CLOSED: "SAFE",
  ACCOUNT_FROZEN: "BLOC",
  INSUFFICIENT_SECURITIES: "LACK",
  INSUFFICIENT_CASH: "MONY",
} as const;

function prepared() {
  const market = instructionLedger();
  const elsewhere = { settlementDate: TOMORROW } as const;
  market.enter({ ...delivery, ...elsewhere, reference: "TAKEN" });
  const pool = { id: "OPENED", total: 2 };
  market.enter({ ...delivery, ...elsewhere, reference: "POOLED", pool });
  return market;
}

describe("an instruction is rejected", () => {
  test.each(rejections)("%s for %o", (code, change, field) => {
    const receipt = prepared().instruct({ ...delivery, ...change });
    expect([receipt.outcome.code, receipt.field]).toEqual([code, field]);
    expect(receipt.outcome).toEqual({ ...outcomeOf(code), isoReason: iso[code] });
  });

  test("for an instrument that is not authorised, and for accounts that are closed or frozen", () => {
    const market = prepared();
    const both = { signers: ["SBP", "FINDIV"] };
    market.ledger.mustSend("register-instrument", { isin: OTHER_PIB, terms: PIB_TERMS }, both);
    const refused = (change: Partial<Instruct>) => {
      const { outcome, field } = market.instruct({ ...delivery, ...change });
      return [outcome.code, field];
    };
    expect(refused({ asset: OTHER_PIB })).toEqual(["INSTRUMENT_NOT_AUTHORISED", "asset"]);
    market.ledger.alterAccount("CASH-HBL", { status: "BLOCKED_CREDIT" });
    expect(refused({})).toEqual(["ACCOUNT_FROZEN", "cash.account"]);
    market.ledger.alterAccount("SGLA-HBL", { status: "CLOSED" });
    expect(refused({})).toEqual(["ACCOUNT_CLOSED", "account"]);
  });

  test("after the cut-off of its kind, unless it is marked late", () => {
    const market = prepared();
    market.at(TODAY, "16:00");
    const code = (change: Partial<Instruct>) =>
      market.instruct({ ...delivery, ...change }).outcome.code;
    expect(code({})).toBe("TOO_LATE");
    expect(code({ ...free, reference: "F-1" })).toBe("APPLIED");
    market.at(TODAY, "16:30");
    expect(code({ ...free, reference: "F-2" })).toBe("TOO_LATE");
    const late = market.enter({ ...delivery, late: true });
    const other = market.enter({ ...receipt, late: true });
    expect([market.status(late), market.status(other)]).toEqual(["FAILING CYCL", "FAILING CYCL"]);
    market.at(TOMORROW, "09:00");
    expect(market.status(late)).toBe("SETTLED");
    const past = { late: true, tradeDate: "2025-11-24", settlementDate: "2025-11-24" };
    const [third] = market.pair({ ...past, reference: "D-3" }, { ...past, reference: "R-3" });
    expect(market.status(third)).toBe("SETTLED");
  });

  test("unless the operator of its account signs", () => {
    const market = prepared();
    const receipt = market.instruct(delivery, { signers: ["UBL"] });
    expect(receipt).toMatchObject({ executed: false, field: "operator of account" });
  });

  test("every failure of the kind is reached here, LIMIT_REACHED with the bounds", () => {
    // The instrument itself is looked at before the gate looks at its units.
    const reached = new Set<string>([...Object.keys(iso), "LIMIT_REACHED", "UNITS_MATURED"]);
    expect(instruct.failures.filter((code) => !reached.has(code))).toEqual([]);
    const inTable = new Set<string>(rejections.map(([code]) => code));
    const inTests = ["INSTRUMENT_NOT_AUTHORISED", "ACCOUNT_CLOSED", "ACCOUNT_FROZEN"];
    expect(Object.keys(iso).filter((code) => !inTable.has(code))).toEqual(inTests);
  });

  // Every two faults that do not speak of the same field.
  const pairs = rejections.flatMap(([a, first], i) =>
    rejections
      .slice(i + 1)
      .filter(([b, second]) => a !== b && isApart(first, second))
      .map(([b, second]) => [a, b, first, second] as const),
  );
  test("of two faults the code that stands first in the order of checks is given", () => {
    expect(pairs.length).toBeGreaterThan(150);
    const market = prepared();
    const wrong = pairs.filter(([a, b, first, second]) => {
      const expected = precedenceOf(a) < precedenceOf(b) ? a : b;
      return market.instruct({ ...delivery, ...first, ...second }).outcome.code !== expected;
    });
    expect(wrong.map(([a, b]) => `${a} ${b}`)).toEqual([]);
  });
});

/** Fields of which one says how the other is to be read. */
const entangled = [
  ["minimumLot", "quantity"],
  ["after", "reference"],
  ["reserve", "quantity"],
  ["reserve", "cash"],
];

/** Whether both changes stand as they are when they are made together. */
function isApart(a: Partial<Instruct>, b: Partial<Instruct>): boolean {
  const [first, second] = [Object.keys(a), Object.keys(b)];
  const fields = [...first, ...second];
  return (
    !second.some((field) => first.includes(field)) &&
    !fields.some((field) => ["account", "movement", "payment"].includes(field)) &&
    !entangled.some((pair) => pair.every((field) => fields.includes(field)))
  );
}
