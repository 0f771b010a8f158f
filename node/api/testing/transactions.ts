import { type SigningParty, sign, transactionBytes } from "../../../client/signing.ts";
import { testSigner } from "../../../client/testing/fabricated-chain.ts";
import { TransactionBuilder } from "../../../client/transaction-builder.ts";
import type { SignedTransaction } from "../../../ledger/envelope.ts";

/** Test support: signed transactions for the fake node. */

export const SELLER: SigningParty = { member: "HBL", keyId: "ops-1", signer: testSigner(21) };
export const BUYER: SigningParty = { member: "UBL", keyId: "ops-1", signer: testSigner(22) };

export function dvp(chainId: string, clientRef: string, expiresAtHeight = 50): SignedTransaction {
  return new TransactionBuilder(chainId, "HBL").build(
    "settle-dvp",
    {
      settlementRef: `S-${clientRef}`,
      isin: "PK0PIB003015",
      face: 500_000_000_00n,
      delivererAccount: "HBL-SGLA",
      receiverAccount: "UBL-SGLA",
      payerCashAccount: "UBL-CASH",
      payeeCashAccount: "HBL-CASH",
      cleanAmount: 489_500_000_00n,
      accruedInterest: 1_160_220_00n,
    },
    { clientRef, expiresAtHeight },
  );
}

export function signedDvp(chainId: string, clientRef: string, expiresAtHeight = 50) {
  const transaction = sign(sign(dvp(chainId, clientRef, expiresAtHeight), SELLER), BUYER);
  return { transaction, bytes: transactionBytes(transaction) };
}
