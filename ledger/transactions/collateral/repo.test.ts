import { describe, expect, test } from "vitest";
import { MAX_LOTS } from "../../collateral/lot.ts";
import { repoTable } from "../../collateral/repo-record.ts";
import { balanceOf } from "../../queries.ts";
import { HOUR_MS, MILLION, passTo } from "../../testing/auction-ledger.ts";
import {
  bothBanks,
  collateralLedger,
  lot,
  priced,
  repoPayload,
} from "../../testing/collateral-ledger.ts";
import { OTHER_PIB, PIB, type TestLedger } from "../../testing/test-ledger.ts";
import { CBDC } from "../../types.ts";
import type { Payloads } from "../kinds.ts";

const INTEREST = 103_264_384n; // PKR 1,032,643.84
const DAY_MS = 24 * HOUR_MS;

type Opening = Payloads["open-repo"];

function opened(changes: Partial<Opening> = {}): TestLedger {
  const ledger = collateralLedger();
  ledger.mustSend("open-repo", { ...repoPayload, ...changes }, bothBanks);
  return ledger;
}

function held(ledger: TestLedger, account: string, asset: string) {
  const { available = 0n, pledged = 0n } = balanceOf(ledger.state, account, asset) ?? {};
  return { available, pledged };
}

const cashOf = (ledger: TestLedger, bank: string) => held(ledger, `CASH-${bank}`, CBDC).available;
const repoOf = (ledger: TestLedger) => repoTable.read(ledger.state, "REPO-1");

const closing = {
  repo: "REPO-1",
  giverCashAccount: "CASH-HBL",
  takerCashAccount: "CASH-UBL",
  timing: "AT_TERM",
} as const;
const taker = { repo: "REPO-1", takerSecuritiesAccount: "SGLA-UBL" };
const giver = { repo: "REPO-1", giverSecuritiesAccount: "SGLA-HBL" };

describe("a repo", () => {
  test("by earmark: cash moves, the securities stay and cannot be used", () => {
    const ledger = collateralLedger();
    const before = cashOf(ledger, "HBL");
    ledger.mustSend("open-repo", repoPayload, bothBanks);
    expect(cashOf(ledger, "HBL") - before).toBe(48_950_000_000n);
    expect(held(ledger, "SGLA-HBL", PIB)).toEqual({
      available: 100n * MILLION,
      pledged: 500n * MILLION,
    });
    expect(held(ledger, "SGLA-UBL", PIB).available).toBe(100n * MILLION);
    const sale = {
      settlementRef: "USE",
      isin: PIB,
      face: 200n * MILLION,
      delivererAccount: "SGLA-HBL",
      receiverAccount: "SGLA-UBL",
      payerCashAccount: "CASH-UBL",
      payeeCashAccount: "CASH-HBL",
      cleanAmount: 1n,
      accruedInterest: 0n,
    };
    const used = ledger.send("settle-dvp", sale, bothBanks);
    expect(used.outcome.code).toBe("INSUFFICIENT_SECURITIES");
  });

  test("pays back with interest Act/365, and the securities are free in the same step", () => {
    const ledger = opened();
    const before = cashOf(ledger, "UBL");
    passTo(ledger, ledger.timestampMs + 7 * DAY_MS);
    ledger.mustSend("close-repo", closing, { signers: ["HBL"] });
    expect(cashOf(ledger, "UBL") - before).toBe(48_950_000_000n + INTEREST);
    expect(held(ledger, "SGLA-HBL", PIB)).toEqual({ available: 600n * MILLION, pledged: 0n });
    expect(repoOf(ledger)).toMatchObject({ status: "CLOSED", lots: [] });
    const again = ledger.send("close-repo", closing, { signers: ["HBL"] });
    expect(again.outcome.code).toBe("REPO_PHASE");
  });

  test("by title transfer: the securities change hands and come back", () => {
    const ledger = opened({ form: "TITLE_TRANSFER" });
    expect(held(ledger, "SGLA-HBL", PIB)).toEqual({ available: 100n * MILLION, pledged: 0n });
    expect(held(ledger, "SGLA-UBL", PIB).available).toBe(600n * MILLION);
    passTo(ledger, ledger.timestampMs + 7 * DAY_MS);
    ledger.mustSend("close-repo", closing, { signers: ["HBL"] });
    expect(held(ledger, "SGLA-HBL", PIB).available).toBe(600n * MILLION);
    expect(held(ledger, "SGLA-UBL", PIB).available).toBe(100n * MILLION);
  });

  test("ends early by agreement only, with interest for the days that were", () => {
    const ledger = opened();
    passTo(ledger, ledger.timestampMs + DAY_MS);
    const atTerm = ledger.send("close-repo", closing, { signers: ["HBL"] });
    expect([atTerm.outcome.code, atTerm.field]).toEqual(["REPO_PHASE", "timing"]);
    const early = { ...closing, timing: "EARLY" } as const;
    const alone = ledger.send("close-repo", early, { signers: ["HBL"] });
    expect(alone.field).toBe("operator of takerCashAccount");
    const before = cashOf(ledger, "UBL");
    ledger.mustSend("close-repo", early, bothBanks);
    // 489,500,000.00 x 11% / 365 = 147,520.55.
    expect(cashOf(ledger, "UBL") - before).toBe(48_950_000_000n + 14_752_055n);
  });

  test("a giver without the cash does not get its securities back", () => {
    const ledger = opened();
    passTo(ledger, ledger.timestampMs + 7 * DAY_MS);
    const away = {
      fromAccount: "CASH-HBL",
      toAccount: "CASH-GOV",
      amount: cashOf(ledger, "HBL"),
      reference: "OUT",
    };
    ledger.mustSend("transfer-cbdc", away, { member: "HBL" });
    const receipt = ledger.send("close-repo", closing, { signers: ["HBL"] });
    expect(receipt.outcome.code).toBe("INSUFFICIENT_CASH");
    expect(held(ledger, "SGLA-HBL", PIB).pledged).toBe(500n * MILLION);
  });
});

describe("open-repo", () => {
  const rows: readonly (readonly [string, string | undefined, Partial<Opening>])[] = [
    ["AMOUNT_ZERO", "cash", { cash: 0n }],
    ["AMOUNT_ZERO", "lots", { lots: [] }],
    ["AMOUNT_ZERO", "lots", { lots: [lot(0)] }],
    ["TERMS_INVALID", "endDate", { endDate: "2025-11-25" }],
    ["TERMS_INVALID", "endDate", { endDate: "2025-11-29" }],
    ["SAME_ACCOUNT_TWICE", "takerSecuritiesAccount", { takerSecuritiesAccount: "SGLA-HBL" }],
    ["ACCOUNT_UNKNOWN", "giverCashAccount", { giverCashAccount: "X" }],
    ["ACCOUNT_UNKNOWN", "takerCashAccount", { takerCashAccount: "X" }],
    ["ASSET_UNKNOWN", "lots", { lots: [lot(1, "US0378331005")] }],
    ["ACCOUNT_WRONG_KIND", "giverSecuritiesAccount", { giverSecuritiesAccount: "ISS" }],
    ["ACCOUNT_WRONG_KIND", "takerCashAccount", { takerCashAccount: "SGLA-SBP" }],
    ["COUNTERPARTY_NOT_MATCHED", "giverCashAccount", { giverCashAccount: "CASH-GOV" }],
    ["COUNTERPARTY_NOT_MATCHED", "takerSecuritiesAccount", { takerSecuritiesAccount: "SGLA-SBP" }],
    ["COLLATERAL_NOT_ELIGIBLE", "lots", { lots: [lot(250), lot(250)] }],
    ["COLLATERAL_NOT_ELIGIBLE", "lots", { endDate: "2028-08-21" }],
    ["DENOMINATION", "lots", { lots: [{ isin: PIB, face: 5_000_000n }] }],
    ["COLLATERAL_INSUFFICIENT", "lots", { cash: 48_950_000_001n }],
    ["INSUFFICIENT_SECURITIES", "giverSecuritiesAccount", { lots: [lot(601)] }],
  ];
  test.each(rows)("%s %s", (code, field, change) => {
    const ledger = collateralLedger();
    const signers = ["HBL", "UBL", "SBP", "FINDIV"];
    const receipt = ledger.send("open-repo", { ...repoPayload, ...change }, { signers });
    expect([receipt.outcome.code, receipt.field]).toEqual([code, field]);
  });

  test("COLLATERAL_NOT_ELIGIBLE without a price, REPO_EXISTS, INSUFFICIENT_CASH, ACCOUNT_FROZEN", () => {
    const ledger = opened();
    const codeOf = (change: Partial<Opening>) =>
      ledger.send("open-repo", { ...repoPayload, ...change }, bothBanks).outcome.code;
    expect(codeOf({})).toBe("REPO_EXISTS");
    const more = { repo: "REPO-2", lots: [lot(100)], cash: 90n * MILLION };
    ledger.alterAccount("SGLA-HBL", { status: "BLOCKED_DEBIT" });
    expect(codeOf(more)).toBe("ACCOUNT_FROZEN");
    ledger.alterAccount("SGLA-HBL", { status: "OPEN" });
    const away = {
      fromAccount: "CASH-UBL",
      toAccount: "CASH-GOV",
      amount: cashOf(ledger, "UBL"),
      reference: "OUT",
    };
    ledger.mustSend("transfer-cbdc", away, { member: "UBL" });
    expect(codeOf(more)).toBe("INSUFFICIENT_CASH");
    ledger.state.delete(`collateral-terms/${PIB}`);
    ledger.tree = ledger.tree.update([[`collateral-terms/${PIB}`, null]]);
    expect(codeOf(more)).toBe("COLLATERAL_NOT_ELIGIBLE");
  });
});

describe("substitution", () => {
  const swap = {
    repo: "REPO-1",
    giverSecuritiesAccount: "SGLA-HBL",
    takerSecuritiesAccount: "SGLA-UBL",
    given: lot(100, OTHER_PIB),
    returned: lot(80),
  };

  test("exchanges collateral in one step, as long as it covers what is owed", () => {
    // 500m at 97.90 are worth 489.5m; 420m and 100m of the other at 85.50 are 496.68m.
    const ledger = opened();
    ledger.mustSend("substitute-collateral", swap, bothBanks);
    expect(held(ledger, "SGLA-HBL", PIB).pledged).toBe(420n * MILLION);
    expect(held(ledger, "SGLA-HBL", OTHER_PIB)).toEqual({ available: 0n, pledged: 100n * MILLION });
    expect(repoOf(ledger)?.lots).toEqual([lot(420), lot(100, OTHER_PIB)]);
  });

  test.each([
    ["AMOUNT_ZERO", { given: lot(0) }],
    ["AMOUNT_ZERO", { returned: lot(0) }],
    ["ASSET_UNKNOWN", { given: lot(1, "US0378331005") }],
    ["REPO_UNKNOWN", { repo: "X" }],
    ["COUNTERPARTY_NOT_MATCHED", { takerSecuritiesAccount: "SGLA-HBL" }],
    ["DENOMINATION", { given: { isin: OTHER_PIB, face: 5_000_000n } }],
    ["COLLATERAL_UNKNOWN", { returned: lot(501) }],
    ["COLLATERAL_UNKNOWN", { returned: lot(1, OTHER_PIB) }],
    ["COLLATERAL_INSUFFICIENT", { returned: lot(90) }],
    ["INSUFFICIENT_SECURITIES", { given: lot(101, OTHER_PIB) }],
  ])("%s", (code, change) => {
    const ledger = opened();
    const receipt = ledger.send("substitute-collateral", { ...swap, ...change }, bothBanks);
    expect(receipt.outcome.code).toBe(code);
  });

  test("both sides sign; nothing leaves a frozen account by it", () => {
    const ledger = opened();
    const alone = ledger.send("substitute-collateral", swap, { signers: ["HBL"] });
    expect(alone.field).toBe("operator of takerSecuritiesAccount");
    ledger.alterAccount("SGLA-HBL", { status: "BLOCKED_DEBIT" });
    const frozen = ledger.send("substitute-collateral", swap, bothBanks);
    expect(frozen.outcome.code).toBe("ACCOUNT_FROZEN");
  });

  test("by title transfer the lots cross", () => {
    const ledger = opened({ form: "TITLE_TRANSFER" });
    ledger.mustSend("substitute-collateral", swap, bothBanks);
    expect(held(ledger, "SGLA-HBL", PIB).available).toBe(180n * MILLION);
    expect(held(ledger, "SGLA-UBL", OTHER_PIB).available).toBe(100n * MILLION);
  });
});

describe("margin", () => {
  const calling = { signers: ["UBL"] };
  const answer = { ...giver, lot: lot(50) };

  function called(): TestLedger {
    const ledger = opened();
    priced(ledger, PIB, 950_000, 0);
    ledger.mustSend("call-margin", taker, calling);
    return ledger;
  }

  test("is called when the price falls, met by more collateral, and given back when it rises", () => {
    const ledger = opened();
    const covered = ledger.send("call-margin", taker, calling);
    expect(covered.outcome.code).toBe("MARGIN_SUFFICIENT");
    priced(ledger, PIB, 950_000, 0);
    const transaction = ledger.transaction("call-margin", taker, calling);
    const { events } = ledger.block(transaction);
    expect(events[0]?.event.body).toEqual({
      repo: "REPO-1",
      exposure: 48_950_000_000n,
      value: 47_500_000_000n,
      dueMs: Date.UTC(2025, 10, 26, 12),
    });
    expect(ledger.send("call-margin", taker, calling).outcome.code).toBe("REPO_PHASE");
    ledger.mustSend("add-margin", { ...giver, lot: lot(10) }, { signers: ["HBL"] });
    expect(repoOf(ledger)?.callDueMs).toBeDefined();
    ledger.mustSend("add-margin", answer, { signers: ["HBL"] });
    expect(repoOf(ledger)?.callDueMs).toBeUndefined();
    expect(held(ledger, "SGLA-HBL", PIB).pledged).toBe(560n * MILLION);
    const back = { ...taker, lot: lot(45) };
    const codeOf = (change: object) =>
      ledger.send("return-margin", { ...back, ...change }, calling).outcome.code;
    expect(codeOf({})).toBe("COLLATERAL_INSUFFICIENT");
    priced(ledger, PIB, 979_000, 0);
    expect(codeOf({ lot: lot(0) })).toBe("AMOUNT_ZERO");
    expect(codeOf({ repo: "X" })).toBe("REPO_UNKNOWN");
    expect(codeOf({ lot: lot(561) })).toBe("COLLATERAL_UNKNOWN");
    expect(codeOf({})).toBe("APPLIED");
    expect(held(ledger, "SGLA-HBL", PIB).pledged).toBe(515n * MILLION);
  });

  test("interest counts: after a day the same collateral is too little", () => {
    const ledger = opened();
    passTo(ledger, ledger.timestampMs + DAY_MS);
    expect(ledger.send("call-margin", taker, calling).outcome.code).toBe("APPLIED");
  });

  test("substitution can answer a call too", () => {
    const ledger = called();
    const swap = { ...giver, ...taker, given: lot(100, OTHER_PIB), returned: lot(50) };
    ledger.mustSend("substitute-collateral", swap, bothBanks);
    expect(repoOf(ledger)?.callDueMs).toBeUndefined();
  });

  test("add-margin: codes", () => {
    const ledger = called();
    const codeOf = (change: object) =>
      ledger.send("add-margin", { ...answer, ...change }, { signers: ["HBL"] }).outcome.code;
    expect(codeOf({ lot: lot(0) })).toBe("AMOUNT_ZERO");
    expect(codeOf({ lot: lot(1, "US0378331005") })).toBe("ASSET_UNKNOWN");
    expect(codeOf({ repo: "X" })).toBe("REPO_UNKNOWN");
    expect(codeOf({ giverSecuritiesAccount: "CASH-HBL" })).toBe("COUNTERPARTY_NOT_MATCHED");
    expect(codeOf({ lot: { isin: PIB, face: 1n } })).toBe("DENOMINATION");
    expect(codeOf({ lot: lot(101) })).toBe("INSUFFICIENT_SECURITIES");
    ledger.alterAccount("SGLA-HBL", { status: "BLOCKED_DEBIT" });
    expect(codeOf({})).toBe("ACCOUNT_FROZEN");
    ledger.alterAccount("SGLA-HBL", { status: "OPEN" });
    const repo = repoOf(ledger);
    ledger.checksWholeState = false;
    const isins = Array.from({ length: MAX_LOTS }, (_, i) => `PK0000000${String(10 + i)}0`);
    const lots = isins.map((isin) => ({ isin, face: 1n }));
    if (repo !== undefined) ledger.write(repoTable.entry({ ...repo, lots }));
    expect(codeOf({})).toBe("LIMIT_REACHED");
  });
});

describe("default", () => {
  const closeOut = { signers: ["UBL", "SBP"] };

  test("after the end the taker keeps what it is owed in securities, and the rest goes back", () => {
    const ledger = opened();
    const codeOf = (change: object) =>
      ledger.send("default-repo", { ...taker, ...change }, closeOut).outcome.code;
    expect(codeOf({})).toBe("REPO_PHASE");
    expect(codeOf({ repo: "X" })).toBe("REPO_UNKNOWN");
    expect(codeOf({ takerSecuritiesAccount: "SGLA-SBP" })).toBe("COUNTERPARTY_NOT_MATCHED");
    priced(ledger, PIB, 1_000_000, 0);
    passTo(ledger, ledger.timestampMs + 8 * DAY_MS);
    const transaction = ledger.transaction("default-repo", taker, closeOut);
    const { events } = ledger.block(transaction);
    const owed = 48_950_000_000n + 118_016_438n; // eight days
    const kept = 49_070_000_000n; // whole denominations at 100.0000
    expect(events.at(-1)?.event.body).toEqual({
      repo: "REPO-1",
      owed,
      kept: [{ isin: PIB, face: kept }],
      returned: [{ isin: PIB, face: 50_000_000_000n - kept }],
      value: kept,
      shortfall: 0n,
    });
    expect(held(ledger, "SGLA-UBL", PIB).available).toBe(100n * MILLION + kept);
    expect(held(ledger, "SGLA-HBL", PIB)).toEqual({
      available: 600n * MILLION - kept,
      pledged: 0n,
    });
    expect(codeOf({})).toBe("REPO_PHASE");
  });

  test("after a margin call that was not answered; what is missing stays owed", () => {
    const ledger = opened({ form: "TITLE_TRANSFER" });
    priced(ledger, PIB, 900_000, 0);
    ledger.mustSend("call-margin", taker, { signers: ["UBL"] });
    const early = ledger.send("default-repo", taker, closeOut);
    expect(early.outcome.code).toBe("REPO_PHASE");
    passTo(ledger, Date.UTC(2025, 10, 26, 12) + 1);
    const transaction = ledger.transaction("default-repo", taker, closeOut);
    const { events } = ledger.block(transaction);
    expect(events.at(-1)?.event.body).toMatchObject({
      kept: [lot(500)],
      returned: [],
      value: 45_000_000_000n,
      shortfall: 48_950_000_000n + 14_752_055n - 45_000_000_000n,
    });
    expect(held(ledger, "SGLA-UBL", PIB).available).toBe(600n * MILLION);
  });

  test("does not reach into a frozen account, and needs the central bank", () => {
    const ledger = opened();
    passTo(ledger, ledger.timestampMs + 8 * DAY_MS);
    const alone = ledger.send("default-repo", taker, { signers: ["UBL"] });
    expect(alone.field).toBe("role CENTRAL_BANK");
    ledger.alterAccount("SGLA-HBL", { status: "BLOCKED_BOTH" });
    const frozen = ledger.send("default-repo", taker, closeOut);
    expect(frozen.outcome.code).toBe("ACCOUNT_FROZEN");
    expect(held(ledger, "SGLA-HBL", PIB).pledged).toBe(500n * MILLION);
  });
});
