import type { Lot } from "../collateral/lot.ts";
import type { Payloads } from "../transactions/kinds.ts";
import { both, dealersLedger, MILLION } from "./auction-ledger.ts";
import { cashAccount, OTHER_PIB, PIB, PIB_TERMS, sgla, type TestLedger } from "./test-ledger.ts";

/** A ledger with collateral: two banks with bonds and coins, prices, and the central bank's pool. */

export const lot = (millions: number, isin = PIB): Lot => ({
  isin,
  face: BigInt(millions) * MILLION,
});

/** Sells bonds out of issue for a token price. */
export function stock(ledger: TestLedger, bank: string, millions: number, isin = PIB): void {
  const face = BigInt(millions) * MILLION;
  ledger.mustSend("issue", { isin, face, account: "ISS", mandateRef: "MANDATE-1" });
  const sale = {
    settlementRef: "STOCK",
    isin,
    face,
    delivererAccount: "ISS",
    receiverAccount: `SGLA-${bank}`,
    payerCashAccount: `CASH-${bank}`,
    payeeCashAccount: "CASH-GOV",
    cleanAmount: 1n,
    accruedInterest: 0n,
  };
  ledger.mustSend("settle-dvp", sale, { signers: ["SBP", bank] });
}

export function priced(
  ledger: TestLedger,
  isin: string,
  priceE4: number,
  haircutBps: number,
  isEligible = true,
): void {
  const effectiveFromMs = ledger.timestampMs;
  const terms = { isin, priceE4, haircutBps, isEligible, effectiveFromMs, reference: "HC/1" };
  ledger.mustSend("set-collateral-terms", terms);
}

/**
 * HBL has PKR 600m of the PIB at 97.9000 without a haircut and 100m of another bond at 95.0000 with
 * 10%; UBL has PKR 100m of the PIB. Each bank has some PKR 1,005m in coins, the pool 500m.
 */
export function collateralLedger(): TestLedger {
  const ledger = dealersLedger();
  ledger.mustSend("register-instrument", { isin: OTHER_PIB, terms: PIB_TERMS }, both);
  const authorisation = { isin: OTHER_PIB, face: 1_000n * MILLION, mandateRef: "MANDATE-2" };
  ledger.mustSend("authorise-instrument", authorisation, both);
  stock(ledger, "HBL", 600);
  stock(ledger, "UBL", 100);
  stock(ledger, "HBL", 100, OTHER_PIB);
  priced(ledger, PIB, 979_000, 0);
  priced(ledger, OTHER_PIB, 950_000, 1_000);
  ledger.mustSend("open-account", sgla("SGLA-SBP", "SBP"));
  ledger.mustSend("open-account", cashAccount("CASH-SBP", "SBP"));
  const pool = { account: "CASH-SBP", amount: 500n * MILLION, reserveRef: "POOL" };
  ledger.mustSend("mint-cbdc", pool);
  return ledger;
}

/** 500m of the PIB for PKR 489.5m at 11% for seven days. */
export const repoPayload: Payloads["open-repo"] = {
  repo: "REPO-1",
  form: "EARMARK",
  giverSecuritiesAccount: "SGLA-HBL",
  giverCashAccount: "CASH-HBL",
  takerSecuritiesAccount: "SGLA-UBL",
  takerCashAccount: "CASH-UBL",
  lots: [lot(500)],
  cash: 48_950_000_000n,
  rateE4: 110_000,
  endDate: "2025-12-02",
};

export const bothBanks = { signers: ["HBL", "UBL"] };

export const mandate: Payloads["set-liquidity-mandate"] = {
  cashAccount: "CASH-HBL",
  securitiesAccount: "SGLA-HBL",
  poolAccount: "CASH-SBP",
  creditLimit: 400n * MILLION,
  sweeps: true,
  floor: 1_000n,
};
