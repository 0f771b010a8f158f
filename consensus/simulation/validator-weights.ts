import { invariant } from "../../primitives/assert.ts";
import type { Prng } from "../../primitives/prng.ts";
import { createValidatorSet, type ValidatorSet } from "../quorum.ts";
import type { Keyring } from "./keyring.ts";

/** Whether validators weigh the same; "mixed" leaves it to the seed. */
export const WEIGHT_MODES = ["equal", "skewed", "mixed"] as const;

export type WeightMode = (typeof WEIGHT_MODES)[number];

/** Chance that a mixed set of six or more validators has unequal weights. */
const SKEWED_CHANCE = 0.3;

/** Draws for a skewed set; nearly every draw is admissible for five or more. */
const MAX_DRAWS = 64;

/** Weights 1 to 3 each where they are skewed; never a holder of a third. */
export function drawValidatorSet(
  size: number,
  prng: Prng,
  keyring: Keyring,
  mode: WeightMode = "mixed",
): ValidatorSet {
  const skewed = mode === "skewed" || (mode === "mixed" && size >= 6 && prng.chance(SKEWED_CHANCE));
  const weights = skewed ? drawWeights(size, prng) : Array.from({ length: size }, () => 1);
  return createValidatorSet(
    weights.map((weight, index) => ({ publicKey: keyring.publicKey(index), weight })),
  );
}

/** Not all equal, and nobody with a third. */
function drawWeights(size: number, prng: Prng): readonly number[] {
  for (let draw = 0; draw < MAX_DRAWS; draw++) {
    const weights = Array.from({ length: size }, () => 1 + prng.below(3));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const unequal = weights.some((weight) => weight !== weights[0]);
    if (unequal && weights.every((weight) => 3 * weight < total)) return weights;
  }
  return Array.from({ length: size }, (_, i) => (i < 2 ? 3 : 2));
}

/** Byzantine validators: a random choice as heavy as the protocol bears, and no heavier. */
export function drawByzantine(set: ValidatorSet, prng: Prng): readonly number[] {
  const chosen: number[] = [];
  let weight = 0;
  for (const index of prng.shuffle(set.validators.map((_, i) => i))) {
    const own = set.validators[index]?.weight ?? 0;
    if (weight + own > set.faultBound) continue;
    weight += own;
    chosen.push(index);
  }
  invariant(weight <= set.faultBound, "Byzantine weight stays within the bound");
  return chosen.sort((a, b) => a - b);
}

/** As drawByzantine, and one validator more: what no protocol bears. */
export function drawBeyondBound(set: ValidatorSet, prng: Prng): readonly number[] {
  const within = drawByzantine(set, prng);
  const others = set.validators.map((_, i) => i).filter((i) => !within.includes(i));
  return [...within, prng.pick(others)].sort((a, b) => a - b);
}
