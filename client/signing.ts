import {
  decodeSignedTransaction,
  encodeSignedTransaction,
  mergeSigned,
  type SignedTransaction,
  signatureBy,
  type TransactionSignature,
  withSignatures,
} from "../ledger/envelope.ts";
import { verifyOracle } from "../primitives/ed25519/criterion.ts";
import type { Signer } from "../primitives/ed25519/signer.ts";
import { CodedError } from "../primitives/errors.ts";

/** Who signs, and with which of its registered keys. */
export interface SigningParty {
  readonly member: string;
  readonly keyId: string;
  readonly signer: Signer;
}

export class SigningError extends CodedError<"NOTHING_TO_MERGE"> {
  override readonly name = "SigningError";
}

/**
 * The transaction with one more signature. Nothing here needs a network: the file or QR code that
 * travels is `transactionBytes`, and what is signed is shown by `inspect` first.
 */
export function sign(transaction: SignedTransaction, party: SigningParty): SignedTransaction {
  const signature = signatureBy(transaction, party.member, party.keyId, party.signer);
  return withSignatures(transaction, [signature]);
}

/**
 * Copies of one transaction, signed apart, as one; their order makes no difference.
 * @throws TransactionError TX_MALFORMED for copies of different transactions, TX_TOO_LARGE for too
 *   many signatures; SigningError NOTHING_TO_MERGE
 */
export function mergeSignatures(copies: readonly SignedTransaction[]): SignedTransaction {
  const [first, ...others] = copies;
  if (first === undefined) throw new SigningError("NOTHING_TO_MERGE", "no transaction given");
  return others.reduce(mergeSigned, first);
}

/** The canonical bytes, signed so far or not at all. */
export function transactionBytes(transaction: SignedTransaction): Uint8Array {
  return encodeSignedTransaction(transaction);
}

/** Reads what `transactionBytes` wrote. Throws TransactionError. */
export function readTransaction(bytes: Uint8Array): SignedTransaction {
  return decodeSignedTransaction(bytes);
}

/** Public key registered for a member's key, undefined where it is not known. */
export type KeyLookup = (member: string, keyId: string) => Uint8Array | undefined;

export type SignatureVerdict = "valid" | "invalid" | "unknown-key";

/** What each signature is worth, under the network's criterion: look before adding one's own. */
export function signatureVerdicts(
  transaction: SignedTransaction,
  keyOf: KeyLookup,
): readonly (readonly [TransactionSignature, SignatureVerdict])[] {
  return transaction.signatures.map((signature) => {
    const publicKey = keyOf(signature.member, signature.keyId);
    if (publicKey === undefined) return [signature, "unknown-key"];
    const valid = verifyOracle(publicKey, transaction.statement, signature.signature);
    return [signature, valid ? "valid" : "invalid"];
  });
}
