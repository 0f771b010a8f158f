import type { Infer } from "../../../primitives/codec/schema.ts";
import type { Execution, Failure } from "../../execution.ts";
import { failure } from "../../execution.ts";
import { nettingPolicySchema, nettingPolicyTable } from "../../netting/netting-policy.ts";
import { transactionKind } from "../transaction-kind.ts";

const payload = nettingPolicySchema;
type Payload = Infer<typeof payload>;

export const setNettingPolicy = transactionKind({
  kind: "set-netting-policy",
  summary: "Sets how often netting cycles run and how many pairs they look at.",
  payload,
  signers: [{ by: "role", role: "CENTRAL_BANK" }],
  keyPurpose: "TRANSACTION",
  success: "APPLIED",
  failures: ["AMOUNT_ZERO"],
  execute,
});

/** An interval of zero stops cycles. */
function execute(payload: Payload, execution: Execution): Failure | undefined {
  if (payload.candidates === 0) return failure("AMOUNT_ZERO", "candidates");
  execution.state.of(nettingPolicyTable).put(payload);
  execution.emit({ type: "nettingPolicySet", body: payload });
  return undefined;
}
