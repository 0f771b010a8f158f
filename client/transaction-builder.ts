import {
  buildBody,
  type SignedTransaction,
  type TransactionBody,
  unsigned,
} from "../ledger/envelope.ts";
import type { Kind, Payloads } from "../ledger/transactions/kinds.ts";
import { toHex } from "../primitives/bytes.ts";
import { CodedError } from "../primitives/errors.ts";

/** The sender's own side of a transaction. */
export interface TransactionTerms {
  /**
   * Unique among the member's transactions. Keep it, with the bytes, before the first sending: a
   * retry must send the same bytes, and the same reference never moves value twice.
   */
  readonly clientRef: string;
  /** Last height at which it may stand; see `expiryAt`. */
  readonly expiresAtHeight: number;
}

/**
 * Builds transactions of one member on one chain. Amounts are bigint minor units. The kinds and
 * their payloads are those of the ledger's registry.
 */
export class TransactionBuilder {
  readonly chainId: string;
  readonly member: string;

  constructor(chainId: string, member: string) {
    this.chainId = chainId;
    this.member = member;
  }

  /** An unsigned transaction. Throws CodecError INVALID_VALUE naming the field. */
  build<K extends Kind>(kind: K, payload: Payloads[K], terms: TransactionTerms): SignedTransaction {
    const { clientRef, expiresAtHeight } = terms;
    const head = { chainId: this.chainId, member: this.member, clientRef, expiresAtHeight };
    // A body of one kind is one of the bodies, which the compiler cannot tell of a type parameter.
    return unsigned(buildBody(head, kind, payload) as TransactionBody);
  }
}

export class ExpiryError extends CodedError<"EXPIRY_RANGE"> {
  override readonly name = "ExpiryError";
}

/**
 * The expiry `blocks` ahead of the head, within what the network allows (`chain.info`). Short ones
 * settle doubt soon, long ones leave the parties time to sign. Throws ExpiryError EXPIRY_RANGE.
 */
export function expiryAt(head: number, blocks: number, maxExpiryBlocks: number): number {
  if (!Number.isSafeInteger(blocks) || blocks < 1 || blocks > maxExpiryBlocks) {
    throw new ExpiryError("EXPIRY_RANGE", `expiry is 1..${maxExpiryBlocks} blocks ahead`, {
      got: blocks,
      limit: maxExpiryBlocks,
    });
  }
  return head + blocks;
}

/** A client reference nobody else draws: a short prefix of one's own and 96 random bits. */
export function newClientRef(prefix = ""): string {
  return `${prefix}${toHex(crypto.getRandomValues(new Uint8Array(12)))}`;
}
