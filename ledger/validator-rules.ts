import { invariant, present } from "../primitives/assert.ts";
import { MAX_TOTAL_WEIGHT, MAX_VALIDATORS, MIN_VALIDATORS } from "./limits.ts";
import type { FailureCode } from "./outcome.ts";
import type { ValidatorChange } from "./state/validator-change.ts";
import type { Validator } from "./state/validator-set.ts";

/** What a validator set may be, and how much of it one epoch may change. */

/** Whether a member is the central bank or the sovereign. */
export type IsOffice = (member: string) => boolean;

type SetFault = Extract<
  FailureCode,
  "VALIDATORS_TOO_FEW" | "VALIDATORS_TOO_MANY" | "VALIDATOR_TOO_HEAVY" | "SOVEREIGN_CONTROL"
>;

export function totalWeight(validators: readonly Pick<Validator, "weight">[]): number {
  return validators.reduce((sum, { weight }) => sum + weight, 0);
}

/** F = floor((W - 1) / 3): the largest weight that may be faulty. */
export function faultBoundOf(total: number): number {
  return Math.max(0, Math.floor((total - 1) / 3));
}

/** Q = floor(2W / 3) + 1: the weight that certifies. */
export function quorumOf(total: number): number {
  return Math.floor((2 * total) / 3) + 1;
}

/**
 * Four validators tolerate one fault. Who holds a third alone could halt the network. And the
 * institutions other than the central bank and the sovereign may together hold at most F, so that
 * they can neither block nor rule.
 */
export function setFault(
  validators: readonly Validator[],
  isOffice: IsOffice,
): SetFault | undefined {
  const total = totalWeight(validators);
  if (validators.length < MIN_VALIDATORS) return "VALIDATORS_TOO_FEW";
  if (validators.length > MAX_VALIDATORS || total > MAX_TOTAL_WEIGHT) return "VALIDATORS_TOO_MANY";
  if (validators.some(({ weight }) => 3 * weight >= total)) return "VALIDATOR_TOO_HEAVY";
  const others = totalWeight(validators.filter(({ member }) => !isOffice(member)));
  return others > faultBoundOf(total) ? "SOVEREIGN_CONTROL" : undefined;
}

/**
 * Whether the set may become `next` in one epoch: at most F of the old weight leaves and at most F
 * joins, a rotated key doing both. So a quorum of the old set and one of the new share honest
 * validators, and keys that are new and perhaps badly kept stay a tolerated minority.
 */
export function churnFits(before: readonly Validator[], next: readonly Validator[]): boolean {
  const bound = faultBoundOf(totalWeight(before));
  const leaving = before.filter((old) => !next.some((kept) => isSame(old, kept)));
  const joining = next.filter((fresh) => !before.some((old) => isSame(old, fresh)));
  return totalWeight(leaving) <= bound && totalWeight(joining) <= bound;
}

function isSame(a: Validator, b: Validator): boolean {
  // Keys are registered once, and a change makes a new record.
  return a === b;
}

/** The set after one change; undefined when the change no longer fits (its validator has gone). */
export function changed(
  validators: readonly Validator[],
  change: ValidatorChange,
): readonly Validator[] | undefined {
  const { action, name, member, consensusKey, networkKey, weight, number } = change;
  const at = validators.findIndex((validator) => validator.name === name);
  switch (action) {
    case "ADMIT": {
      if (at >= 0) return undefined;
      const joined = {
        number: present(number, "number of an admission"),
        publicKey: present(consensusKey, "consensus key of an admission"),
        networkKey: present(networkKey, "network key of an admission"),
        weight: present(weight, "weight of an admission"),
        name,
        member,
      };
      return [...validators, joined];
    }
    case "REMOVE":
      return at < 0 ? undefined : validators.toSpliced(at, 1);
    case "ROTATE": {
      const old = validators[at];
      if (old === undefined) return undefined;
      invariant((networkKey === undefined) === (number === undefined), "a new key has a number");
      return validators.with(at, {
        ...old,
        publicKey: consensusKey ?? old.publicKey,
        networkKey: networkKey ?? old.networkKey,
        number: number ?? old.number,
      });
    }
  }
}

/** What would be wrong with this change alone, on this set. */
export function changeFault(
  validators: readonly Validator[],
  change: ValidatorChange,
  isOffice: IsOffice,
): SetFault | "VALIDATOR_CHURN" | undefined {
  const next = present(changed(validators, change), "a change of the set as it stands");
  const fault = setFault(next, isOffice);
  if (fault !== undefined) return fault;
  return churnFits(validators, next) ? undefined : "VALIDATOR_CHURN";
}
