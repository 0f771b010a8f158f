import { amount, type Infer, record } from "../../../primitives/codec/schema.ts";
import { type Execution, type Failure, failure } from "../../execution.ts";
import { referencePriceTable } from "../../state/commodity.ts";
import { isinText, max35Text } from "../../types.ts";
import { transactionKind } from "../transaction-kind.ts";

const payload = record({
  isin: isinText,
  /** Paisa for one denomination of the instrument. */
  paisa: amount,
  /** The central bank's publication. */
  reference: max35Text,
});
type Payload = Infer<typeof payload>;

export const recordReferencePrice = transactionKind({
  kind: "record-reference-price",
  summary: "Records what one denomination is worth, for the programme's ceiling at issue.",
  payload,
  signers: [{ by: "role", role: "CENTRAL_BANK" }],
  keyPurpose: "TRANSACTION",
  success: "APPLIED",
  failures: ["AMOUNT_ZERO", "ASSET_UNKNOWN", "ASSET_WRONG_TYPE"],
  execute,
});

/** What was issued before keeps the value at which it was booked. */
function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { isin, paisa, reference } = payload;
  const { state, height } = execution;
  if (paisa === 0n) return failure("AMOUNT_ZERO", "paisa");
  const terms = state.instruments.get(isin)?.terms;
  if (terms === undefined) return failure("ASSET_UNKNOWN", "isin");
  const needsPrice =
    terms.type === "COMMODITY" || (terms.type === "OTHER" && terms.body.settlement === "DELIVERY");
  if (!needsPrice) return failure("ASSET_WRONG_TYPE", "isin");
  state.of(referencePriceTable).put({ isin, paisa, reference, recordedAtHeight: height });
  execution.emit({ type: "referencePriceRecorded", body: { isin, paisa, reference } });
  return undefined;
}
