import { invariant } from "../../primitives/assert.ts";
import type { Prng } from "../../primitives/prng.ts";
import { createValidatorSet, type ValidatorSet } from "../quorum.ts";
import type { Keyring } from "./keyring.ts";

/** Chance that a set of six or more validators has unequal weights. */
const SKEWED_CHANCE = 0.3;

/** Equal weights, or in larger sets sometimes 1 to 3 each; never a holder of a third. */
export function drawValidatorSet(size: number, prng: Prng, keyring: Keyring): ValidatorSet {
  const skewed = size >= 6 && prng.chance(SKEWED_CHANCE);
  const weights = Array.from({ length: size }, () => (skewed ? 1 + prng.below(3) : 1));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const admissible = weights.every((weight) => 3 * weight < total);
  return createValidatorSet(
    weights.map((weight, index) => ({
      publicKey: keyring.publicKey(index),
      weight: admissible ? weight : 1,
    })),
  );
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
