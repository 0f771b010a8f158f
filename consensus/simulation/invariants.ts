/** What must hold in every run with Byzantine weight within the bound. */
export type Invariant =
  /** Finalized chains of honest nodes are prefixes of one another. */
  | "S1"
  /** At most one block is notarized in a view. */
  | "S2"
  /** No view is both nullified and finalized. */
  | "S3"
  /** What is finalized was notarized with the same target; all views it skips are nullified. */
  | "S4"
  /** No honest key contradicts itself or signs at or below its floor, across restarts. */
  | "S5"
  /** Nothing is on the wire before the disk holds what it promises. */
  | "S6"
  /** Floor, view and applied height never go back. */
  | "S7"
  /** Equal height means equal state; each transaction is executed once. */
  | "S8"
  /** Timestamps rise along the chain and lie within the bounds of an honest clock. */
  | "S9"
  /** Certificates that honest nodes send are complete and of quorum weight. */
  | "S10"
  /** A core's memory stays within its bounds. */
  | "S11"
  /** The same seed gives the same run, event for event. */
  | "S12"
  /** An honest node neither stops for good nor throws. */
  | "HALT"
  /** A run stays within its budget of events: nothing feeds on itself. */
  | "LOAD"
  /** After stabilisation every honest node finalizes new blocks in bounded time. */
  | "L1"
  /** A transaction that an honest node holds after stabilisation becomes final. */
  | "L2"
  /** After stabilisation all honest nodes reach the same floor. */
  | "L3"
  /** After stabilisation a node that was down or lost its disk catches up. */
  | "L4"
  /** At rest no view is nullified, views pass for heartbeat blocks alone, traffic is bounded. */
  | "L5"
  /** At rest heartbeat blocks appear. */
  | "L6"
  /** After stabilisation an epoch ends and the next begins at every honest node. */
  | "L7"
  /** Who contradicts itself before an honest node, after stabilisation, is convicted on the chain. */
  | "L8"
  /** After all nodes were down at once the chain goes on. */
  | "L9"
  /** A header stands in its epoch, and names the next validators exactly where it ends. */
  | "EPOCH"
  /** Evidence in a final block convicts a Byzantine key, and none twice by the same proof. */
  | "EVIDENCE";

export interface Violation {
  readonly invariant: Invariant;
  readonly atMs: number;
  readonly detail: string;
}
