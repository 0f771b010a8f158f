/** One signature to check. `publicKey` must be a registered key (see `ed25519/criterion.ts`). */
export interface SignatureCheck {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** The signed bytes themselves, not a digest of them. */
  readonly message: Uint8Array;
  /** 64 bytes: R, then S. Any other length is a signature that does not verify. */
  readonly signature: Uint8Array;
}

/** Votes carry the agreement and go first; transactions are refused before a vote waits for one. */
export type VerificationLane = "vote" | "transaction";

/**
 * Checks signatures in batches. A verdict is a fact about the signature: a verifier that can't
 * reach one (overloaded, closed) rejects the promise with a `CodedError`, it never answers `false`.
 */
export interface Verifier {
  /**
   * Verdicts in the order of `checks`. The bytes are read before the call returns. `source` names
   * who answers for them, the member or peer that sent them: sources take turns, and one that sends
   * too many bad signatures is refused for a while. It must be a name that its bearer has proved: by
   * one that anybody can claim, such as a transaction's member before its signatures are verified,
   * others could spend its budget. Without it the caller answers for them.
   */
  verify(
    checks: readonly SignatureCheck[],
    lane: VerificationLane,
    source?: string,
  ): Promise<readonly boolean[]>;
  close(): Promise<void>;
}

/** One verification backend under the network's criterion; never throws on a bad signature. */
export type VerifySignature = (
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
) => boolean;

/** A verifier on the calling thread: for tools, tests and the SDK, where no pool is worth it. */
export class InlineVerifier implements Verifier {
  readonly #verify: VerifySignature;

  constructor(verify: VerifySignature) {
    this.#verify = verify;
  }

  async verify(checks: readonly SignatureCheck[]): Promise<readonly boolean[]> {
    return checks.map((check) => this.#verify(check.publicKey, check.message, check.signature));
  }

  async close(): Promise<void> {}
}
