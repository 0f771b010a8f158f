import type { Prng } from "../../primitives/prng.ts";
import type { ValidatorSet } from "../quorum.ts";
import { Changes, drawEpochPlan, EpochDirectory } from "./epoch-directory.ts";
import {
  drawFaultMix,
  type FaultMix,
  HEALTHY_DISK,
  HEALTHY_EXECUTION_MS,
  HEALTHY_LINKS,
} from "./fault-mix.ts";
import { drawFaults, type Fault } from "./faults.ts";
import { Keyring } from "./keyring.ts";
import type { SimulationOptions } from "./simulation-options.ts";
import { drawBeyondBound, drawByzantine, drawValidatorSet } from "./validator-weights.ts";

/** Epoch of the first block: not 0, so that something can be older. */
export const FIRST_EPOCH = 1;

/** Everything that a seed draws before its run begins. */
export interface RunPlan {
  readonly mix: FaultMix;
  readonly keyring: Keyring;
  readonly directory: EpochDirectory;
  readonly participants: number;
  readonly byzantine: readonly number[];
  readonly honest: readonly number[];
  /** Honest nodes whose disks may lose what they held. */
  readonly frail: readonly number[];
  readonly faults: readonly Fault[];
  /** Numbers of those that are dealt. */
  readonly dealt: readonly number[];
}

export function drawRunPlan(options: SimulationOptions, prng: Prng): RunPlan {
  const drawn = { ...drawFaultMix(prng.fork("mix")), ...options.mix };
  const epochPlan = options.epochs ? drawEpochPlan(options.n, prng.fork("plan")) : undefined;
  const participants = options.n + (epochPlan?.spares ?? 0);
  const keyring = drawKeyring(prng.fork("keys"), participants);
  const set = drawValidatorSet(options.n, prng.fork("weights"), keyring, options.weights);
  const { byzantine, frail } = drawFaulty(options, drawn, set, prng);
  const honest = Array.from({ length: participants }, (_, i) => i).filter(
    (i) => !byzantine.includes(i),
  );
  const faulty = [...byzantine, ...frail];
  const changes =
    epochPlan && new Changes(epochPlan, prng.fork("sets"), keyring, faulty, participants);
  const directory = new EpochDirectory(
    EpochDirectory.fixed(set, FIRST_EPOCH).of(FIRST_EPOCH),
    changes,
  );
  const subjects = { size: participants, honest, frail };
  const faults = options.faults ?? drawFaults(drawn, prng.fork("faults"), subjects);
  const { keepFaults } = options.cuts ?? {};
  const mix = calmed(drawn, options);
  const dealt = [...faults.keys()].filter(
    (number) =>
      (keepFaults?.includes(number) ?? true) && (faults[number]?.atMs ?? 0) < mix.stabilisationMs,
  );
  return { mix, keyring, directory, participants, byzantine, honest, frail, faults, dealt };
}

/** Of those who may be faulty, the Byzantine and the ones with bad disks. */
function drawFaulty(
  { beyondBound }: SimulationOptions,
  mix: FaultMix,
  set: ValidatorSet,
  prng: Prng,
): Pick<RunPlan, "byzantine" | "frail"> {
  const traitors = prng.fork("traitors");
  if (beyondBound === true) return { byzantine: drawBeyondBound(set, traitors), frail: [] };
  if (!mix.byzantine && !mix.frail) return { byzantine: [], frail: [] };
  const faulty = drawByzantine(set, traitors);
  if (!mix.frail) return { byzantine: faulty, frail: [] };
  const frail = faulty.filter(() => !mix.byzantine || traitors.chance(0.5));
  return { byzantine: faulty.filter((each) => !frail.includes(each)), frail };
}

function calmed(mix: FaultMix, { cuts = {} }: SimulationOptions): FaultMix {
  const calm = cuts.calm ?? [];
  return {
    ...mix,
    stabilisationMs: Math.min(mix.stabilisationMs, cuts.untilMs ?? mix.stabilisationMs),
    ...(calm.includes("links") ? { links: HEALTHY_LINKS } : {}),
    ...(calm.includes("disks") ? { disk: HEALTHY_DISK } : {}),
    ...(calm.includes("execution")
      ? { minExecutionMs: 0, maxExecutionMs: HEALTHY_EXECUTION_MS }
      : {}),
    ...(calm.includes("clocks") ? { maxClockErrorMs: 0, maxClockDrift: 0 } : {}),
  };
}

/** Each run has its own key secrets and chain, so nothing of one run is valid in another. */
function drawKeyring(prng: Prng, size: number): Keyring {
  return new Keyring(Array.from({ length: size }, () => prng.nextUint32()));
}
