import { type Infer, record } from "../../../primitives/codec/schema.ts";
import { type Execution, type Failure, failure } from "../../execution.ts";
import { checkInvestorFacts } from "../../instruments/investor-facts.ts";
import { investorFacts, investorTable } from "../../state/investor.ts";
import { investorId } from "../../types.ts";
import { transactionKind } from "../transaction-kind.ts";

const payload = record({ investor: investorId, ...investorFacts });
type Payload = Infer<typeof payload>;

export const updateInvestor = transactionKind({
  kind: "update-investor",
  summary: "The custodian that knows an investor records what has changed.",
  payload,
  signers: [{ by: "member-in", field: "custodian" }],
  keyPurpose: "TRANSACTION",
  success: "APPLIED",
  failures: [
    "TERMS_INVALID",
    "MEMBER_UNKNOWN",
    "INVESTOR_UNKNOWN",
    "MEMBER_WRONG_ROLE",
    "COUNTERPARTY_NOT_MATCHED",
  ],
  execute,
});

/** Payments of events that are being paid use what is on record when they are made. */
function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { investor, ...facts } = payload;
  const { state, height } = execution;
  const known = state.of(investorTable).get(investor);
  const unknown = (): Failure | undefined =>
    known === undefined ? failure("INVESTOR_UNKNOWN", "investor") : undefined;
  const refused = checkInvestorFacts(execution, facts, unknown);
  if (refused !== undefined) return refused;
  if (known?.custodian !== facts.custodian) return failure("COUNTERPARTY_NOT_MATCHED", "custodian");
  state.of(investorTable).put({ id: investor, ...facts, updatedAtHeight: height });
  execution.emit({ type: "investorUpdated", body: { investor, custodian: facts.custodian } });
  return undefined;
}
