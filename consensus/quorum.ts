import { invariant } from "../primitives/assert.ts";
import { toHex } from "../primitives/bytes.ts";
import { CodedError } from "../primitives/errors.ts";
import { MAX_TOTAL_WEIGHT, MAX_VALIDATORS, MIN_VALIDATORS } from "./limits.ts";
import type { Validator } from "./types.ts";

/**
 * Validators in genesis order with the three weights that every rule uses. With W the total:
 * quorum Q = floor(2W/3) + 1, tolerated faults F = floor((W-1)/3), one-honest A = F + 1.
 * Then 2Q > W + F (two quorums share an honest signer) and W - F >= Q (the honest are a quorum).
 */
export interface ValidatorSet {
  readonly validators: readonly Validator[];
  readonly total: number;
  readonly quorum: number;
  readonly faultBound: number;
  readonly oneHonest: number;
}

export type ValidatorSetErrorCode =
  | "TOO_FEW_VALIDATORS"
  | "TOO_MANY_VALIDATORS"
  | "WEIGHT_RANGE"
  | "KEY_LENGTH"
  | "DUPLICATE_KEY"
  | "HOLDER_TOO_HEAVY";

/**
 * Throws CodedError when the set cannot tolerate one faulty validator: fewer than four, or one that
 * holds a third of the weight (it could halt the ledger alone; above two thirds it would rule it).
 */
export function createValidatorSet(validators: readonly Validator[]): ValidatorSet {
  const refuse = (code: ValidatorSetErrorCode, message: string, index = -1): never => {
    throw new CodedError<ValidatorSetErrorCode>(code, message, {
      validators: validators.length,
      index,
    });
  };
  if (validators.length < MIN_VALIDATORS) refuse("TOO_FEW_VALIDATORS", "at least four validators");
  if (validators.length > MAX_VALIDATORS) refuse("TOO_MANY_VALIDATORS", "at most 25 validators");
  const keys = new Set<string>();
  let total = 0;
  for (const [i, { publicKey, weight }] of validators.entries()) {
    if (publicKey.length !== 32) refuse("KEY_LENGTH", "a public key has 32 bytes", i);
    if (keys.has(toHex(publicKey))) refuse("DUPLICATE_KEY", "each validator has its own key", i);
    keys.add(toHex(publicKey));
    if (!Number.isSafeInteger(weight) || weight < 1 || weight > MAX_TOTAL_WEIGHT) {
      refuse("WEIGHT_RANGE", "a weight is an integer from 1 to 2^31", i);
    }
    total += weight;
  }
  if (total > MAX_TOTAL_WEIGHT) refuse("WEIGHT_RANGE", "weights sum to at most 2^31");
  const heavy = validators.findIndex(({ weight }) => 3 * weight >= total);
  if (heavy >= 0) refuse("HOLDER_TOO_HEAVY", "no validator holds a third of the weight", heavy);

  const set: ValidatorSet = { validators, total, ...quorumWeights(total) };
  invariant(2 * set.quorum > total + set.faultBound, "two quorums share honest weight");
  invariant(total - set.faultBound >= set.quorum, "the honest weight is a quorum");
  return set;
}

/** Q, F and A of a total weight. */
export function quorumWeights(total: number): {
  quorum: number;
  faultBound: number;
  oneHonest: number;
} {
  const faultBound = Math.floor((total - 1) / 3);
  return { quorum: Math.floor((2 * total) / 3) + 1, faultBound, oneHonest: faultBound + 1 };
}

/** Weight of one validator; 0 for an index outside the set (an observer). */
export function weightOf(set: ValidatorSet, index: number): number {
  return set.validators[index]?.weight ?? 0;
}

/** Weight of the validators whose bits are set. */
export function weightOfBitmap(set: ValidatorSet, signers: number): number {
  let weight = 0;
  for (const [i, validator] of set.validators.entries()) {
    if ((signers & (1 << i)) !== 0) weight += validator.weight;
  }
  return weight;
}
