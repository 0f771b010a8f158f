import type { BlockHeader } from "./header.ts";
import type { ConsensusMessage } from "./messages.ts";
import type { PeerIndex } from "./types.ts";

export type TimerKind =
  /** No proposal of the leader. */
  | "leader"
  /** No certificate for the view. */
  | "advance"
  /** The leader may propose now. */
  | "propose"
  /** A proposal's timestamp stops being in the future. */
  | "timestamp"
  /** A notarized block has stayed unfinal long enough to need another one. */
  | "unfinished"
  /** An empty block is due. */
  | "heartbeat"
  | "standstill"
  | "status"
  /** Retry of a request for blocks. */
  | "catchUp"
  /** Retry of requests for headers and certificates. */
  | "fetch";

/**
 * Identifies one setting of a timer. A later setTimer of the same kind replaces it: the driver may
 * cancel the earlier one, and the core ignores it if it fires all the same.
 */
export interface Timer {
  readonly kind: TimerKind;
  readonly epoch: number;
  readonly view: number;
  readonly generation: number;
}

/**
 * Everything that can happen to a core. Messages are delivered only after every signature that
 * `signaturesOf` lists has been verified; the core trusts this.
 */
export type ConsensusEvent =
  /**
   * First event after createState or restore. `incarnation` differs from that of every earlier
   * process start of this node and is above 0 (the driver takes its clock or a random number).
   */
  | { readonly type: "start"; readonly incarnation: number }
  /** `from` is the authenticated peer. */
  | { readonly type: "message"; readonly from: PeerIndex; readonly message: ConsensusMessage }
  /** Answer to sign: one 64-byte signature for each statement, in order. */
  | { readonly type: "signed"; readonly id: number; readonly signatures: readonly Uint8Array[] }
  | { readonly type: "timerFired"; readonly timer: Timer }
  /** Answer to build; no header when the application cannot build on that parent. */
  | { readonly type: "built"; readonly view: number; readonly header: BlockHeader | undefined }
  /**
   * Answer to validate. "bad" only as a pure function of header, batches and parent state; where a
   * batch is missing there is no answer yet.
   */
  | { readonly type: "validated"; readonly digest: string; readonly verdict: "valid" | "bad" }
  /** Whether transactions wait that are executable on the tip; sent when it changes. */
  | { readonly type: "work"; readonly pending: boolean }
  /** The blocks up to this height are applied and durable. */
  | { readonly type: "applied"; readonly height: number }
  /** A connection to a peer stands (again). */
  | { readonly type: "peerConnected"; readonly index: PeerIndex };
