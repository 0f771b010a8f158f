import { present } from "../primitives/assert.ts";
import { memberTable } from "./state/member.ts";
import { parametersTable } from "./state/parameters.ts";
import { type ValidatorChange, validatorChangesTable } from "./state/validator-change.ts";
import {
  type CurrentEpoch,
  currentEpochTable,
  epochId,
  epochTable,
  type Validator,
  validatorSetHash,
  validatorSetTable,
} from "./state/validator-set.ts";
import type { StateReader } from "./state-reader.ts";
import { changed, churnFits, type IsOffice, setFault } from "./validator-rules.ts";

/** What ends with the next block, and what begins after it. */
export interface Closing {
  /** Validators of the next epoch, in index order. */
  readonly nextSet: readonly Validator[];
  /** Their hash, for the header of the closing block. */
  readonly hash: string;
  /** The changes that take effect; the others go on waiting. */
  readonly applied: readonly ValidatorChange[];
}

/** The epoch that the next block belongs to. */
export function currentEpochOf(state: StateReader): CurrentEpoch {
  return present(currentEpochTable.read(state, ""), "current epoch record");
}

export function setOfHash(state: StateReader, hash: string): readonly Validator[] {
  return present(validatorSetTable.read(state, hash), `validator set ${hash}`).validators;
}

/** Validators of the epoch that the next block belongs to. */
export function currentValidators(state: StateReader): readonly Validator[] {
  return setOfHash(state, currentEpochOf(state).setHash);
}

/** Validators of any epoch up to the current one; undefined for a later one. */
export function validatorsOfEpoch(
  state: StateReader,
  epoch: number,
): readonly Validator[] | undefined {
  const record = epochTable.read(state, epochId(epoch));
  return record === undefined ? undefined : setOfHash(state, record.setHash);
}

export function pendingChangesOf(state: StateReader): readonly ValidatorChange[] {
  return validatorChangesTable.read(state, "")?.changes ?? [];
}

/** Central bank and sovereign, by the registry. */
export function officesOf(state: StateReader): IsOffice {
  return (member) => {
    const roles = memberTable.read(state, member)?.roles ?? [];
    return roles.includes("CENTRAL_BANK") || roles.includes("SOVEREIGN");
  };
}

/**
 * Whether the block of this height closes its epoch, and with which set the next one begins. A
 * function of the state after the parent and of nothing else, so that every validator agrees before
 * it votes. It closes at each multiple of the epoch's length, and earlier where a change that was
 * proposed as WHEN_READY can be applied.
 */
export function closingOf(state: StateReader, height: number): Closing | undefined {
  const parameters = present(parametersTable.read(state, ""), "parameters record");
  const isDue = height % parameters.epochLengthBlocks === 0;
  const pending = pendingChangesOf(state);
  // Nearly every block: nothing waits, or only what the end of the epoch will apply.
  const isAsked = pending.some(({ timing, ready }) => timing === "WHEN_READY" && ready);
  if (!isDue && !isAsked) return undefined;
  const before = currentValidators(state);
  const { next, applied } = applyReady(before, pending, officesOf(state));
  if (!isDue && !applied.some(({ timing }) => timing === "WHEN_READY")) return undefined;
  return { nextSet: next, hash: validatorSetHash(next), applied };
}

/**
 * Takes the ready changes in the order of proposal, each if the set with it and with those before
 * it is a proper one and within what one epoch may change.
 */
function applyReady(
  before: readonly Validator[],
  pending: readonly ValidatorChange[],
  isOffice: IsOffice,
): { readonly next: readonly Validator[]; readonly applied: readonly ValidatorChange[] } {
  let next = before;
  const applied: ValidatorChange[] = [];
  for (const change of pending) {
    const candidate = change.ready ? changed(next, change) : undefined;
    if (candidate === undefined || setFault(candidate, isOffice) !== undefined) continue;
    if (!churnFits(before, candidate)) continue;
    next = candidate;
    applied.push(change);
  }
  return { next, applied };
}
