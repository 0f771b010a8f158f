import type { EpochEnd } from "../effects.ts";
import type { Timer, TimerKind } from "../events.ts";
import type { BlockPipeline } from "./block-pipeline.ts";
import type { BodyExchange } from "./body-exchange.ts";
import type { BootedCore } from "./core-boot.ts";
import type { EffectGate } from "./effect-gate.ts";

/** What lives from start, or from the start of an epoch, to its end or a crash. */
export interface Process extends BootedCore {
  readonly gate: EffectGate;
  readonly exchange: BodyExchange;
  readonly pipeline: BlockPipeline;
  readonly timers: Map<TimerKind, Timer>;
  /** View of the last commit that the core has decided, at first of the block it starts from. */
  floorView: number;
  pending: boolean;
  alive: boolean;
  /** The core has ended the epoch; its last block is not applied yet. */
  ended: EpochEnd | undefined;
}
