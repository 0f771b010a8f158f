/**
 * The transaction kinds of the protocol, one line each. The envelope, the admission checks, the
 * permission matrix and the manual are derived from what is exported here (see kinds.ts).
 */
export { authoriseInstrument } from "./authorise-instrument.ts";
export { issueCashClaim } from "./cash/issue-cash-claim.ts";
export { redeemCash } from "./cash/redeem-cash.ts";
export { registerCashAsset } from "./cash/register-cash-asset.ts";
export { changeValidators } from "./change-validators.ts";
export { issue } from "./issue.ts";
export { mintCbdc } from "./mint-cbdc.ts";
export { openAccount } from "./open-account.ts";
export { recordFxRate } from "./record-fx-rate.ts";
export { registerInstrument } from "./register-instrument.ts";
export { settleDvp } from "./settle-dvp.ts";
export { transferCbdc } from "./transfer-cbdc.ts";
export { validatorReady } from "./validator-ready.ts";
