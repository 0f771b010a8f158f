/** A place in the genesis order of the validators. */
export type ValidatorIndex = number;

export interface KillCycle {
  readonly victim: ValidatorIndex;
  /** From the kill to the restart. */
  readonly downMs: number;
}

/** One fault as the schedule draws it: everything random about it is decided here. */
export type Fault =
  | { readonly name: "kill-one"; readonly cycles: readonly KillCycle[] }
  | { readonly name: "kill-all"; readonly downMs: number }
  | { readonly name: "pause-one"; readonly victim: ValidatorIndex; readonly holdMs: number }
  | {
      readonly name: "pause-quorum";
      readonly victims: readonly ValidatorIndex[];
      readonly holdMs: number;
    }
  | { readonly name: "partition-halves"; readonly side: Side; readonly holdMs: number }
  | { readonly name: "partition-minority"; readonly side: Side; readonly holdMs: number }
  | {
      readonly name: "partition-one-way";
      readonly victim: ValidatorIndex;
      /** Whether the victim's messages are lost, or those sent to it. */
      readonly lost: "sent" | "received";
      readonly holdMs: number;
    }
  | {
      readonly name: "partition-flapping";
      readonly side: Side;
      /** Times cut and whole, in turn, beginning with a cut. */
      readonly periodsMs: readonly number[];
    }
  | {
      readonly name: "slow-links";
      readonly delayMs: number;
      readonly jitterMs: number;
      readonly holdMs: number;
    }
  | { readonly name: "lossy-links"; readonly lossPercent: number; readonly holdMs: number }
  | { readonly name: "disk-full"; readonly victim: ValidatorIndex; readonly holdMs: number }
  | { readonly name: "read-only-data"; readonly victim: ValidatorIndex }
  | { readonly name: "wiped-data"; readonly victim: ValidatorIndex; readonly downMs: number }
  | {
      readonly name: "old-backup";
      readonly victim: ValidatorIndex;
      /** How long the network runs on after the backup. */
      readonly ageMs: number;
      readonly downMs: number;
    }
  | {
      readonly name: "clock-small" | "clock-large";
      readonly victim: ValidatorIndex;
      readonly offsetMs: number;
      readonly holdMs: number;
    }
  | {
      readonly name: "change-validators";
      /** Whose keys are rotated, after another one has joined and one has left. */
      readonly rotator: ValidatorIndex;
    };

/** Validators on one side of a cut. */
type Side = readonly ValidatorIndex[];

export type FaultName = Fault["name"];

/** In the order in which they are injected. */
export const FAULT_NAMES = [
  "kill-one",
  "kill-all",
  "pause-one",
  "pause-quorum",
  "partition-halves",
  "partition-minority",
  "partition-one-way",
  "partition-flapping",
  "slow-links",
  "lossy-links",
  "disk-full",
  "read-only-data",
  "wiped-data",
  "old-backup",
  "clock-small",
  "clock-large",
  // The last: after it the network is another one.
  "change-validators",
] as const satisfies readonly FaultName[];

export function isFaultName(text: string): text is FaultName {
  return FAULT_NAMES.some((name) => name === text);
}
