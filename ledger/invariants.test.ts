import { describe, expect, test } from "vitest";
import { InvariantError } from "../primitives/assert.ts";
import type { LedgerEvent } from "./events.ts";
import { assertBlockInvariants, assertSettlements, type BlockChanges } from "./invariants.ts";
import { type Balance, balanceId } from "./state/balance.ts";
import type { RecordChange } from "./state/record-cache.ts";
import { PIB, primaryDvp } from "./testing/test-ledger.ts";
import { CBDC } from "./types.ts";

const none: BlockChanges = {
  balances: [],
  supplies: [],
  programmes: [],
  tranches: [],
  releases: [],
  claims: [],
  events: [],
};

function held(account: string, asset: string, parts: Partial<Balance>): Balance {
  const whole = { available: 0n, reserved: 0n, pledged: 0n, blocked: 0n, ...parts };
  const total = whole.available + whole.reserved + whole.pledged + whole.blocked;
  return { account, asset, ...whole, total: parts.total ?? total };
}

function change(before: Balance | undefined, after: Balance | undefined): RecordChange<Balance> {
  const { account, asset } = before ?? after ?? { account: "", asset: "" };
  return { id: balanceId(account, asset), before, after };
}

function posting(
  account: string,
  asset: string,
  direction: "DEBIT" | "CREDIT",
  amount: bigint,
  reason: "CASH_TRANSFER" | "MINT" | "ISSUE" | "DVP_SECURITIES" = "CASH_TRANSFER",
): LedgerEvent {
  return {
    type: "posting",
    body: { account, asset, direction, amount, reason, reference: "R" },
  };
}

const cash = (account: string, available: bigint) => held(account, CBDC, { available });
const coin = { asset: CBDC, authorised: undefined, issued: 100n, redeemed: 0n, tranches: 0 };
const bond = { asset: PIB, authorised: 1_000n, issued: 100n, redeemed: 0n, tranches: 1 };
const tranche = {
  isin: PIB,
  number: 2,
  face: 50n,
  usdCents: 7n,
  fxRateE4: 2_815_000,
  account: "ISS",
  mandateRef: "M",
  txId: "00".repeat(32),
  height: 3,
};
const programme = { capUsdCents: 100n, usedUsdCents: 20n };

/** A mint of 5, a transfer of 10 and an issue of 50: everything agrees. */
const good: BlockChanges = {
  balances: [
    change(cash("A", 100n), cash("A", 95n)),
    change(undefined, cash("B", 10n)),
    change(undefined, held("ISS", PIB, { available: 50n })),
  ],
  supplies: [
    { id: CBDC, before: coin, after: { ...coin, issued: 105n } },
    { id: PIB, before: bond, after: { ...bond, issued: 150n, tranches: 2 } },
  ],
  programmes: [{ id: "", before: programme, after: { ...programme, usedUsdCents: 27n } }],
  tranches: [{ id: "", before: undefined, after: tranche }],
  releases: [],
  claims: [],
  events: [
    [posting("A", CBDC, "CREDIT", 5n, "MINT")],
    [posting("A", CBDC, "DEBIT", 10n), posting("B", CBDC, "CREDIT", 10n)],
    [posting("ISS", PIB, "CREDIT", 50n, "ISSUE")],
  ],
};

function firing(changes: Partial<BlockChanges>): () => void {
  return () => {
    assertBlockInvariants({ ...good, ...changes });
  };
}

describe("invariants of a block", () => {
  test("hold where everything agrees", () => {
    expect(() => {
      assertBlockInvariants(good);
      assertBlockInvariants(none);
    }).not.toThrow();
  });

  test("I1 fires when a unit appears without supply, with its posting", () => {
    const [, , issued] = good.balances;
    const balances = [
      change(cash("A", 100n), cash("A", 95n)),
      change(undefined, cash("B", 11n)),
      ...(issued === undefined ? [] : [issued]),
    ];
    const events = [...good.events, [posting("B", CBDC, "CREDIT", 1n, "MINT")]];
    expect(firing({ balances, events })).toThrow(
      /I1: the sum of all totals .*PKR-CBDC is off by 1/,
    );
  });

  test("I1 fires when supply grows without units", () => {
    const supplies = [
      { id: CBDC, before: coin, after: { ...coin, issued: 106n } },
      ...good.supplies.slice(1),
    ];
    expect(firing({ supplies })).toThrow(/I1: the sum of all totals/);
  });

  test("I1 fires when a balance moves without a posting, or a posting without a balance", () => {
    const missing = [good.events[0] ?? [], good.events[2] ?? []];
    expect(firing({ events: missing })).toThrow(/I1: postings .*A\/PKR-CBDC is off by/);
    const extra = [...good.events, [posting("C", CBDC, "DEBIT", 1n)]];
    expect(firing({ events: extra })).toThrow(InvariantError);
  });

  test.each([
    ["a total that is not the sum", { available: 5n, total: 6n }, /I2: the total/],
    [
      "held units left out of the total",
      { available: 5n, pledged: 1n, total: 5n },
      /I2: the total/,
    ],
    ["a part below zero", { available: 6n, blocked: -1n }, /I2: no part/],
    ["an empty record", { available: 0n }, /I2: .* no record/],
  ])("I2 fires on %s", (_, parts, message) => {
    const balances = [change(undefined, held("X", CBDC, parts))];
    expect(() => {
      assertBlockInvariants({ ...none, balances });
    }).toThrow(message);
  });

  test("I3 fires on over-issue, over-redemption and a missing ceiling", () => {
    const supply = (after: object) => [{ id: PIB, before: bond, after: { ...bond, ...after } }];
    const fire = (after: object) => () => {
      assertBlockInvariants({ ...none, supplies: supply(after) });
    };
    expect(fire({ authorised: 99n })).toThrow(/I3: .*issued <= authorised/);
    expect(fire({ redeemed: 101n, issued: 100n })).toThrow(InvariantError);
    expect(fire({ authorised: undefined })).toThrow(/I3: .*authorised face/);
  });

  test("I3 fires when the programme passes its cap or its tranches", () => {
    const used = (usedUsdCents: bigint, capUsdCents = 100n) => ({
      programmes: [{ id: "", before: programme, after: { capUsdCents, usedUsdCents } }],
    });
    expect(firing(used(27n, 26n))).toThrow(/I3: the programme's use/);
    expect(firing(used(26n))).toThrow(/I3: tranches .*programme is off by 1/);
    expect(firing({ tranches: [] })).toThrow(/I3: tranches/);
    const rewritten = [{ id: "", before: tranche, after: { ...tranche, usdCents: 8n } }];
    expect(firing({ tranches: rewritten })).toThrow(/I3: a tranche is written once/);
    const larger = [{ id: "", before: undefined, after: { ...tranche, face: 51n } }];
    expect(firing({ tranches: larger })).toThrow(/I3: tranches/);
  });

  test.each([
    ["RESERVED", "reserved"],
    ["PLEDGED", "pledged"],
    ["BLOCKED", "blocked"],
  ] as const)("I5 fires when %s units and live claims part", (part, field) => {
    const claim = { part, account: "A", asset: CBDC, holder: "H", amount: 4n };
    const set = change(cash("A", 10n), held("A", CBDC, { available: 6n, [field]: 4n }));
    const made = [{ id: "", before: undefined, after: claim }];
    const ended = [{ id: "", before: claim, after: undefined }];
    const run = (changes: Partial<BlockChanges>) => () => {
      assertBlockInvariants({ ...none, ...changes });
    };
    expect(run({ balances: [set], claims: made })).not.toThrow();
    expect(run({ balances: [set] })).toThrow(/I5: .*A\/PKR-CBDC is off by 4/);
    // The holder ended and its units stayed aside.
    expect(run({ claims: ended })).toThrow(/I5/);
    // The units stand in another part than the claim.
    const other = part === "PLEDGED" ? "blocked" : "pledged";
    const moved = change(cash("A", 10n), held("A", CBDC, { available: 6n, [other]: 4n }));
    expect(run({ balances: [moved], claims: made })).toThrow(/I5/);
  });
});

describe("I4 over one settlement", () => {
  const { face, cleanAmount, accruedInterest } = primaryDvp;
  const dvp = (
    account: string,
    asset: string,
    direction: "DEBIT" | "CREDIT",
    amount: bigint,
  ): LedgerEvent => posting(account, asset, direction, amount, "DVP_SECURITIES");
  const money = cleanAmount + accruedInterest;
  const legs = [
    dvp("ISS", PIB, "DEBIT", face),
    dvp("CASH-HBL", CBDC, "DEBIT", money),
    dvp("SGLA-HBL", PIB, "CREDIT", face),
    dvp("CASH-GOV", CBDC, "CREDIT", money),
  ];
  const final: LedgerEvent = { type: "settlementFinal", body: primaryDvp };

  test("holds for both legs in full", () => {
    expect(() => {
      assertSettlements([...legs, final]);
    }).not.toThrow();
  });

  test.each([
    ["a debit without its credit", [...legs.slice(0, 3), final], /I4: debits equal credits/],
    [
      "one leg only",
      [legs[0], legs[2], final].filter((event) => event !== undefined),
      /I4: both legs/,
    ],
    ["legs without a settlement", legs, /I4: both legs/],
    ["a settlement without legs", [final], /I4: both legs/],
    [
      "another account credited",
      [...legs.slice(0, 3), dvp("CASH-UBL", CBDC, "CREDIT", money), final],
      /I4: both legs/,
    ],
    [
      "less cash than agreed on both sides",
      [
        ...legs.filter((_, i) => i % 2 === 0),
        dvp("CASH-HBL", CBDC, "DEBIT", cleanAmount),
        dvp("CASH-GOV", CBDC, "CREDIT", cleanAmount),
        final,
      ],
      /I4: both legs/,
    ],
  ])("fires on %s", (_, events, message) => {
    expect(() => {
      assertSettlements(events);
    }).toThrow(message);
  });
});
