import { type CheckedTransaction, keysFor } from "../../ledger/admission.ts";
import type { StateReader } from "../../ledger/state-reader.ts";
import { equalBytes } from "../../primitives/bytes.ts";
import type { SignatureCheck, VerificationLane, Verifier } from "../../primitives/verifier.ts";
import type { WireTransaction } from "../dissemination/batch.ts";
import type { SignatureFindings } from "../dissemination/batch-pool.ts";

/**
 * Signatures handed over at one time. The lane of transactions takes a whole batch, whose 256 KiB
 * hold some 3,400. What a block still needs verified goes on the lane of votes, and there no vote
 * may wait behind more than this: about 30 ms of one thread.
 */
const AT_ONCE: Readonly<Record<VerificationLane, number>> = { transaction: 4096, vote: 512 };

/**
 * Verifies every signature under the key that `state` registers for it; signatures of unknown keys
 * are left without a verdict. `prior` are earlier findings on the same transactions: a signature
 * that was looked at under the key still registered is not looked at again. `source` answers for
 * the signatures (see `Verifier`). The keys are read before the call returns. Rejects as the
 * verifier does, when there is no verdict on all.
 */
export async function checkTransactions(
  transactions: readonly WireTransaction[],
  state: StateReader,
  verifier: Verifier,
  prior: readonly (SignatureFindings | undefined)[] = [],
  lane: VerificationLane = "transaction",
  source?: string,
): Promise<readonly SignatureFindings[]> {
  const checks: SignatureCheck[] = [];
  /** The list that the verdict of each check goes into, and its place there. */
  const places: { keys: (Uint8Array | undefined)[]; signature: number }[] = [];
  const found = transactions.map(({ bytes, transaction }, t) => {
    const triedKeys = keysFor(transaction, state);
    const verifiedKeys: (Uint8Array | undefined)[] = [];
    for (const [s, { signature }] of transaction.signatures.entries()) {
      const publicKey = triedKeys[s];
      const earlier = findingUnder(publicKey, prior[t], s);
      verifiedKeys.push(earlier === "verified" ? publicKey : undefined);
      if (publicKey === undefined || earlier !== undefined) continue;
      places.push({ keys: verifiedKeys, signature: s });
      checks.push({ publicKey, message: transaction.statement, signature });
    }
    return { transaction, byteLength: bytes.length, verifiedKeys, triedKeys };
  });
  for (let start = 0; start < checks.length; start += AT_ONCE[lane]) {
    const slice = checks.slice(start, start + AT_ONCE[lane]);
    const verdicts = await verifier.verify(slice, lane, source);
    for (const [i, check] of slice.entries()) {
      const place = places[start + i];
      if (place !== undefined && verdicts[i] === true) {
        place.keys[place.signature] = check.publicKey;
      }
    }
  }
  return found;
}

/** What is known of a signature under this key. */
function findingUnder(
  publicKey: Uint8Array | undefined,
  prior: SignatureFindings | undefined,
  signature: number,
): "verified" | "bad" | undefined {
  if (publicKey === undefined || prior === undefined) return undefined;
  const verified = prior.verifiedKeys[signature];
  if (verified !== undefined && equalBytes(verified, publicKey)) return "verified";
  const tried = prior.triedKeys?.[signature];
  return tried !== undefined && equalBytes(tried, publicKey) ? "bad" : undefined;
}

/** Whether every signature of the transaction verified. */
export function allVerified(checked: CheckedTransaction): boolean {
  return checked.verifiedKeys.every((key) => key !== undefined);
}
