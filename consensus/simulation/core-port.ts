import type { RequiredSignature } from "../certificate.ts";
import type { Effect } from "../effects.ts";
import type { ConsensusEvent } from "../events.ts";
import type { ConsensusMessage } from "../messages.ts";
import { journalSnapshot, restore } from "../restore.ts";
import type { ConsensusConfig, ConsensusState } from "../state.ts";
import { step } from "../step.ts";
import type { Anchor } from "../types.ts";
import { type MessageRefusalCode, signaturesOf } from "../verification.ts";
import { excessOf } from "./memory-caps.ts";

/** One running core as its driver sees it; tests put broken ones behind it. */
export interface Core {
  step(event: ConsensusEvent, nowMs: number): readonly Effect[];
  /** Signatures to check before delivery, or the code with which the message is refused unseen. */
  signaturesOf(message: ConsensusMessage): readonly RequiredSignature[] | MessageRefusalCode;
  /** Whether it votes: it hears contradictions and must see them punished. */
  participates(): boolean;
  /** What of its memory is above its bound, in words. */
  excess(): string | undefined;
  /** Records that a new journal segment starts with. */
  snapshot(): readonly Uint8Array[];
}

export type StartCore = (
  config: ConsensusConfig,
  records: readonly Uint8Array[],
  lastCommitted: Anchor,
) => Core;

function isVoter({ config, halted, gate, ended }: ConsensusState): boolean {
  return config.self !== undefined && halted === undefined && gate.open && !ended;
}

/** The core that ships. */
export const startRealCore: StartCore = (config, records, lastCommitted) => {
  const state = restore(config, records, lastCommitted);
  return {
    step: (event, nowMs) => step(state, event, nowMs),
    signaturesOf(message) {
      const needed = signaturesOf(message, config.validators, state);
      return needed.ok ? needed.signatures : needed.code;
    },
    participates: () => isVoter(state),
    excess: () => excessOf(state),
    snapshot: () => journalSnapshot(state),
  };
};
