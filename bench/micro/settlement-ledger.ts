import type { CheckedTransaction } from "../../ledger/checked-transaction.ts";
import type { TransactionBody } from "../../ledger/envelope.ts";
import {
  buildBody,
  type SignedTransaction,
  unsigned,
  withSignatures,
} from "../../ledger/envelope.ts";
import {
  cashAccount,
  DENOMINATION,
  openedLedger,
  PIB,
  PIB_TERMS,
  sgla,
  type TestLedger,
} from "../../ledger/testing/test-ledger.ts";

/** Accounts of each kind and bank: settlements spread over them. */
const ACCOUNTS = 16;
/** Denominations that each seller's account holds: more than any block here moves. */
const HOLDING = 1_000n;
const COINS = 3n * HOLDING * DENOMINATION;
const CLEAN = 9_567_130n;
const ACCRUED = 23_204n;

/** A ledger on which HBL can sell bonds to UBL for a long time, from and to sixteen accounts each. */
export function settlementLedger(): TestLedger {
  const ledger = openedLedger();
  // The check of the whole state after each block is for tests.
  ledger.checksWholeState = false;
  const both = { signers: ["SBP", "FINDIV"] };
  const face = HOLDING * DENOMINATION * BigInt(ACCOUNTS);
  ledger.mustSend("register-instrument", { isin: PIB, terms: PIB_TERMS }, both);
  ledger.mustSend("authorise-instrument", { isin: PIB, face, mandateRef: "MANDATE-1" }, both);
  ledger.mustSend("issue", { isin: PIB, face, account: "ISS", mandateRef: "MANDATE-1" });
  for (let i = 0; i < ACCOUNTS; i++) {
    for (const bank of ["HBL", "UBL"]) {
      const signers = ["SBP", bank];
      ledger.mustSend("open-account", sgla(`SGLA-${bank}-${i}`, bank), { signers });
      ledger.mustSend("open-account", cashAccount(`CASH-${bank}-${i}`, bank), { signers });
      const account = `CASH-${bank}-${i}`;
      ledger.mustSend("mint-cbdc", { account, amount: COINS, reserveRef: `RES-${bank}-${i}` });
    }
    const primary = {
      settlementRef: `PRIMARY-${i}`,
      isin: PIB,
      face: HOLDING * DENOMINATION,
      delivererAccount: "ISS",
      receiverAccount: `SGLA-HBL-${i}`,
      payerCashAccount: `CASH-HBL-${i}`,
      payeeCashAccount: "CASH-GOV",
      cleanAmount: HOLDING * CLEAN,
      accruedInterest: HOLDING * ACCRUED,
    };
    ledger.mustSend("settle-dvp", primary, { member: "HBL", signers: ["HBL", "SBP"] });
  }
  return ledger;
}

/** Body of settlement `i`: two parties, two legs, four accounts. */
export function settlementBody(chainId: string, i: number, expiresAtHeight: number) {
  const seller = i % ACCOUNTS;
  const buyer = (i + Math.floor(i / ACCOUNTS)) % ACCOUNTS;
  const head = { chainId, member: "UBL", clientRef: `BENCH-${i}`, expiresAtHeight };
  const body = buildBody(head, "settle-dvp", {
    settlementRef: `BENCH-${i}`,
    isin: PIB,
    face: DENOMINATION,
    delivererAccount: `SGLA-HBL-${seller}`,
    receiverAccount: `SGLA-UBL-${buyer}`,
    payerCashAccount: `CASH-UBL-${buyer}`,
    payeeCashAccount: `CASH-HBL-${seller}`,
    cleanAmount: CLEAN,
    accruedInterest: ACCRUED,
  });
  return body satisfies TransactionBody;
}

/** With stand-ins for both signatures: for everything but the verification of them. */
export function signedSettlement(body: TransactionBody): SignedTransaction {
  const signatures = ["HBL", "UBL"].map((member) => {
    return { member, keyId: "k1", signature: new Uint8Array(64).fill(7) };
  });
  return withSignatures(unsigned(body), signatures);
}

/** The same by every institution that any kind asks for. */
export function signedByAll(body: TransactionBody): SignedTransaction {
  const signatures = ["FINDIV", "HBL", "SBP", "UBL"].map((member) => {
    return { member, keyId: "k1", signature: new Uint8Array(64).fill(7) };
  });
  return withSignatures(unsigned(body), signatures);
}

/** `count` settlements for the next block, as a node hands them over after verification. */
export function checkedSettlements(
  ledger: TestLedger,
  count: number,
): readonly CheckedTransaction[] {
  return Array.from({ length: count }, (_, i) => {
    const body = settlementBody(ledger.chainId, i, ledger.height + 10);
    return ledger.checked(signedSettlement(body));
  });
}
