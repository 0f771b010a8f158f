import type { ConsensusParameters } from "../parameters.ts";
import type { CreateAdversary } from "./adversaries/adversary.ts";
import type { StartCore } from "./core-port.ts";
import type { TraceSink } from "./event-log.ts";
import type { FaultMix } from "./fault-mix.ts";
import type { Fault } from "./faults.ts";
import type { Violation } from "./invariants.ts";
import type { WeightMode } from "./validator-weights.ts";
import type { Sabotage } from "./world.ts";

export interface SimulationOptions {
  readonly seed: number;
  /** Validators, 4 to 25. */
  readonly n: number;
  /** Epochs end every few blocks, and validators change. */
  readonly epochs?: boolean;
  /** Default "mixed". */
  readonly weights?: WeightMode;
  /** What is left out of the run that the seed draws: see shrink.ts. */
  readonly cuts?: Cuts;
  readonly trace?: TraceSink;
  /** Replaces parts of what the seed draws: for directed tests. */
  readonly mix?: Partial<FaultMix>;
  /** Replaces the faults that the seed draws. */
  readonly faults?: readonly Fault[];
  readonly adversaries?: readonly CreateAdversary[];
  /** One more Byzantine validator than the protocol bears. */
  readonly beyondBound?: boolean;
  readonly parameters?: Partial<ConsensusParameters>;
  readonly startCore?: StartCore;
  readonly sabotage?: Sabotage;
  /** How long the network is watched at rest once all is final, ms. Default: as the seed draws. */
  readonly idleMs?: number;
  /** Events after which the run counts as running away. */
  readonly maxEvents?: number;
}

/** Parts of the weather that a run can do without. */
export const CALMABLE = ["links", "disks", "execution", "clocks"] as const;

export type Calmable = (typeof CALMABLE)[number];

/** What of a seed's run remains; absent means everything. Nothing else of the run is drawn anew. */
export interface Cuts {
  /** Numbers of faults, as drawn. */
  readonly keepFaults?: readonly number[];
  /** Participants whose Byzantine behaviour remains; the others of them say nothing. */
  readonly keepAdversaries?: readonly number[];
  /** Numbers of clients' bursts before stabilisation. */
  readonly keepBursts?: readonly number[];
  /** Stabilisation comes at this time already. */
  readonly untilMs?: number;
  readonly calm?: readonly Calmable[];
}

export interface SimulationResult {
  readonly seed: number;
  readonly n: number;
  readonly violations: readonly Violation[];
  /** Events that cores and nodes saw. */
  readonly events: number;
  /** Height of the finalized chain. */
  readonly blocks: number;
  /** Highest view that a node told of. */
  readonly views: number;
  /** Most views between two finalized blocks of one node. */
  readonly widestGap: number;
  /** Whether epochs were to end in this run. */
  readonly withEpochs: boolean;
  /** Epochs that have ended at some node. */
  readonly epochs: number;
  /** Proofs of contradiction on the chain. */
  readonly convictions: number;
  readonly virtualMs: number;
  /** Equal for equal seeds. */
  readonly eventLogHash: string;
  readonly mix: FaultMix;
  /** All that the seed draws, those left out included: their places are their numbers. */
  readonly faults: readonly Fault[];
  /** Byzantine participants with the names of their behaviours. */
  readonly adversaries: ReadonlyMap<number, string>;
  /** Clients' bursts before stabilisation, those left out included. */
  readonly bursts: number;
  /** Of the time at rest, where the network was watched then. */
  readonly idle: IdleSummary | undefined;
  /** How often each kind of thing happened at honest nodes. */
  readonly coverage: ReadonlyMap<string, number>;
}

export interface IdleSummary {
  readonly ms: number;
  readonly blocks: number;
  readonly views: number;
  readonly bytes: number;
  /** From the first transaction after it to its finality at every honest node, ms. */
  readonly firstFinalMs: number;
}
