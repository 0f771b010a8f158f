import type { Infer } from "../../../primitives/codec/schema.ts";
import { type Execution, type Failure, failure } from "../../execution.ts";
import { MAX_PARAMETER_VERSIONS } from "../../instructions/instruction-limits.ts";
import {
  isProperDay,
  settlementParametersSchema,
  settlementParametersTable,
} from "../../instructions/settlement-parameters.ts";
import { transactionKind } from "../transaction-kind.ts";

type Payload = Infer<typeof settlementParametersSchema>;

/** The rules of the settlement day from a later business date on. */
export const setSettlementParameters = transactionKind({
  kind: "set-settlement-parameters",
  summary: "Sets cut-offs, tolerance and other rules of the settlement day from a date on.",
  payload: settlementParametersSchema,
  signers: [{ by: "role", role: "CENTRAL_BANK" }],
  keyPurpose: "GOVERNANCE",
  success: "APPLIED",
  failures: ["TERMS_INVALID", "SETTLEMENT_DATE", "LIMIT_REACHED"],
  execute,
});

function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { state, businessDate } = execution;
  const { effectiveFrom } = payload;
  if (!isProperDay(payload)) return failure("TERMS_INVALID", "startMinute");
  // A day goes on under the rules under which it began.
  if (effectiveFrom <= businessDate) return failure("SETTLEMENT_DATE", "effectiveFrom");
  const known = state.of(settlementParametersTable).get("")?.versions ?? [];
  const inForce = known.findLastIndex((version) => version.effectiveFrom <= businessDate);
  const versions = [
    // What came before those in force can never count again; a date set anew replaces the old.
    ...known.slice(Math.max(inForce, 0)).filter((other) => other.effectiveFrom !== effectiveFrom),
    payload,
  ].toSorted((a, b) => (a.effectiveFrom < b.effectiveFrom ? -1 : 1));
  if (versions.length > MAX_PARAMETER_VERSIONS) return failure("LIMIT_REACHED", "effectiveFrom");
  state.of(settlementParametersTable).put({ versions });
  execution.emit({ type: "settlementParametersSet", body: payload });
  return undefined;
}
