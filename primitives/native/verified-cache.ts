import { invariant, present } from "../assert.ts";
import { concatBytes } from "../bytes.ts";
import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES } from "../ed25519/criterion.ts";
import { sha256 } from "../sha256.ts";
import type { SignatureCheck, VerificationLane, Verifier } from "../verifier.ts";

/** About 120 bytes an entry: some 16 MB, several minutes of transactions. */
const DEFAULT_CAPACITY = 131_072;

export interface VerifiedCacheStats {
  readonly size: number;
  readonly hits: number;
  readonly misses: number;
  readonly evictions: number;
}

/**
 * Remembers signatures that verified, so that a transaction checked on arrival isn't checked again
 * in a block. Only positive verdicts are kept: remembered negatives would be memory that anyone can
 * fill for nothing. The key is SHA-256(public key || message || signature): both parties of a trade
 * sign the same bytes, and the bytes of a vote name no signer. Bounded; the least recently used
 * entry goes first.
 */
export class VerifiedCache implements Verifier {
  readonly #inner: Verifier;
  readonly #capacity: number;
  /** A Map iterates in insertion order, so its first key is the least recently used one. */
  readonly #seen = new Map<string, true>();
  #hits = 0;
  #misses = 0;
  #evictions = 0;

  /** `capacity`: entries, at least 1. Closing the cache closes `inner`. */
  constructor(inner: Verifier, capacity: number = DEFAULT_CAPACITY) {
    invariant(Number.isSafeInteger(capacity) && capacity >= 1, "cache capacity is at least 1");
    this.#inner = inner;
    this.#capacity = capacity;
  }

  async verify(
    checks: readonly SignatureCheck[],
    lane: VerificationLane,
    source?: string,
  ): Promise<readonly boolean[]> {
    const verdicts: boolean[] = Array.from({ length: checks.length }, () => true);
    const unknown: SignatureCheck[] = [];
    const origins: { index: number; key: string | undefined }[] = [];
    checks.forEach((check, index) => {
      const key = cacheKey(check);
      if (key !== undefined && this.#recall(key)) return;
      unknown.push(check);
      origins.push({ index, key });
    });
    this.#hits += checks.length - unknown.length;
    this.#misses += unknown.length;
    if (unknown.length === 0) return verdicts;
    // Called before the first await: the keys above and the verifier read the same bytes.
    const answers = await this.#inner.verify(unknown, lane, source);
    invariant(answers.length === unknown.length, "a verifier answers every check");
    origins.forEach(({ index, key }, i) => {
      const verdict = present(answers[i], "verdict");
      verdicts[index] = verdict;
      if (verdict && key !== undefined) this.#remember(key);
    });
    return verdicts;
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  stats(): VerifiedCacheStats {
    return {
      size: this.#seen.size,
      hits: this.#hits,
      misses: this.#misses,
      evictions: this.#evictions,
    };
  }

  #recall(key: string): boolean {
    if (!this.#seen.delete(key)) return false;
    this.#seen.set(key, true);
    return true;
  }

  #remember(key: string): void {
    this.#seen.delete(key);
    this.#seen.set(key, true);
    if (this.#seen.size <= this.#capacity) return;
    const [oldest] = this.#seen.keys();
    this.#seen.delete(present(oldest, "oldest entry"));
    this.#evictions += 1;
  }
}

/**
 * The concatenation is unambiguous only with both outer parts at their fixed length, so checks of
 * other lengths (which never verify) have no key.
 */
function cacheKey(check: SignatureCheck): string | undefined {
  const { publicKey, message, signature } = check;
  if (publicKey.length !== PUBLIC_KEY_BYTES || signature.length !== SIGNATURE_BYTES) {
    return undefined;
  }
  const digest = sha256(concatBytes(publicKey, message, signature));
  // One character a byte: half the memory of hexadecimal, and this key never leaves the cache.
  return Buffer.from(digest.buffer, digest.byteOffset, digest.length).toString("latin1");
}
