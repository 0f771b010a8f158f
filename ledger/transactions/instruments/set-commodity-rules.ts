import type { Infer } from "../../../primitives/codec/schema.ts";
import { type Execution, type Failure, failure } from "../../execution.ts";
import { commodityRulesSchema, commodityRulesTable } from "../../state/commodity.ts";
import { transactionKind } from "../transaction-kind.ts";

type Payload = Infer<typeof commodityRulesSchema>;

export const setCommodityRules = transactionKind({
  kind: "set-commodity-rules",
  summary: "Sets the haircuts on attested weight and the age at which an attestation is stale.",
  payload: commodityRulesSchema,
  signers: [
    { by: "role", role: "SOVEREIGN" },
    { by: "role", role: "CENTRAL_BANK" },
  ],
  keyPurpose: "TRANSACTION",
  success: "APPLIED",
  failures: ["TABLE_INVALID"],
  execute,
});

/** Covers take the new haircut at their next attestation. */
function execute(rules: Payload, execution: Execution): Failure | undefined {
  const { haircutBps, staleAfterDays, staleHaircutBps, blockAfterDays } = rules;
  if (staleHaircutBps < haircutBps) return failure("TABLE_INVALID", "staleHaircutBps");
  if (blockAfterDays < staleAfterDays) return failure("TABLE_INVALID", "blockAfterDays");
  execution.state.of(commodityRulesTable).put(rules);
  execution.emit({ type: "commodityRulesSet", body: rules });
  return undefined;
}
