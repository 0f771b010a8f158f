import { counter, type Infer, record } from "../../primitives/codec/schema.ts";
import { type Execution, type Failure, failure } from "../execution.ts";
import { MAX_FX_RATES } from "../limits.ts";
import { rateInForce } from "../state/fx-rates.ts";
import { fxRateE4, max35Text } from "../types.ts";
import { transactionKind } from "./transaction-kind.ts";

const payload = record({
  /** PKR per USD times 10^4. */
  rateE4: fxRateE4,
  /** Unix milliseconds from which it applies; may lie ahead, never at or before the last one's. */
  effectiveFromMs: counter,
  /** The central bank's publication. */
  reference: max35Text,
});
type Payload = Infer<typeof payload>;

export const recordFxRate = transactionKind({
  kind: "record-fx-rate",
  summary: "Records the PKR per USD rate at which issues use the programme.",
  payload,
  signers: [{ by: "role", role: "CENTRAL_BANK" }],
  keyPurpose: "TRANSACTION",
  success: "APPLIED",
  failures: ["AMOUNT_ZERO", "FX_RATE_NOT_LATER", "LIMIT_REACHED"],
  execute,
});

function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { rateE4, effectiveFromMs, reference } = payload;
  if (rateE4 === 0) return failure("AMOUNT_ZERO", "rateE4");
  const recorded = execution.state.fxRates.get("")?.rates ?? [];
  const last = recorded.at(-1);
  if (last !== undefined && effectiveFromMs <= last.effectiveFromMs) {
    return failure("FX_RATE_NOT_LATER", "effectiveFromMs");
  }
  // Rates that a later one in force has replaced are history: tranches keep the rate they used.
  const current = rateInForce(recorded, execution.timestampMs);
  const kept = current === undefined ? recorded : recorded.slice(recorded.indexOf(current));
  if (kept.length >= MAX_FX_RATES) return failure("LIMIT_REACHED", "effectiveFromMs");
  const rate = { rateE4, effectiveFromMs, reference, recordedAtHeight: execution.height };
  execution.state.fxRates.put({ rates: [...kept, rate] });
  execution.emit({ type: "fxRateRecorded", body: { rateE4, effectiveFromMs, reference } });
  return undefined;
}
