import { expect, test } from "vitest";
import { AMOUNT_MAX } from "../../primitives/codec/schema.ts";
import { MAX_ASSETS_PER_ACCOUNT, MAX_INSTRUMENTS } from "../limits.ts";
import { balanceOf } from "../queries.ts";
import { balanceTable } from "../state/balance.ts";
import { holdingsTable } from "../state/holdings.ts";
import { instrumentIndexTable } from "../state/instrument.ts";
import {
  DENOMINATION,
  OTHER_PIB,
  openedLedger,
  PIB,
  PIB_TERMS,
  primaryDvp,
  readyLedger,
  type TestLedger,
} from "../testing/test-ledger.ts";
import { CBDC } from "../types.ts";

/** The ISIN-shaped name number i: the ledger's indexes do not look at check digits. */
const isin = (i: number): string => `PK${String(i).padStart(9, "0")}0`;

/** States at a bound, which no test reaches by transactions: written behind the ledger's back. */
function fillHoldings(ledger: TestLedger, account: string): void {
  ledger.checksWholeState = false;
  const assets = Array.from({ length: MAX_ASSETS_PER_ACCOUNT }, (_, i) => isin(i));
  ledger.write(holdingsTable.entry({ account, assets }));
}

function fillBalance(ledger: TestLedger, account: string, asset: string): void {
  ledger.checksWholeState = false;
  const [total, none] = [AMOUNT_MAX, 0n];
  const parts = { available: total, reserved: none, pledged: none, blocked: none };
  ledger.write(balanceTable.entry({ account, asset, total, ...parts }));
}

function withoutBalance(ledger: TestLedger, account: string, asset: string): void {
  const key = `balance/${account}/${asset}`;
  ledger.state.delete(key);
  ledger.tree = ledger.tree.update([[key, null]]);
}

const both = { signers: ["SBP", "FINDIV"] };
const more = { isin: PIB, face: DENOMINATION, mandateRef: "M" };
const moves = {
  "settle-dvp": {
    receiver: "SGLA-HBL",
    asset: PIB,
    send: (ledger: TestLedger) =>
      ledger.send("settle-dvp", primaryDvp, { signers: ["SBP", "HBL"] }),
  },
  issue: {
    receiver: "ISS",
    asset: PIB,
    send: (ledger: TestLedger) => ledger.send("issue", { ...more, account: "ISS" }),
  },
  "mint-cbdc": {
    receiver: "CASH-GOV",
    asset: CBDC,
    send: (ledger: TestLedger) =>
      ledger.send("mint-cbdc", { account: "CASH-GOV", amount: 1n, reserveRef: "R" }),
  },
  "transfer-cbdc": {
    receiver: "CASH-GOV",
    asset: CBDC,
    send: (ledger: TestLedger) => {
      const accounts = { fromAccount: "CASH-HBL", toAccount: "CASH-GOV" };
      const payload = { ...accounts, amount: 1n, reference: "E2E" };
      return ledger.send("transfer-cbdc", payload, { member: "HBL" });
    },
  },
} as const;

test.each(Object.entries(moves))("%s: LIMIT_REACHED, and nothing moves", (_, move) => {
  const ledger = readyLedger();
  ledger.mustSend("authorise-instrument", more, both);
  withoutBalance(ledger, move.receiver, move.asset);
  fillHoldings(ledger, move.receiver);
  const receipt = move.send(ledger);
  expect(receipt.outcome.code).toBe("LIMIT_REACHED");
  expect(balanceOf(ledger.state, move.receiver, move.asset)).toBeUndefined();
  expect(balanceOf(ledger.state, "CASH-HBL", CBDC)?.total).toBe(500_000_000n);
});

test.each(Object.entries(moves))("%s: AMOUNT_OVERFLOW, and nothing moves", (_, move) => {
  const ledger = readyLedger();
  ledger.mustSend("authorise-instrument", more, both);
  fillBalance(ledger, move.receiver, move.asset);
  const receipt = move.send(ledger);
  expect(receipt.outcome.code).toBe("AMOUNT_OVERFLOW");
  expect(balanceOf(ledger.state, move.receiver, move.asset)?.total).toBe(AMOUNT_MAX);
  expect(balanceOf(ledger.state, "CASH-HBL", CBDC)?.total).toBe(500_000_000n);
});

test("register-instrument: LIMIT_REACHED", () => {
  const ledger = openedLedger();
  ledger.checksWholeState = false;
  const isins = Array.from({ length: MAX_INSTRUMENTS }, (_, i) => isin(i));
  ledger.write(instrumentIndexTable.entry({ isins }));
  const registration = { isin: OTHER_PIB, terms: PIB_TERMS };
  const receipt = ledger.send("register-instrument", registration, both);
  expect(receipt.outcome.code).toBe("LIMIT_REACHED");
});

test("mint-cbdc: ACCOUNT_CLOSED", () => {
  const ledger = openedLedger();
  ledger.alterAccount("CASH-GOV", { status: "CLOSED" });
  const mint = { account: "CASH-GOV", amount: 1n, reserveRef: "R" };
  expect(ledger.send("mint-cbdc", mint).outcome.code).toBe("ACCOUNT_CLOSED");
});
