import type { StateReader } from "../state-reader.ts";
import { type NettingCycle, nettingClockTable, nettingCycleTable } from "./cycle-record.ts";
import {
  DEFAULT_NETTING_POLICY,
  type NettingPolicy,
  nettingPolicyTable,
} from "./netting-policy.ts";

/** Answers about netting out of committed state. */

/** Cycles that settled something, numbered from 1. */
export function nettingCycleCount(state: StateReader): number {
  return nettingClockTable.read(state, "")?.cycles ?? 0;
}

export function nettingCycleView(state: StateReader, number: number): NettingCycle | undefined {
  return nettingCycleTable.read(state, String(number).padStart(10, "0"));
}

export function nettingPolicyView(state: StateReader): NettingPolicy {
  return nettingPolicyTable.read(state, "") ?? DEFAULT_NETTING_POLICY;
}
