import type { CheckedTransaction } from "../../ledger/checked-transaction.ts";
import type { SignedTransaction } from "../../ledger/envelope.ts";
import { sgla, TestLedger } from "../../ledger/testing/test-ledger.ts";
import { fromHex, toHex, utf8 } from "../../primitives/bytes.ts";
import { sha256 } from "../../primitives/sha256.ts";
import { type Batch, packBatch, type WireTransaction } from "./batch.ts";
import type { AdmittedTransaction } from "./pending-transactions.ts";

/** Test support: transactions that nobody executes, under signatures that nobody verifies. */

const ledger = new TestLedger();

export function transactionOf(
  clientRef: string,
  member = "HBL",
  expiresAtHeight = 10,
): SignedTransaction {
  return ledger.transaction("open-account", sgla("SGLA-1", "HBL"), {
    member,
    signers: [member],
    clientRef,
    expiresAtHeight,
  });
}

export function wireOf(transaction: SignedTransaction): WireTransaction {
  return { bytes: transaction.bytes, transaction };
}

/** Under a made-up length on the wire: only the pool counts it. */
export function sizedWire(transaction: SignedTransaction, length: number): WireTransaction {
  return { bytes: new Uint8Array(length), transaction };
}

export function checkedOf(transaction: SignedTransaction): CheckedTransaction {
  return {
    transaction,
    byteLength: transaction.bytes.length,
    verifiedKeys: transaction.signatures.map(() => new Uint8Array(32)),
  };
}

export function admittedOf(transaction: SignedTransaction, length?: number): AdmittedTransaction {
  const bytes = length === undefined ? transaction.bytes : new Uint8Array(length);
  return { bytes, checked: checkedOf(transaction) };
}

/** `count` different transactions, packed by `author`. */
export function batchOf(author: number, sequence: number, count = 1): Batch {
  const transactions = Array.from({ length: count }, (_, i) =>
    wireOf(transactionOf(`${author}.${sequence}.${i}`)),
  );
  return packBatch(author, sequence, transactions);
}

/** A batch of made-up bytes, for what never looks inside. */
export function opaqueBatch(author: number, name: string, bytes = 100): Batch {
  const digest = toHex(sha256(utf8(`${author} ${name}`)));
  const body = new Uint8Array(bytes);
  body.set(fromHex(digest).subarray(0, Math.min(32, bytes)));
  return { digest, bytes: body, author, transactions: [wireOf(SAMPLE)] };
}

export const SAMPLE = transactionOf("sample");

export function digestOf(name: string): string {
  return toHex(sha256(utf8(name)));
}
