import { describe, expect, it } from "vitest";
import { present } from "../../../primitives/assert.ts";
import { barRoot } from "../../instruments/commodity-cover.ts";
import { balanceOf, programmeView, supplyOf } from "../../queries.ts";
import { attestationTable, commodityCoverTable } from "../../state/commodity.ts";
import type { InstrumentTerms } from "../../state/instrument.ts";
import {
  attestedGenesis,
  blockOn,
  eventsOf,
  sell,
  servedLedger,
} from "../../testing/life-cycle-ledger.ts";
import { cashAccount, type TestLedger } from "../../testing/test-ledger.ts";
import { bodyFromJson } from "../../transaction-json.ts";
import { checkWholeState } from "../../whole-state.ts";
import type { Payloads } from "../kinds.ts";

const GOLD = "PK0GIS005012";
const both = { signers: ["SBP", "FINDIV"] };
const attestors = { signers: ["ASSAY1", "ASSAY2"] };

/** One gram. */
const GRAM = 1_000_000_000n;
/** A troy ounce is 31,103,476,800 ng; a bar of 400 oz at 995 parts in 1000 fine. */
const BAR_FINE = (400n * 31_103_476_800n * 995n) / 1000n;

const TERMS: InstrumentTerms = {
  type: "COMMODITY",
  body: {
    denomination: GRAM,
    commodity: "XAU",
    issueDate: "2025-11-25",
    documentHash: "ab".repeat(32),
  },
};

function bars(count: number, prefix = "RMR") {
  return Array.from({ length: count }, (_, i) => ({
    serial: `${prefix}-${String(i).padStart(5, "0")}`,
    fineNg: BAR_FINE,
  }));
}

function attestation(
  change: Partial<Payloads["attest-commodity"]> = {},
): Payloads["attest-commodity"] {
  const list = change.bars ?? bars(10);
  return {
    isin: GOLD,
    vault: "VAULT",
    attestorA: "ASSAY1",
    attestorB: "ASSAY2",
    asOf: "2025-11-25",
    bars: list,
    barRoot: barRoot(list),
    reference: "COUNT-1",
    ...change,
  };
}

function golden(): TestLedger {
  const ledger = servedLedger(attestedGenesis());
  for (const id of ["VAULT", "VAULT-2"]) {
    const vault = { ...cashAccount(id, "HBL"), kind: "COMMODITY_VAULT" } as const;
    ledger.mustSend("open-account", vault, { signers: ["SBP", "HBL"] });
  }
  ledger.mustSend("register-instrument", { isin: GOLD, terms: TERMS }, both);
  const face = 200_000n * GRAM;
  ledger.mustSend("authorise-instrument", { isin: GOLD, face, mandateRef: "M" }, both);
  // PKR 38,000.00 a gram.
  const price = { isin: GOLD, paisa: 3_800_000n, reference: "SBP/XAU/1" };
  ledger.mustSend("record-reference-price", price);
  return ledger;
}

function issue(ledger: TestLedger, face: bigint): string {
  const payload = { isin: GOLD, face, account: "ISS", mandateRef: "M" };
  return ledger.send("issue", payload).outcome.code;
}

/** Ten bars weigh 123,791.837664 g fine; less 2% that is 121,316.0009 g. */
const COVERED = 121_316n * GRAM;

describe("attest-commodity", () => {
  it("records the bars, their root and their weight, and lets units be issued up to the cover", () => {
    const ledger = golden();
    expect(issue(ledger, GRAM)).toBe("ATTESTED_EXCEEDED");
    const sent = ledger.transaction("attest-commodity", attestation(), attestors);
    const result = ledger.block(sent);
    expect(eventsOf(result, "commodityAttested")).toMatchObject([
      { bars: 10, fineNg: 10n * BAR_FINE, shortfallNg: 0n, barRoot: barRoot(bars(10)) },
    ]);
    expect(issue(ledger, COVERED + GRAM)).toBe("ATTESTED_EXCEEDED");
    expect(issue(ledger, COVERED)).toBe("APPLIED");
    expect(issue(ledger, GRAM)).toBe("ATTESTED_EXCEEDED");
    // 121,316 g at 38,000.00 are 4,610,008,000.00 rupees: 16,376,582.593 dollars at 281.5, rounded up.
    expect(programmeView(ledger.state).usedUsdCents).toBe(1_637_658_260n);
  });

  it("adds the vaults up", () => {
    const ledger = golden();
    ledger.mustSend("attest-commodity", attestation(), attestors);
    const second = attestation({ vault: "VAULT-2", bars: bars(5, "PAMP") });
    ledger.mustSend("attest-commodity", second, attestors);
    expect(commodityCoverTable.read(ledger.state, GOLD)).toMatchObject({
      vaults: ["VAULT", "VAULT-2"],
      attestedNg: 15n * BAR_FINE,
    });
  });

  it("records a loss too: a shortfall that stops issues until it is made good", () => {
    const ledger = golden();
    ledger.mustSend("attest-commodity", attestation(), attestors);
    expect(issue(ledger, COVERED)).toBe("APPLIED");
    ledger.mustSend("attest-commodity", attestation({ bars: bars(9) }), attestors);
    const cover = present(commodityCoverTable.read(ledger.state, GOLD), "cover");
    const missing = COVERED - (9n * BAR_FINE * 98n) / 100n;
    expect(cover.shortfallNg).toBe(missing);
    expect(issue(ledger, GRAM)).toBe("ATTESTED_EXCEEDED");
    ledger.mustSend("attest-commodity", attestation({ bars: bars(11) }), attestors);
    expect(issue(ledger, GRAM)).toBe("APPLIED");
  });

  it("that has grown old counts for less, and then blocks issues", () => {
    const ledger = golden();
    ledger.mustSend("attest-commodity", attestation(), attestors);
    blockOn(ledger, "2025-12-27"); // 32 days
    const stale = (10n * BAR_FINE * 90n) / 100n;
    expect(issue(ledger, COVERED)).toBe("ATTESTED_EXCEEDED");
    expect(issue(ledger, (stale / GRAM) * GRAM)).toBe("APPLIED");
    blockOn(ledger, "2026-02-26"); // 93 days
    expect(issue(ledger, GRAM)).toBe("ATTESTATION_STALE");
    const fresh = attestation({ asOf: "2026-02-25" });
    ledger.mustSend("attest-commodity", fresh, attestors);
    expect(issue(ledger, GRAM)).toBe("APPLIED");
    const older = attestation({ asOf: "2026-02-24" });
    expect(ledger.send("attest-commodity", older, attestors).outcome.code).toBe(
      "ATTESTATION_STALE",
    );
  });

  it.each([
    ["BAR_LIST_INVALID", { barRoot: "cd".repeat(32) }, attestors],
    ["BAR_LIST_INVALID", { bars: bars(2).toReversed() }, attestors],
    ["BAR_LIST_INVALID", { bars: [...bars(1), ...bars(1)] }, attestors],
    ["AMOUNT_ZERO", { bars: [{ serial: "X", fineNg: 0n }] }, attestors],
    ["TERMS_INVALID", { asOf: "2025-11-26" }, attestors],
    ["SAME_MEMBER_TWICE", { attestorB: "ASSAY1" }, attestors],
    ["MEMBER_WRONG_ROLE", { attestorB: "HBL" }, { signers: ["ASSAY1", "HBL"] }],
    ["ACCOUNT_UNKNOWN", { vault: "NONE" }, attestors],
    ["ACCOUNT_WRONG_KIND", { vault: "SGLA-HBL" }, attestors],
    ["ASSET_UNKNOWN", { isin: "PK0MTB084015" }, attestors],
    ["TX_MISSING_SIGNER", {}, { signers: ["ASSAY1"] }],
  ])("%s: %#", (code, change, signers) => {
    const ledger = golden();
    const receipt = ledger.send("attest-commodity", attestation(change), signers);
    expect(receipt.outcome.code).toBe(code);
  });

  it("stands in a file as JSON, with as many bars as a vault may hold", () => {
    const payload = attestation({ bars: bars(512) });
    const json: unknown = JSON.parse(
      JSON.stringify(payload, (_, value: unknown) =>
        typeof value === "bigint" ? value.toString() : value,
      ),
    );
    const head = { chainId: "00".repeat(32), member: "ASSAY1", clientRef: "C" };
    const body = bodyFromJson({ ...head, expiresAtHeight: 9 }, "attest-commodity", json);
    expect(body.payload).toEqual(payload);
    const ledger = golden();
    ledger.mustSend("attest-commodity", payload, attestors);
  });

  it("BAR_EXISTS: a bar counts in one vault only", () => {
    const ledger = golden();
    ledger.mustSend("attest-commodity", attestation(), attestors);
    const twice = ledger.send("attest-commodity", attestation({ vault: "VAULT-2" }), attestors);
    expect(twice).toMatchObject({ field: "bars[0].serial" });
    expect(twice.outcome.code).toBe("BAR_EXISTS");
    // Once it has left the one, it may be in the other.
    ledger.mustSend("attest-commodity", attestation({ bars: [] }), attestors);
    ledger.mustSend("attest-commodity", attestation({ vault: "VAULT-2" }), attestors);
  });
});

describe("redeem-commodity", () => {
  const signers = { signers: ["HBL", "ASSAY1", "ASSAY2"] };
  /** 12,379.18… g, rounded up to whole grams. */
  const ONE_BAR = ((BAR_FINE + GRAM - 1n) / GRAM) * GRAM;

  function redemption(
    change: Partial<Payloads["redeem-commodity"]> = {},
  ): Payloads["redeem-commodity"] {
    return {
      isin: GOLD,
      account: "SGLA-HBL",
      vault: "VAULT",
      attestorA: "ASSAY1",
      attestorB: "ASSAY2",
      quantity: ONE_BAR,
      bars: ["RMR-00003"],
      reference: "DELIVERY-1",
      ...change,
    };
  }

  function sold(): TestLedger {
    const ledger = golden();
    ledger.mustSend("attest-commodity", attestation(), attestors);
    expect(issue(ledger, COVERED)).toBe("APPLIED");
    sell(ledger, "HBL", { isin: GOLD, face: 2n * ONE_BAR, cost: 1n });
    return ledger;
  }

  it("hands bars over for units; the cover stays enough and the programme gets its part back", () => {
    const ledger = sold();
    const used = programmeView(ledger.state).usedUsdCents;
    const result = ledger.block(ledger.transaction("redeem-commodity", redemption(), signers));
    expect(result.receipts[0]?.outcome.code).toBe("SETTLED");
    expect(balanceOf(ledger.state, "SGLA-HBL", GOLD)?.total).toBe(ONE_BAR);
    expect(supplyOf(ledger.state, GOLD)?.outstanding).toBe(COVERED - ONE_BAR);
    const left = present(attestationTable.read(ledger.state, `${GOLD}/VAULT`), "attestation");
    expect(left.bars).toHaveLength(9);
    expect(left.barRoot).toBe(barRoot(left.bars));
    const [delivered] = eventsOf(result, "commodityDelivered");
    expect(delivered).toMatchObject({ fineNg: BAR_FINE, bars: ["RMR-00003"] });
    const freed = used - programmeView(ledger.state).usedUsdCents;
    expect(freed).toBe(delivered?.releasedUsdCents);
    expect(freed).toBe(used - (used * (COVERED - ONE_BAR) + COVERED - 1n) / COVERED);
    const again = ledger.send("redeem-commodity", redemption(), signers);
    expect(again.outcome.code).toBe("BAR_UNKNOWN");
  });

  it.each([
    ["AMOUNT_ZERO", { quantity: 0n }],
    ["BAR_LIST_INVALID", { bars: [] }],
    ["BAR_LIST_INVALID", { bars: ["RMR-00003", "RMR-00002"] }],
    ["SAME_MEMBER_TWICE", { attestorB: "ASSAY1" }],
    ["ACCOUNT_UNKNOWN", { account: "NONE" }],
    ["ACCOUNT_WRONG_KIND", { account: "CASH-HBL" }],
    // A vault that is none has no bars either: what exists comes before kinds.
    ["BAR_UNKNOWN", { vault: "SGLA-HBL" }],
    ["BAR_UNKNOWN", { bars: ["OTHER-1"] }],
    ["DENOMINATION", { quantity: ONE_BAR - GRAM }],
    ["DENOMINATION", { bars: ["RMR-00003", "RMR-00004"] }],
    ["INSUFFICIENT_SECURITIES", threeBars()],
  ])("%s: %#", (code, change) => {
    const ledger = sold();
    const receipt = ledger.send("redeem-commodity", redemption(change), signers);
    expect(receipt.outcome.code).toBe(code);
  });

  function threeBars() {
    const quantity = ((3n * BAR_FINE + GRAM - 1n) / GRAM) * GRAM;
    return { quantity, bars: ["RMR-00003", "RMR-00004", "RMR-00005"] };
  }

  it("needs the holder, the vault and both attestors", () => {
    const ledger = sold();
    for (const left of [["HBL", "ASSAY1"], ["ASSAY1", "ASSAY2"], ["HBL"]]) {
      const receipt = ledger.send("redeem-commodity", redemption(), { signers: left });
      expect(receipt.outcome.code).toBe("TX_MISSING_SIGNER");
    }
  });
});

describe("I7", () => {
  it("stops a node whose units are not covered", () => {
    const ledger = golden();
    ledger.mustSend("attest-commodity", attestation(), attestors);
    issue(ledger, COVERED);
    const cover = present(commodityCoverTable.read(ledger.state, GOLD), "cover");
    const less = commodityCoverTable.entry({ ...cover, haircutBps: 201 });
    expect(() => {
      checkWholeState([...new Map([...ledger.state, less])]);
    }).toThrow(/I7/);
  });
});

describe("electricity", () => {
  const KWH = "PK0PIB003015";
  const terms: InstrumentTerms = {
    type: "OTHER",
    body: {
      denomination: 1_000n,
      unit: "kWh",
      settlement: "DELIVERY",
      delivery: { from: "2025-12-01", to: "2025-12-31" },
      issueDate: "2025-11-25",
      maturityDate: "2026-01-01",
      documentHash: "cd".repeat(32),
    },
  };
  const delivery = { isin: KWH, account: "SGLA-HBL", quantity: 400_000n, reference: "NTDC-1" };
  const signers = { signers: ["HBL", "FINDIV"] };

  function allotted(): TestLedger {
    const ledger = servedLedger();
    ledger.mustSend("register-instrument", { isin: KWH, terms }, both);
    const face = 1_000_000n;
    ledger.mustSend("authorise-instrument", { isin: KWH, face, mandateRef: "M" }, both);
    const issued = { isin: KWH, face, account: "ISS", mandateRef: "M" };
    expect(ledger.send("issue", issued).outcome.code).toBe("PRICE_MISSING");
    // PKR 25,000.00 for 1,000 kWh.
    ledger.mustSend("record-reference-price", { isin: KWH, paisa: 2_500_000n, reference: "NEPRA" });
    ledger.mustSend("issue", issued);
    sell(ledger, "HBL", { isin: KWH, face, cost: 1_000n });
    return ledger;
  }

  it("is delivered within its days, and what is not asked for lapses", () => {
    const ledger = allotted();
    const used = programmeView(ledger.state).usedUsdCents;
    // 1,000,000 kWh are PKR 25,000,000.00: USD 88,809.95 at 281.5, rounded up.
    expect(used).toBe(8_880_995n);
    const send = () => ledger.send("redeem-claim", delivery, signers).outcome.code;
    expect(send()).toBe("OUTSIDE_DELIVERY");
    blockOn(ledger, "2025-12-01");
    expect(send()).toBe("SETTLED");
    expect(balanceOf(ledger.state, "SGLA-HBL", KWH)?.total).toBe(600_000n);
    const lapse = blockOn(ledger, "2026-01-01");
    expect(eventsOf(lapse, "unitsRedeemed")).toMatchObject([
      { account: "SGLA-HBL", units: 600_000n },
    ]);
    expect(eventsOf(lapse, "entitlementPaid")).toEqual([]);
    expect(supplyOf(ledger.state, KWH)?.outstanding).toBe(0n);
    expect(programmeView(ledger.state).usedUsdCents).toBe(0n);
    expect(send()).toBe("OUTSIDE_DELIVERY");
  });

  it.each([
    ["AMOUNT_ZERO", { quantity: 0n }],
    ["ACCOUNT_UNKNOWN", { account: "NONE" }],
    ["ASSET_UNKNOWN", { isin: "PK0MTB084015" }],
    ["ACCOUNT_WRONG_KIND", { account: "CASH-HBL" }],
    ["DENOMINATION", { quantity: 1n }],
    ["INSUFFICIENT_SECURITIES", { quantity: 1_001_000n }],
  ])("%s", (code, change) => {
    const ledger = allotted();
    blockOn(ledger, "2025-12-01");
    const receipt = ledger.send("redeem-claim", { ...delivery, ...change }, signers);
    expect(receipt.outcome.code).toBe(code);
  });
});

describe("governed rules and prices", () => {
  it("set the haircut, checked for sense", () => {
    const ledger = golden();
    const rules = {
      haircutBps: 500,
      staleAfterDays: 10,
      staleHaircutBps: 2_000,
      blockAfterDays: 20,
      reference: "R1",
    };
    const send = (change: Partial<typeof rules>) =>
      ledger.send("set-commodity-rules", { ...rules, ...change }, both).outcome.code;
    expect(send({ staleHaircutBps: 499 })).toBe("TABLE_INVALID");
    expect(send({ blockAfterDays: 9 })).toBe("TABLE_INVALID");
    expect(send({})).toBe("APPLIED");
    ledger.mustSend("attest-commodity", attestation(), attestors);
    expect(commodityCoverTable.read(ledger.state, GOLD)?.haircutBps).toBe(500);
  });

  it("name prices for what has no face in paisa only", () => {
    const ledger = golden();
    const price = { isin: GOLD, paisa: 1n, reference: "P" };
    const send = (change: Partial<typeof price>) =>
      ledger.send("record-reference-price", { ...price, ...change }).outcome.code;
    expect(send({ paisa: 0n })).toBe("AMOUNT_ZERO");
    expect(send({ isin: "PK0MTB084015" })).toBe("ASSET_UNKNOWN");
    const bill: InstrumentTerms = {
      type: "MTB",
      body: { denomination: 500_000n, issueDate: "2025-11-27", maturityDate: "2026-02-19" },
    };
    ledger.mustSend("register-instrument", { isin: "PK0MTB084015", terms: bill }, both);
    expect(send({ isin: "PK0MTB084015" })).toBe("ASSET_WRONG_TYPE");
  });
});
