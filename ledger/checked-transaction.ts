import type { SignedTransaction } from "./envelope.ts";

/** A transaction and what the node found when it verified its signatures. */
export interface CheckedTransaction {
  readonly transaction: SignedTransaction;
  /** Length of the transaction on the wire. */
  readonly byteLength: number;
  /**
   * For each signature, in order, the public key under which it verified; undefined where it did
   * not. The ledger compares it with the key registered before the block.
   */
  readonly verifiedKeys: readonly (Uint8Array | undefined)[];
}
