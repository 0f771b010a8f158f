import type { Timer } from "./events.ts";
import type { Evidence } from "./evidence.ts";
import type { BlockHeader } from "./header.ts";
import type { ConsensusMessage } from "./messages.ts";
import type { Certificate, Halt, HaltCode, PeerIndex } from "./types.ts";

/** The header fields that parents need, also known of the anchor, whose header may be gone. */
export interface ParentBlock {
  readonly digest: string;
  readonly height: number;
  readonly timestampMs: number;
  /** Absent for the block the node started from. */
  readonly header: BlockHeader | undefined;
}

export type NullifyReason =
  | "NO_PROPOSAL"
  | "NO_CERTIFICATE"
  | "NOT_TIMELY"
  | "BAD_BLOCK"
  | "LEADER_EQUIVOCATED"
  | "LEADER_NULLIFIED"
  | "AMPLIFIED"
  | "HOLE"
  | "CANNOT_PROPOSE";

export type PeerFaultCode =
  | "BROKEN_JUSTIFICATION"
  | "WRONG_CHAIN_OF_BLOCKS"
  | "WRONG_HEADER"
  /** A reply from another peer than the one asked. */
  | "UNSOLICITED"
  | "EMPTY_REPLY";

/** For operators and metrics; the core has already drawn its own consequences. */
export type Report =
  /** A contradiction seen here, or proved by a peer; one for each signer and epoch is enough. */
  | { readonly kind: "evidence"; readonly evidence: Evidence }
  | {
      readonly kind: "halted";
      readonly code: HaltCode;
      readonly epoch: number;
      readonly view: number;
      readonly detail: string;
    }
  /** Two certificates that correct validators could not both have made; the halt follows. */
  | {
      readonly kind: "conflictingCertificates";
      readonly first: Certificate;
      readonly second: Certificate;
    }
  | { readonly kind: "peerFault"; readonly peer: PeerIndex; readonly code: PeerFaultCode }
  /** Own vote against a view, with its cause. */
  | { readonly kind: "nullifying"; readonly view: number; readonly reason: NullifyReason }
  /** Own clock minus the weighted median of the peers' clocks; sent when it crosses the bound. */
  | { readonly kind: "clockSkew"; readonly offsetMs: number; readonly alarm: boolean }
  /** The wait for answers after a start is over: this node votes from now on. */
  | { readonly kind: "votingEnabled"; readonly view: number }
  /** The journal held records that do not belong here (another chain, epoch or version). */
  | { readonly kind: "ignoredRecords"; readonly count: number };

/**
 * What the driver does for the core, strictly in this order. Each send, broadcast, sign, commit,
 * endEpoch, serveBlocks that stands after a persist is released only when that persist and all before it are
 * durable (fdatasync), across steps too. build, validate, setTimer and report wait for nothing.
 */
export type Effect =
  /** Opaque records of journal.ts, to append in this order. */
  | { readonly type: "persist"; readonly records: readonly Uint8Array[] }
  /** Answered by the event `signed` with the same id. */
  | { readonly type: "sign"; readonly id: number; readonly statements: readonly Uint8Array[] }
  | { readonly type: "send"; readonly to: PeerIndex; readonly message: ConsensusMessage }
  /** To every connected peer; never back to this node. */
  | { readonly type: "broadcast"; readonly message: ConsensusMessage }
  | { readonly type: "setTimer"; readonly timer: Timer; readonly delayMs: number }
  /**
   * Build a block on `parent`: height, parentDigest, proposer, epoch and timestamp are given, the
   * application adds batches (none unless allowTransactions), roots, the hash of the next validator
   * set where the epoch ends, and the evidence of the offered that the ledger does not hold yet, in
   * the same order; what it leaves out is not offered again. Answered by `built`. All batch
   * payloads are durable before the answer.
   */
  | {
      readonly type: "build";
      readonly view: number;
      readonly epoch: number;
      readonly proposer: number;
      readonly parent: ParentBlock;
      readonly timestampMs: number;
      readonly allowTransactions: boolean;
      /** In the order of headers, at most MAX_EVIDENCE_PER_BLOCK, none of it in an ancestor. */
      readonly evidence: readonly Evidence[];
    }
  /**
   * Fetch missing batches, make them durable, execute on the parent's state, compare roots, the
   * next validator set and that no evidence is on the ledger already; answer with `validated`. The
   * signatures of evidence have been verified by a quorum or before delivery. May be asked again for the same digest: then answer again, from memory.
   * The parent has been validated or committed before.
   */
  | {
      readonly type: "validate";
      readonly digest: string;
      readonly view: number;
      readonly header: BlockHeader;
      readonly parent: ParentBlock;
    }
  /** Apply in this order, store the finalization with the last; answered by `applied`. */
  | {
      readonly type: "commit";
      readonly headers: readonly BlockHeader[];
      readonly finalization: Certificate;
    }
  /**
   * The epoch is over: its closing block stands last in the commit before. When that is applied,
   * the driver makes the core of the next epoch, with a journal of its own; until then this one
   * serves its peers, and votes no more. See EpochEnd.
   */
  | { readonly type: "endEpoch"; readonly end: EpochEnd }
  /** Reply with a `blocks` message from the block store, or with a refusal; see BlocksBody. */
  | {
      readonly type: "serveBlocks";
      readonly to: PeerIndex;
      readonly requestId: number;
      readonly fromHeight: number;
      readonly count: number;
    }
  | { readonly type: "report"; readonly report: Report };

/** What the core of the next epoch is made of, besides the validator set that the ledger holds. */
export interface EpochEnd {
  readonly epoch: number;
  readonly closing: BlockHeader;
  readonly digest: string;
  /** View of the finalization: that of the closing block itself or of a copy of it. */
  readonly view: number;
  readonly finalization: Certificate;
  /**
   * For config.startGate. "open" only if this node votes in this epoch, in this process: then its
   * journal is known to be whole, and it cannot have voted in the next epoch before.
   */
  readonly startGate: "open" | "closed";
  /** Unsettled evidence of this epoch, for config.evidence. */
  readonly evidence: readonly Evidence[];
  /** For config.halt, unless the next epoch knows this node by another key. */
  readonly halt: Halt | undefined;
}
