import { amount, counter, type Infer, list, record, uint } from "../../primitives/codec/schema.ts";
import type { LedgerState } from "../state/ledger-state.ts";
import { Table } from "../state/table.ts";
import { basisPoints, isoDate } from "../types.ts";
import { MAX_PARAMETER_VERSIONS } from "./instruction-limits.ts";

const MINUTES_OF_DAY = 24 * 60;
const minute = uint(MINUTES_OF_DAY);

/** Governed rules of the settlement day. Minutes count from midnight in Karachi. */
export const settlementParametersSchema = record({
  /** The business date from whose start on they hold. */
  effectiveFrom: isoDate,
  /** Matching and settlement begin. */
  startMinute: minute,
  /** From then on nothing of that kind settles for the day. */
  dvpCutoffMinute: minute,
  fopCutoffMinute: minute,
  pvpCutoffMinute: minute,
  /** Matching ends. */
  endMinute: minute,
  /** An unmatched instruction is alleged this long after entry, ms… */
  allegementDelayMs: counter,
  /** …or at this minute of its settlement date, whichever comes first. */
  allegementMinute: minute,
  /** Two cash amounts in PKR match if they differ by no more than this, paisa, … */
  toleranceCap: amount,
  /** …and by no more than this share of the deliverer's amount. */
  toleranceShare: basisPoints,
  /** Business days after which an unmatched instruction is cancelled. */
  recycleDays: uint(250),
  /** How long one side's request to cancel a matched pair waits for the other, ms. */
  cancellationWindowMs: counter,
  /** Calendar days for which the record of a final instruction is kept. */
  retentionDays: uint(366),
});
export type SettlementParameters = Infer<typeof settlementParametersSchema>;

/** Defaults, not law: the cut-offs of the central bank's own system are not public. */
export const DEFAULT_SETTLEMENT_PARAMETERS: SettlementParameters = {
  effectiveFrom: "1970-01-01",
  startMinute: 9 * 60,
  dvpCutoffMinute: 16 * 60,
  fopCutoffMinute: 16 * 60 + 30,
  pvpCutoffMinute: 15 * 60 + 30,
  endMinute: 17 * 60,
  allegementDelayMs: 60 * 60_000,
  allegementMinute: 15 * 60,
  toleranceCap: 20_000n,
  toleranceShare: 1,
  recycleDays: 20,
  cancellationWindowMs: 60 * 60_000,
  retentionDays: 30,
};

/** By date of effect, rising. */
const schema = record({ versions: list(settlementParametersSchema, MAX_PARAMETER_VERSIONS) });
export type SettlementParameterVersions = Infer<typeof schema>;

export const settlementParametersTable = new Table<SettlementParameterVersions>({
  name: "settlement-parameters",
  schema,
  idOf: () => "",
  remember: true,
});

/** Those in force on a business date. */
export function settlementParametersOn(state: LedgerState, date: string): SettlementParameters {
  const versions = state.of(settlementParametersTable).get("")?.versions ?? [];
  const inForce = versions.findLast(({ effectiveFrom }) => effectiveFrom <= date);
  return inForce ?? DEFAULT_SETTLEMENT_PARAMETERS;
}

/** Whether the minutes of a day stand in their order. */
export function isProperDay(day: SettlementParameters): boolean {
  const cutoffs = [day.dvpCutoffMinute, day.fopCutoffMinute, day.pvpCutoffMinute];
  return (
    cutoffs.every((cutoff) => day.startMinute < cutoff && cutoff <= day.endMinute) &&
    day.allegementMinute < MINUTES_OF_DAY
  );
}
