import type { ConsensusParameters } from "../parameters.ts";
import type { Anchor, Certificate } from "../types.ts";
import type { Checker } from "./checker.ts";
import type { StartCore } from "./core-port.ts";
import type { Coverage } from "./coverage.ts";
import type { DiskSpeed } from "./disk-model.ts";
import type { EpochDirectory } from "./epoch-directory.ts";
import type { EventLog } from "./event-log.ts";
import type { Frame } from "./frames.ts";
import type { Keyring } from "./keyring.ts";
import type { ToyState } from "./toy-application.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** Wall-clock time at which every run starts, ms since 1970. */
export const START_MS = 1_800_000_000_000;

/** The common surroundings of all nodes of a run. */
export interface World {
  readonly clock: VirtualClock;
  readonly log: EventLog;
  readonly checker: Checker;
  readonly coverage: Coverage;
  readonly keyring: Keyring;
  readonly epochs: EpochDirectory;
  readonly chainId: string;
  readonly genesis: Anchor;
  readonly parameters: ConsensusParameters;
  /** Messages cross the wire as bytes. */
  readonly encoded: boolean;
  /** The journal is read back before each statement is sent (S6); costs a third of the speed. */
  readonly watched: boolean;
  readonly send: (from: number, to: number, frame: Frame) => void;
  /** A node is in an epoch now, by itself or after a restart. */
  readonly epochBegan: (start: EpochStart) => void;
  /** Certificates that the oracle has found valid. */
  readonly validCertificates: WeakSet<Certificate>;
  /** The latest time that an honest clock has ever shown. */
  latestClockMs: number;
  readonly startCore: StartCore;
  /** Deliberate faults of the node model, to show that the oracle sees them. */
  readonly sabotage: Sabotage;
}

/** What an epoch begins with. */
export interface EpochStart {
  readonly epoch: number;
  readonly anchor: Anchor;
  /** After the block of the anchor. */
  readonly state: ToyState;
}

export interface Sabotage {
  /** Effects do not wait for the disk. */
  readonly ignoresBarriers?: boolean;
  /** A crash loses the journal as a whole. */
  readonly losesJournal?: boolean;
  /** A crash loses all bodies of batches. */
  readonly losesBodies?: boolean;
}

export interface NodeConditions {
  disk: DiskSpeed;
  minExecutionMs: number;
  maxExecutionMs: number;
  /** Own clock minus true time, when it was last set. */
  clockErrorMs: number;
  /** What the clock gains in a thousand milliseconds since then. */
  clockDrift: number;
  /** Virtual time at which it was set. */
  clockSetAtMs: number;
  /** Timers that were set anew fire all the same. */
  staleTimers: boolean;
}
