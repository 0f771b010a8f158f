import { type Infer, record } from "../../../primitives/codec/schema.ts";
import {
  collateralTermsTable,
  isValuedPer100,
  MAX_TERMS_VERSIONS,
  termsVersion,
  versionInForce,
} from "../../collateral/collateral-terms.ts";
import { type Execution, type Failure, failure } from "../../execution.ts";
import { isinText } from "../../types.ts";
import { transactionKind } from "../transaction-kind.ts";

const payload = record({ isin: isinText, ...termsVersion });
type Payload = Infer<typeof payload>;

export const setCollateralTerms = transactionKind({
  kind: "set-collateral-terms",
  summary:
    "Sets the price and the haircut at which a security is taken as collateral, from a moment on.",
  payload,
  signers: [{ by: "role", role: "CENTRAL_BANK" }],
  keyPurpose: "TRANSACTION",
  success: "APPLIED",
  failures: [
    "AMOUNT_ZERO",
    "ASSET_UNKNOWN",
    "ASSET_WRONG_TYPE",
    "EFFECTIVE_TOO_EARLY",
    "LIMIT_REACHED",
  ],
  execute,
});

function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { isin, ...version } = payload;
  const { state, timestampMs } = execution;
  if (version.priceE4 === 0) return failure("AMOUNT_ZERO", "priceE4");
  const instrument = state.instruments.get(isin);
  if (instrument === undefined) return failure("ASSET_UNKNOWN", "isin");
  if (!isValuedPer100(instrument.terms)) return failure("ASSET_WRONG_TYPE", "isin");
  const versions = state.of(collateralTermsTable).get(isin)?.versions ?? [];
  const last = versions.at(-1);
  if (last !== undefined && version.effectiveFromMs <= last.effectiveFromMs) {
    return failure("EFFECTIVE_TOO_EARLY", "effectiveFromMs");
  }
  // What a later version in force has replaced is history.
  const current = versionInForce(versions, timestampMs);
  const kept = current === undefined ? versions : versions.slice(versions.indexOf(current));
  if (kept.length >= MAX_TERMS_VERSIONS) return failure("LIMIT_REACHED", "effectiveFromMs");
  state.of(collateralTermsTable).put({ isin, versions: [...kept, version] });
  execution.emit({ type: "collateralTermsSet", body: payload });
  return undefined;
}
