import { type Infer, record } from "../../../primitives/codec/schema.ts";
import { type Execution, type Failure, failure } from "../../execution.ts";
import { checkInvestorFacts } from "../../instruments/investor-facts.ts";
import { investorFacts, investorTable } from "../../state/investor.ts";
import { investorId } from "../../types.ts";
import { transactionKind } from "../transaction-kind.ts";

const payload = record({ investor: investorId, ...investorFacts });
type Payload = Infer<typeof payload>;

export const registerInvestor = transactionKind({
  kind: "register-investor",
  summary: "A custodian records who an investor is, for accounts and taxes.",
  payload,
  signers: [{ by: "member-in", field: "custodian" }],
  keyPurpose: "TRANSACTION",
  success: "APPLIED",
  failures: ["TERMS_INVALID", "MEMBER_UNKNOWN", "INVESTOR_EXISTS", "MEMBER_WRONG_ROLE"],
  execute,
});

function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { investor, ...facts } = payload;
  const { state, height } = execution;
  const exists = (): Failure | undefined =>
    state.of(investorTable).get(investor) === undefined
      ? undefined
      : failure("INVESTOR_EXISTS", "investor");
  const refused = checkInvestorFacts(execution, facts, exists);
  if (refused !== undefined) return refused;
  state.of(investorTable).put({ id: investor, ...facts, updatedAtHeight: height });
  execution.emit({ type: "investorRegistered", body: { investor, custodian: facts.custodian } });
  return undefined;
}
