import { describe, expect, test } from "vitest";
import { AMOUNT_MAX } from "../../../primitives/codec/schema.ts";
import { creditQueue, dueKey } from "../../collateral/intraday-credit.ts";
import { MAX_ASSETS_PER_ACCOUNT } from "../../limits.ts";
import { balanceTable } from "../../state/balance.ts";
import { MAX_QUEUE_ENTRIES, queueDirectoryTable } from "../../state/due-queue.ts";
import { holdingsTable } from "../../state/holdings.ts";
import { LedgerState } from "../../state/ledger-state.ts";
import { HOUR_MS, MILLION, passTo } from "../../testing/auction-ledger.ts";
import {
  bothBanks,
  collateralLedger,
  lot,
  mandate,
  priced,
  repoPayload,
} from "../../testing/collateral-ledger.ts";
import { OTHER_PIB, PIB, type TestLedger } from "../../testing/test-ledger.ts";
import { CBDC } from "../../types.ts";

/** States at a bound that no test reaches by transactions: written behind the ledger's back. */
function full(ledger: TestLedger, account: string): void {
  ledger.checksWholeState = false;
  const assets = Array.from(
    { length: MAX_ASSETS_PER_ACCOUNT },
    (_, i) => `PK${String(i).padStart(9, "0")}0`,
  );
  ledger.write(holdingsTable.entry({ account, assets }));
  for (const asset of [PIB, OTHER_PIB, CBDC]) {
    const key = `balance/${account}/${asset}`;
    ledger.state.delete(key);
    ledger.tree = ledger.tree.update([[key, null]]);
  }
}

function brimming(ledger: TestLedger, account: string, asset: string): void {
  ledger.checksWholeState = false;
  const parts = { reserved: 0n, pledged: 0n, blocked: 0n };
  const balance = { total: AMOUNT_MAX, available: AMOUNT_MAX, ...parts };
  ledger.write(balanceTable.entry({ account, asset, ...balance }));
}

const DAY_MS = 24 * HOUR_MS;
const titled = { ...repoPayload, form: "TITLE_TRANSFER" } as const;
const parties = { giverSecuritiesAccount: "SGLA-HBL", takerSecuritiesAccount: "SGLA-UBL" };

function withRepo(payload: typeof repoPayload): TestLedger {
  const ledger = collateralLedger();
  ledger.mustSend("open-repo", payload, bothBanks);
  return ledger;
}

function withLien(): TestLedger {
  const ledger = collateralLedger();
  const lien = { lien: "L", account: "SGLA-HBL", isin: PIB, face: MILLION };
  const pledge = { ...lien, pledgee: "UBL", pledgeeAccount: "SGLA-UBL", purpose: "P" };
  ledger.mustSend("pledge-units", pledge, bothBanks);
  return ledger;
}

function withMandate(): TestLedger {
  const ledger = collateralLedger();
  ledger.mustSend("set-liquidity-mandate", mandate, { signers: ["HBL", "SBP"] });
  return ledger;
}

/** A credit of 100m that was due the day before. */
function withOverdue(): TestLedger {
  const ledger = withMandate();
  const drawn = { cashAccount: "CASH-HBL", amount: 100n * MILLION };
  ledger.mustSend("draw-intraday-credit", drawn, { member: "HBL" });
  const { available = 0n } = balanceTable.read(ledger.state, `CASH-HBL/${CBDC}`) ?? {};
  const away = { fromAccount: "CASH-HBL", toAccount: "CASH-GOV", amount: available };
  ledger.mustSend("transfer-cbdc", { ...away, reference: "OUT" }, { member: "HBL" });
  passTo(ledger, ledger.timestampMs + DAY_MS);
  return ledger;
}

const closing = {
  repo: "REPO-1",
  giverCashAccount: "CASH-HBL",
  takerCashAccount: "CASH-UBL",
  timing: "EARLY",
} as const;
const swap = { repo: "REPO-1", ...parties, given: lot(100, OTHER_PIB), returned: lot(1) };
const enforced = { cashAccount: "CASH-HBL", securitiesAccount: "SGLA-SBP" };

interface Case {
  readonly make: () => TestLedger;
  /** The receiving account, and the asset that it receives. */
  readonly receives: readonly [account: string, asset: string];
  readonly send: (ledger: TestLedger) => string;
}

const cases: Readonly<Record<string, Case>> = {
  "open-repo by title": {
    make: collateralLedger,
    receives: ["SGLA-UBL", PIB],
    send: (ledger) => ledger.send("open-repo", titled, bothBanks).outcome.code,
  },
  "open-repo, cash": {
    make: collateralLedger,
    receives: ["CASH-HBL", CBDC],
    send: (ledger) => ledger.send("open-repo", repoPayload, bothBanks).outcome.code,
  },
  "substitute-collateral": {
    make: () => withRepo(titled),
    receives: ["SGLA-UBL", OTHER_PIB],
    send: (ledger) => ledger.send("substitute-collateral", swap, bothBanks).outcome.code,
  },
  "add-margin": {
    make: () => withRepo(titled),
    receives: ["SGLA-UBL", OTHER_PIB],
    send: (ledger) => {
      const payload = {
        repo: "REPO-1",
        giverSecuritiesAccount: "SGLA-HBL",
        lot: lot(1, OTHER_PIB),
      };
      return ledger.send("add-margin", payload, bothBanks).outcome.code;
    },
  },
  "return-margin": {
    make: () => withRepo({ ...titled, cash: MILLION }),
    receives: ["SGLA-HBL", PIB],
    send: (ledger) => {
      const payload = { repo: "REPO-1", takerSecuritiesAccount: "SGLA-UBL", lot: lot(1) };
      return ledger.send("return-margin", payload, bothBanks).outcome.code;
    },
  },
  "close-repo": {
    make: () => withRepo(titled),
    receives: ["SGLA-HBL", PIB],
    send: (ledger) => ledger.send("close-repo", closing, bothBanks).outcome.code,
  },
  "default-repo": {
    make: () => {
      const ledger = withRepo(repoPayload);
      passTo(ledger, ledger.timestampMs + 8 * DAY_MS);
      return ledger;
    },
    receives: ["SGLA-UBL", PIB],
    send: (ledger) => {
      const payload = { repo: "REPO-1", takerSecuritiesAccount: "SGLA-UBL" };
      return ledger.send("default-repo", payload, { signers: ["UBL", "SBP"] }).outcome.code;
    },
  },
  "enforce-pledge": {
    make: withLien,
    receives: ["SGLA-UBL", PIB],
    send: (ledger) => {
      const payload = { lien: "L", pledgee: "UBL" };
      return ledger.send("enforce-pledge", payload, { signers: ["UBL", "SBP"] }).outcome.code;
    },
  },
  "draw-intraday-credit": {
    make: withMandate,
    receives: ["CASH-HBL", CBDC],
    send: (ledger) => {
      const payload = { cashAccount: "CASH-HBL", amount: MILLION };
      return ledger.send("draw-intraday-credit", payload, { member: "HBL" }).outcome.code;
    },
  },
  "repay-intraday-credit": {
    make: () => {
      const ledger = withMandate();
      const drawn = { cashAccount: "CASH-HBL", amount: MILLION };
      ledger.mustSend("draw-intraday-credit", drawn, { member: "HBL" });
      return ledger;
    },
    receives: ["CASH-SBP", CBDC],
    send: (ledger) => {
      const payload = { cashAccount: "CASH-HBL", amount: MILLION };
      return ledger.send("repay-intraday-credit", payload, { member: "HBL" }).outcome.code;
    },
  },
  "enforce-intraday-credit": {
    make: withOverdue,
    receives: ["SGLA-SBP", OTHER_PIB],
    send: (ledger) => ledger.send("enforce-intraday-credit", enforced).outcome.code,
  },
  "fund-cbdc": {
    make: withMandate,
    receives: ["CASH-HBL", CBDC],
    send: (ledger) => {
      const entries = [{ cashAccount: "CASH-HBL", amount: 1n, reserveRef: "T/1" }];
      return ledger.send("fund-cbdc", { entries }).outcome.code;
    },
  },
};

describe.each(Object.entries(cases))("%s", (_, { make, receives, send }) => {
  const [account, asset] = receives;

  test("LIMIT_REACHED", () => {
    const ledger = make();
    full(ledger, account);
    expect(send(ledger)).toBe("LIMIT_REACHED");
  });

  test("AMOUNT_OVERFLOW", () => {
    const ledger = make();
    brimming(ledger, account, asset);
    expect(send(ledger)).toBe("AMOUNT_OVERFLOW");
  });
});

test("draw-intraday-credit: LIMIT_REACHED when too many credits wait", () => {
  const ledger = withMandate();
  ledger.checksWholeState = false;
  const state = new LedgerState(ledger.state);
  creditQueue.add(state, dueKey(9e15), "CASH-X");
  const directory = state.of(queueDirectoryTable).get(creditQueue.name);
  if (directory === undefined) throw new Error("the queue has a directory");
  for (const [key, value] of state.changes()) if (value !== null) ledger.write([key, value]);
  ledger.write(queueDirectoryTable.entry({ ...directory, size: MAX_QUEUE_ENTRIES }));
  const payload = { cashAccount: "CASH-HBL", amount: MILLION };
  const receipt = ledger.send("draw-intraday-credit", payload, { member: "HBL" });
  expect(receipt.outcome.code).toBe("LIMIT_REACHED");
});

test("collateral that has lost its price is kept whole in a default, and counts nothing", () => {
  const ledger = withRepo(repoPayload);
  priced(ledger, PIB, 1_000_000, 0);
  passTo(ledger, ledger.timestampMs + 8 * DAY_MS);
  const key = `collateral-terms/${PIB}`;
  ledger.state.delete(key);
  ledger.tree = ledger.tree.update([[key, null]]);
  const payload = { repo: "REPO-1", takerSecuritiesAccount: "SGLA-UBL" };
  const transaction = ledger.transaction("default-repo", payload, { signers: ["UBL", "SBP"] });
  const { events } = ledger.block(transaction);
  expect(events.at(-1)?.event.body).toMatchObject({
    kept: [lot(500)],
    value: 0n,
    shortfall: 48_950_000_000n + 118_016_438n,
  });
});
