/** The words of the protocol, shared by every file of this folder. */

export type VoteKind = "notarize" | "nullify" | "finalize";

/** What a notarize or finalize vote names: a block, its parent and the view of the parent. */
export interface Target {
  readonly parentView: number;
  /** Digest of the parent block, hex. */
  readonly parentDigest: string;
  /** Digest of the block itself, hex. */
  readonly blockDigest: string;
}

/** A signed vote. `target` is absent exactly when `kind` is "nullify". */
export interface Vote {
  readonly kind: VoteKind;
  readonly epoch: number;
  readonly view: number;
  readonly target: Target | undefined;
  /** Index of the signer in the validator set. */
  readonly signer: number;
  /** Ed25519, 64 bytes, over the statement of statements.ts. */
  readonly signature: Uint8Array;
}

/** A vote of this node as the durable record says it: without a signature. */
export interface VoteRecord {
  readonly kind: VoteKind;
  readonly epoch: number;
  readonly view: number;
  readonly target: Target | undefined;
}

/**
 * Votes of one kind, view and target whose signers weigh at least the quorum. A certificate of kind
 * notarize is a notarization, of kind nullify a nullification, of kind finalize a finalization.
 */
export interface Certificate {
  readonly kind: VoteKind;
  readonly epoch: number;
  readonly view: number;
  readonly target: Target | undefined;
  /** Bit i (least significant first) is set when validator i signed. */
  readonly signers: number;
  /** One 64-byte signature for each set bit, in index order. */
  readonly signatures: readonly Uint8Array[];
}

export interface Validator {
  /** Ed25519, 32 bytes, registered (canonical and torsion-free). */
  readonly publicKey: Uint8Array;
  /** Integer, at least 1. */
  readonly weight: number;
}

/**
 * The last committed block, where a node starts from. At genesis: height 0, view 0,
 * digest = chainId, the genesis timestamp and no finalization. At the start of a later epoch: the
 * block that closed the epoch before, with its finalization of that epoch and view 0: views begin
 * anew, and floors are compared by epoch first.
 */
export interface Anchor {
  readonly height: number;
  /** View of this epoch in which the block was finalized, else 0; it is no part of the header. */
  readonly view: number;
  readonly digest: string;
  readonly timestampMs: number;
  readonly finalization?: Certificate | undefined;
}

/**
 * Peers are numbers: a validator's place in the set, and for an observer any number at or above the
 * size of the set that the driver gives to its connection.
 */
export type PeerIndex = number;

/** Stops this node's votes for good (until an operator acts); also journalled. */
export type HaltCode =
  /** The network shows a vote of our key that our journal does not hold: another process signs. */
  | "FOREIGN_SELF_VOTE"
  /** The same, found at start: the journal was lost or rolled back. */
  | "AMNESIA"
  /** A certified block is bad to our executor: this node's state differs from the network's. */
  | "DIVERGENCE"
  /** Certificates contradict one another: more weight is Byzantine than the protocol bears. */
  | "SAFETY_VIOLATION";

export interface Halt {
  readonly code: HaltCode;
  readonly view: number;
  readonly detail: string;
}
