/**
 * The transaction kinds of the protocol, one line each. The envelope, the admission checks, the
 * permission matrix and the manual are derived from what is exported here (see kinds.ts).
 */
export { announceAuction } from "./auctions/announce-auction.ts";
export { auctionResult } from "./auctions/auction-result.ts";
export { closeAuction } from "./auctions/close-auction.ts";
export { commitBid } from "./auctions/commit-bid.ts";
export { revealBid } from "./auctions/reveal-bid.ts";
export { sellTap } from "./auctions/sell-tap.ts";
export { withdrawBid } from "./auctions/withdraw-bid.ts";
export { authoriseInstrument } from "./authorise-instrument.ts";
export { issueCashClaim } from "./cash/issue-cash-claim.ts";
export { redeemCash } from "./cash/redeem-cash.ts";
export { registerCashAsset } from "./cash/register-cash-asset.ts";
export { changeValidators } from "./change-validators.ts";
export { cancelInstruction } from "./instructions/cancel-instruction.ts";
export { instruct } from "./instructions/instruct.ts";
export { modifyInstruction } from "./instructions/modify-instruction.ts";
export { setSettlementParameters } from "./instructions/set-settlement-parameters.ts";
export { attestCommodity } from "./instruments/attest-commodity.ts";
export { recordRateFixing } from "./instruments/record-rate-fixing.ts";
export { recordReferencePrice } from "./instruments/record-reference-price.ts";
export { redeemClaim } from "./instruments/redeem-claim.ts";
export { redeemCommodity } from "./instruments/redeem-commodity.ts";
export { setCommodityRules } from "./instruments/set-commodity-rules.ts";
export { setHolidays } from "./instruments/set-holidays.ts";
export { setTaxTable } from "./instruments/set-tax-table.ts";
export { setTenors } from "./instruments/set-tenors.ts";
export { registerInvestor } from "./investors/register-investor.ts";
export { updateInvestor } from "./investors/update-investor.ts";
export { issue } from "./issue.ts";
export { claimPayment } from "./life-cycle/claim-payment.ts";
export { setPayoutAccount } from "./life-cycle/set-payout-account.ts";
export { setServiceAccounts } from "./life-cycle/set-service-accounts.ts";
export { mintCbdc } from "./mint-cbdc.ts";
export { openAccount } from "./open-account.ts";
export { recordFxRate } from "./record-fx-rate.ts";
export { registerInstrument } from "./register-instrument.ts";
export { settleDvp } from "./settle-dvp.ts";
export { transferCbdc } from "./transfer-cbdc.ts";
export { validatorReady } from "./validator-ready.ts";
