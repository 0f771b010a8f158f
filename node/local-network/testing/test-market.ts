import type { RpcClient } from "../../../client/rpc-client.ts";
import type { ReceiptView } from "../../../client/views.ts";
import { submitAndWait } from "../../../client/wait.ts";
import type { Kind, Payloads } from "../../../ledger/transactions/kinds.ts";
import type { Participants } from "../../demo/participants.ts";

/** One bond, three institutions with coin accounts, two of them with securities accounts. */
export const ISIN = "PK0PIB003015";
/** PKR 100,000 in paisa. */
export const DENOMINATION = 10_000_000n;
/** PKR 600 billion in paisa: more than USD 2bn at 281.5 PKR per USD. */
export const AUTHORISED = 60_000_000_000_000n;
/** PKR 563 billion in paisa: the programme's ceiling of USD 2bn to the cent. */
export const AT_THE_CEILING = 56_300_000_000_000n;

const OWN = {
  investor: undefined,
  parent: undefined,
  ownership: "OWN",
  window: "CONVENTIONAL",
} as const;

export async function openCashAccounts(parties: Participants): Promise<void> {
  for (const member of ["FINDIV", "CUSTODIAN-A", "CUSTODIAN-B"]) {
    const cash = { account: `${member}-CASH`, kind: "CASH_CBDC", member, ...OWN } as const;
    await parties.settle(["SBP", member], "open-account", cash);
  }
}

/** Accounts, the registered and authorised bond, and an exchange rate; nothing is issued. */
export async function openMarket(parties: Participants): Promise<void> {
  await openCashAccounts(parties);
  const issuance = { account: "ISSUE", kind: "ISSUANCE", member: "SBP", ...OWN } as const;
  await parties.settle(["SBP", "FINDIV"], "open-account", issuance);
  for (const member of ["CUSTODIAN-A", "CUSTODIAN-B"]) {
    const sgla = { account: `${member}-SGLA`, kind: "SGLA", member, ...OWN } as const;
    await parties.settle(["SBP", member], "open-account", sgla);
  }
  await parties.settle(["SBP", "FINDIV"], "register-instrument", {
    isin: ISIN,
    terms: {
      type: "PIB_FIXED",
      body: {
        denomination: DENOMINATION,
        couponRateE4: 70_000,
        couponFrequency: 2,
        issueDate: "2026-08-20",
        maturityDate: "2036-08-20",
        firstCouponDate: "2027-02-20",
        dayCount: "ACT_ACT_ICMA",
      },
    },
  });
  await parties.settle(["FINDIV", "SBP"], "authorise-instrument", {
    isin: ISIN,
    face: AUTHORISED,
    mandateRef: "MANDATE-1",
  });
  await parties.settle(["SBP"], "record-fx-rate", {
    rateE4: 2_815_000,
    effectiveFromMs: Date.now() - 30_000,
    reference: "RATE-1",
  });
}

export function issue(face: bigint): Payloads["issue"] {
  return { isin: ISIN, account: "ISSUE", face, mandateRef: "MANDATE-1" };
}

export function mint(amount: bigint, reserveRef: string): Payloads["mint-cbdc"] {
  return { account: "CUSTODIAN-A-CASH", amount, reserveRef };
}

/** Custodian A buys from the issue. */
export function dvp(
  face: bigint,
  cleanAmount: bigint,
  settlementRef = "S-1",
): Payloads["settle-dvp"] {
  return {
    settlementRef,
    isin: ISIN,
    face,
    delivererAccount: "ISSUE",
    receiverAccount: "CUSTODIAN-A-SGLA",
    payerCashAccount: "CUSTODIAN-A-CASH",
    payeeCashAccount: "FINDIV-CASH",
    cleanAmount,
    accruedInterest: 0n,
  };
}

/** Sends bytes until they are final. */
export async function receiptOf(client: RpcClient, bytes: Uint8Array): Promise<ReceiptView> {
  const finality = await submitAndWait(client, bytes, { waitMs: 60_000 });
  if (finality.status === "committed") return finality.receipt;
  throw new Error(`transaction ${finality.txId} is ${finality.status}`);
}

/** How the ledger ends a transaction, whatever its outcome. */
export async function outcomeOf<K extends Kind>(
  parties: Participants,
  signers: readonly [string, ...string[]],
  kind: K,
  payload: Payloads[K],
): Promise<ReceiptView> {
  const bytes = parties.prepare(signers, kind, payload, await parties.expiry());
  return receiptOf(parties.client, bytes);
}
