import { type Infer, record } from "../../../primitives/codec/schema.ts";
import { type Execution, type Failure, failure } from "../../execution.ts";
import { recordFixing } from "../../instruments/rate-fixings.ts";
import { fixingSource } from "../../state/rate-fixing.ts";
import { benchmark, isoDate, max35Text, rateE4 } from "../../types.ts";
import { transactionKind } from "../transaction-kind.ts";

const payload = record({
  benchmark,
  source: fixingSource,
  /** Of the auction, or the last day of the average; not ahead. */
  date: isoDate,
  /** Per cent times 10^4. */
  rateE4,
  /** The central bank's publication. */
  reference: max35Text,
});
type Payload = Infer<typeof payload>;

export const recordRateFixing = transactionKind({
  kind: "record-rate-fixing",
  summary: "Records what a benchmark was on a day, for the rates of floating instruments.",
  payload,
  signers: [{ by: "role", role: "CENTRAL_BANK" }],
  keyPurpose: "TRANSACTION",
  success: "APPLIED",
  failures: ["TABLE_INVALID", "FIXING_EXISTS", "LIMIT_REACHED"],
  execute,
});

function execute(payload: Payload, execution: Execution): Failure | undefined {
  if (payload.date > execution.businessDate) return failure("TABLE_INVALID", "date");
  return recordFixing(execution, payload);
}
