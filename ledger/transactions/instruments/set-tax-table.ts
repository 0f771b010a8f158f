import type { Infer } from "../../../primitives/codec/schema.ts";
import { type Execution, type Failure, failure } from "../../execution.ts";
import { MAX_TAX_VERSIONS } from "../../limits.ts";
import { taxTableTable, taxVersion } from "../../state/tax-table.ts";
import { isCatchAll, taxTableIn } from "../../tax/withholding.ts";
import { transactionKind } from "../transaction-kind.ts";

type Payload = Infer<typeof taxVersion>;

export const setTaxTable = transactionKind({
  kind: "set-tax-table",
  summary: "Sets the rates of tax withheld on payments from a day on.",
  payload: taxVersion,
  signers: [
    { by: "role", role: "SOVEREIGN" },
    { by: "role", role: "CENTRAL_BANK" },
  ],
  keyPurpose: "TRANSACTION",
  success: "APPLIED",
  failures: ["TABLE_INVALID", "EFFECTIVE_TOO_EARLY"],
  execute,
});

/** The last row is for everyone and no other: a row behind it would never count. */
function execute(version: Payload, execution: Execution): Failure | undefined {
  const { effectiveFrom, rows, reference } = version;
  const isWhole = rows.findIndex(isCatchAll) === rows.length - 1 && rows.length > 0;
  if (!isWhole) return failure("TABLE_INVALID", "rows");
  const { versions } = taxTableIn(execution.state);
  const last = versions.at(-1)?.effectiveFrom ?? "";
  if (effectiveFrom <= execution.businessDate || effectiveFrom <= last) {
    return failure("EFFECTIVE_TOO_EARLY", "effectiveFrom");
  }
  // Payments of the past stand; the oldest version goes when the list is full.
  const kept = versions.slice(-(MAX_TAX_VERSIONS - 1));
  execution.state.of(taxTableTable).put({ versions: [...kept, version] });
  execution.emit({
    type: "taxTableSet",
    body: { effectiveFrom, rows: rows.length, reference },
  });
  return undefined;
}
