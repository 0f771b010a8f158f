import type { Prng } from "../../../primitives/prng.ts";
import type { ConsensusParameters } from "../../parameters.ts";
import type { ValidatorSet } from "../../quorum.ts";
import type { Anchor, Certificate } from "../../types.ts";
import type { Frame } from "../frames.ts";
import type { NodeModel } from "../node-model.ts";
import type { ToyState } from "../toy-application.ts";

/** What a Byzantine node has: one key, its links, and all the freedom it wants. */
export interface AdversaryContext {
  readonly index: number;
  readonly set: ValidatorSet;
  readonly chainId: string;
  readonly epoch: number;
  /** What the epoch begins with, and the state after it. */
  readonly genesis: Anchor;
  readonly genesisState: ToyState;
  /** Certificates of the epoch before, as far as this node has heard of them. */
  readonly formerCertificates: () => readonly Certificate[];
  /** Hash of the next validators where a block of this height closes the epoch. */
  readonly nextValidators: (height: number) => string | undefined;
  readonly parameters: ConsensusParameters;
  readonly leaderOf: (view: number) => number;
  readonly prng: Prng;
  readonly clockMs: () => number;
  readonly later: (delayMs: number, run: () => void) => void;
  readonly send: (to: number, frame: Frame) => void;
  /** Signs anything with the node's own key; other keys are out of reach. */
  readonly sign: (statement: Uint8Array) => Uint8Array;
  /** A correct node with the same key and an empty disk, unseen by the oracle. */
  readonly spawnTwin: (label: string, send: (to: number, frame: Frame) => void) => NodeModel;
}

export interface Adversary {
  start(): void;
  receive(from: number, frame: Frame): void;
}

export type CreateAdversary = (context: AdversaryContext) => Adversary;
