import { AMOUNT_MAX, amount, type Infer, record } from "../../primitives/codec/schema.ts";
import { type Execution, type Failure, failure } from "../execution.ts";
import { isinText, max35Text } from "../types.ts";
import { checkFace } from "./instrument-checks.ts";
import { transactionKind } from "./transaction-kind.ts";

const payload = record({
  isin: isinText,
  /** Face added to what may be issued, paisa. */
  face: amount,
  /** The sovereign's mandate. */
  mandateRef: max35Text,
});
type Payload = Infer<typeof payload>;

export const authoriseInstrument = transactionKind({
  kind: "authorise-instrument",
  summary: "Raises the face that may be issued under an ISIN.",
  payload,
  signers: [
    { by: "role", role: "SOVEREIGN" },
    { by: "role", role: "CENTRAL_BANK" },
  ],
  keyPurpose: "TRANSACTION",
  success: "APPLIED",
  failures: ["AMOUNT_ZERO", "ASSET_UNKNOWN", "ASSET_MATURED", "DENOMINATION", "AMOUNT_OVERFLOW"],
  execute,
});

function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { isin, face, mandateRef } = payload;
  if (face === 0n) return failure("AMOUNT_ZERO", "face");
  const instrument = execution.state.instruments.get(isin);
  const supply = execution.state.supplies.get(isin);
  if (instrument === undefined || supply === undefined) return failure("ASSET_UNKNOWN", "isin");
  const refused = checkFace(instrument, face, execution.businessDate);
  if (refused !== undefined) return refused;
  const authorised = (supply.authorised ?? 0n) + face;
  if (authorised > AMOUNT_MAX) return failure("AMOUNT_OVERFLOW", "face");
  execution.state.supplies.put({ ...supply, authorised });
  execution.emit({
    type: "instrumentAuthorised",
    body: { isin, added: face, authorised, mandateRef },
  });
  return undefined;
}
