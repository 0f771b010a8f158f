import type { Infer } from "../../../primitives/codec/schema.ts";
import { type Execution, type Failure, failure } from "../../execution.ts";
import { type Tenor, tenorTableSchema, tenorTableTable } from "../../state/tenor-table.ts";
import { transactionKind } from "../transaction-kind.ts";

type Payload = Infer<typeof tenorTableSchema>;

export const setTenors = transactionKind({
  kind: "set-tenors",
  summary: "Sets the tenors in which each type of instrument is offered.",
  payload: tenorTableSchema,
  signers: [
    { by: "role", role: "SOVEREIGN" },
    { by: "role", role: "CENTRAL_BANK" },
  ],
  keyPurpose: "TRANSACTION",
  success: "APPLIED",
  failures: ["TABLE_INVALID"],
  execute,
});

/** It counts for what is registered from now on. */
function execute(table: Payload, execution: Execution): Failure | undefined {
  const { tenors, reference } = table;
  const names = new Set(tenors.map(({ type, unit, length }) => `${type} ${length} ${unit}`));
  const isProper = tenors.length > 0 && names.size === tenors.length && tenors.every(hasLength);
  if (!isProper) return failure("TABLE_INVALID", "tenors");
  execution.state.of(tenorTableTable).put(table);
  execution.emit({ type: "tenorsSet", body: { tenors: tenors.length, reference } });
  return undefined;
}

function hasLength({ type, length }: Tenor): boolean {
  return length > 0 && type !== "COMMODITY" && type !== "OTHER";
}
