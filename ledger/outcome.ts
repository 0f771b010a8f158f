import { present } from "../primitives/assert.ts";
import { invalidValue } from "../primitives/codec/codec-error.ts";
import { oneOf, type Schema } from "../primitives/codec/schema.ts";
import { readerOf, writerOf } from "../primitives/codec/wire-generic.ts";
import { UNUSUAL } from "../primitives/codec/wire-writer.ts";

/**
 * What the sender should do with the same instruction after this outcome.
 * never: it cannot succeed, or it already did. same: send the very same bytes again.
 * later: build it again with a new client reference once the cause has gone.
 * rebuild: correct the transaction and send it with a new client reference.
 */
export type RetryClass = "never" | "same" | "later" | "rebuild";

interface OutcomeDefinition {
  readonly retry: RetryClass;
  /**
   * ISO 20022 code: ACSC of ExternalPaymentTransactionStatus1Code for success; codes of
   * RejectionReason75Code; LACK, MONY and BLOC of the pending and failing reasons of sese.024.
   */
  readonly isoReason: string;
  readonly meaning: string;
}

/**
 * Every way a transaction can end in a block, in one closed list. The place in the list is the
 * value in receipts: append, never reorder. `executed` outcomes consume the client reference,
 * refusals at admission do not.
 */
const definitions = {
  // Success.
  SETTLED: { retry: "never", isoReason: "ACSC", meaning: "value moved, final" },
  APPLIED: { retry: "never", isoReason: "ACSC", meaning: "the record was written" },
  // Refusals at admission, in the order in which they are looked for.
  TX_WRONG_CHAIN: { retry: "rebuild", isoReason: "OTHR", meaning: "made for another chain" },
  TX_UNKNOWN_SIGNER: {
    retry: "rebuild",
    isoReason: "OTHR",
    meaning: "a member or key is not registered, or may not sign this kind",
  },
  TX_BAD_SIGNATURE: { retry: "rebuild", isoReason: "OTHR", meaning: "a signature does not verify" },
  MEMBER_SUSPENDED: { retry: "later", isoReason: "OTHR", meaning: "a signing member is suspended" },
  DUPLICATE: {
    retry: "never",
    isoReason: "REFE",
    meaning: "executed before: see the first result",
  },
  IDEMPOTENCY_CONFLICT: {
    retry: "never",
    isoReason: "REFE",
    meaning: "the client reference belongs to another transaction",
  },
  TX_EXPIRED: { retry: "rebuild", isoReason: "LATE", meaning: "its last height has passed" },
  TX_EXPIRY_TOO_FAR: {
    retry: "rebuild",
    isoReason: "OTHR",
    meaning: "its last height is further ahead than the network allows",
  },
  TX_MISSING_SIGNER: {
    retry: "rebuild",
    isoReason: "OTHR",
    meaning: "a required institution has not signed",
  },
  // Failures; `failureOrder` below says which of two is given.
  AMOUNT_ZERO: { retry: "rebuild", isoReason: "DQUA", meaning: "an amount must be above zero" },
  ISIN_INVALID: { retry: "rebuild", isoReason: "DSEC", meaning: "the check digit is wrong" },
  TERMS_INVALID: {
    retry: "rebuild",
    isoReason: "DSEC",
    meaning: "the terms contradict themselves",
  },
  SAME_ACCOUNT_TWICE: {
    retry: "rebuild",
    isoReason: "SAFE",
    meaning: "one account stands in two places",
  },
  MEMBER_UNKNOWN: { retry: "rebuild", isoReason: "ICUS", meaning: "no such member" },
  ACCOUNT_UNKNOWN: { retry: "rebuild", isoReason: "SAFE", meaning: "no such account" },
  ASSET_UNKNOWN: { retry: "rebuild", isoReason: "DSEC", meaning: "no such instrument" },
  ACCOUNT_EXISTS: { retry: "never", isoReason: "SAFE", meaning: "the account id is taken" },
  ASSET_EXISTS: { retry: "never", isoReason: "DSEC", meaning: "the instrument is registered" },
  RESERVE_REFERENCE_USED: {
    retry: "never",
    isoReason: "REFE",
    meaning: "the reserve proof was used before",
  },
  ACCOUNT_WRONG_KIND: {
    retry: "rebuild",
    isoReason: "SAFE",
    meaning: "an account of this kind may not stand here",
  },
  MEMBER_WRONG_ROLE: {
    retry: "rebuild",
    isoReason: "ICUS",
    meaning: "the member's role does not allow such an account",
  },
  COUNTERPARTY_NOT_MATCHED: {
    retry: "rebuild",
    isoReason: "DEPT",
    meaning: "a receiving account does not belong to the counterparty",
  },
  INSTRUMENT_NOT_AUTHORISED: {
    retry: "later",
    isoReason: "DSEC",
    meaning: "no face has been authorised",
  },
  ASSET_MATURED: { retry: "never", isoReason: "DSEC", meaning: "the maturity date has come" },
  DENOMINATION: {
    retry: "rebuild",
    isoReason: "MUNO",
    meaning: "the face is not a multiple of the denomination",
  },
  ACCOUNT_CLOSED: { retry: "never", isoReason: "SAFE", meaning: "the account is closed" },
  ACCOUNT_FROZEN: { retry: "later", isoReason: "BLOC", meaning: "the account is blocked this way" },
  FX_RATE_NOT_LATER: {
    retry: "rebuild",
    isoReason: "DDAT",
    meaning: "a rate must take effect after the last one recorded",
  },
  FX_RATE_MISSING: { retry: "later", isoReason: "OTHR", meaning: "no exchange rate is in force" },
  AUTHORISED_EXCEEDED: {
    retry: "later",
    isoReason: "DQUA",
    meaning: "more than the authorised face would be issued",
  },
  PROGRAMME_CAP_EXCEEDED: {
    retry: "later",
    isoReason: "DQUA",
    meaning: "the programme's ceiling in USD would be passed",
  },
  INSUFFICIENT_SECURITIES: {
    retry: "later",
    isoReason: "LACK",
    meaning: "the deliverer has fewer units available",
  },
  INSUFFICIENT_CASH: { retry: "later", isoReason: "MONY", meaning: "the payer has less available" },
  LIMIT_REACHED: { retry: "later", isoReason: "OTHR", meaning: "a bounded list is full" },
  AMOUNT_OVERFLOW: { retry: "never", isoReason: "DMON", meaning: "a total would leave 2^127-1" },
  // Changes of the validator set.
  VALIDATOR_UNKNOWN: {
    retry: "rebuild",
    isoReason: "OTHR",
    meaning: "that member operates no validator of this name",
  },
  VALIDATOR_EXISTS: { retry: "never", isoReason: "OTHR", meaning: "the validator's name is taken" },
  VALIDATOR_KEY_INVALID: {
    retry: "rebuild",
    isoReason: "OTHR",
    meaning: "a key is not a registrable Ed25519 key",
  },
  VALIDATOR_KEY_USED: {
    retry: "rebuild",
    isoReason: "OTHR",
    meaning: "a key is or was registered already",
  },
  CHANGE_PENDING: {
    retry: "later",
    isoReason: "OTHR",
    meaning: "another change of this validator waits",
  },
  CHANGE_UNKNOWN: { retry: "rebuild", isoReason: "OTHR", meaning: "no such change waits" },
  CHANGE_READY: { retry: "never", isoReason: "OTHR", meaning: "the change is ready already" },
  VALIDATORS_TOO_FEW: {
    retry: "later",
    isoReason: "OTHR",
    meaning: "fewer than four validators would remain",
  },
  VALIDATORS_TOO_MANY: {
    retry: "later",
    isoReason: "OTHR",
    meaning: "more validators or more weight than the protocol carries",
  },
  VALIDATOR_TOO_HEAVY: {
    retry: "later",
    isoReason: "OTHR",
    meaning: "a validator would hold a third of the weight or more",
  },
  SOVEREIGN_CONTROL: {
    retry: "later",
    isoReason: "OTHR",
    meaning: "institutions beside central bank and sovereign could block the network",
  },
  VALIDATOR_CHURN: {
    retry: "rebuild",
    isoReason: "OTHR",
    meaning: "more weight than one epoch may change",
  },
  READY_STALE: {
    retry: "rebuild",
    isoReason: "LATE",
    meaning: "the statement names another epoch or no recent block",
  },
  READY_SIGNATURE: {
    retry: "rebuild",
    isoReason: "OTHR",
    meaning: "the new consensus key did not sign this statement",
  },
  KEY_CHECKS_SPENT: {
    retry: "later",
    isoReason: "OTHR",
    meaning: "the block has looked at as many keys as it may",
  },
  // Instruments, governed tables and the life cycle.
  TENOR_NOT_OFFERED: {
    retry: "rebuild",
    isoReason: "DSEC",
    meaning: "instruments of this type do not run so long",
  },
  TABLE_INVALID: {
    retry: "rebuild",
    isoReason: "OTHR",
    meaning: "a governed table contradicts itself",
  },
  EFFECTIVE_TOO_EARLY: {
    retry: "rebuild",
    isoReason: "DDAT",
    meaning: "a change would count before now or before one that is recorded",
  },
  FIXING_EXISTS: {
    retry: "never",
    isoReason: "REFE",
    meaning: "the benchmark is fixed for that day",
  },
  PRICE_MISSING: {
    retry: "later",
    isoReason: "OTHR",
    meaning: "no reference price is in force",
  },
  INVESTOR_UNKNOWN: { retry: "rebuild", isoReason: "ICUS", meaning: "no such investor" },
  INVESTOR_EXISTS: { retry: "never", isoReason: "ICUS", meaning: "the investor's id is taken" },
  SAME_MEMBER_TWICE: {
    retry: "rebuild",
    isoReason: "ICUS",
    meaning: "one institution stands in two places",
  },
  ASSET_WRONG_TYPE: {
    retry: "rebuild",
    isoReason: "DSEC",
    meaning: "an instrument of this type may not stand here",
  },
  BAR_LIST_INVALID: {
    retry: "rebuild",
    isoReason: "OTHR",
    meaning: "the bars are not what their root or their order says",
  },
  BAR_UNKNOWN: {
    retry: "rebuild",
    isoReason: "OTHR",
    meaning: "the vault holds no such bar",
  },
  BAR_EXISTS: {
    retry: "rebuild",
    isoReason: "OTHR",
    meaning: "the bar is attested in another vault or for another instrument",
  },
  ATTESTATION_STALE: {
    retry: "later",
    isoReason: "OTHR",
    meaning: "an attestation is too old, or older than the one on record",
  },
  ATTESTED_EXCEEDED: {
    retry: "later",
    isoReason: "DQUA",
    meaning: "more than the attested weight less the haircut",
  },
  OUTSIDE_DELIVERY: {
    retry: "later",
    isoReason: "DDAT",
    meaning: "the days of delivery have not begun or are over",
  },
  PAYMENT_UNKNOWN: { retry: "rebuild", isoReason: "REFE", meaning: "no such payment waits" },
  // Auctions.
  AUCTION_UNKNOWN: { retry: "rebuild", isoReason: "REFE", meaning: "no such auction" },
  AUCTION_EXISTS: { retry: "never", isoReason: "REFE", meaning: "the auction's id is taken" },
  AUCTION_PHASE: {
    retry: "later",
    isoReason: "LATE",
    meaning: "the auction is not at the stage for this",
  },
  BID_UNKNOWN: {
    retry: "rebuild",
    isoReason: "REFE",
    meaning: "the bidder has no commitment that this opens",
  },
  BID_EXISTS: { retry: "never", isoReason: "REFE", meaning: "the bidder made that commitment" },
  BID_SPENT: {
    retry: "never",
    isoReason: "REFE",
    meaning: "the bid was opened, withdrawn or voided before",
  },
  BID_NOT_ADMITTED: {
    retry: "never",
    isoReason: "DQUA",
    meaning: "a non-competitive bid of an ineligible investor, or above its cap",
  },
  CUT_OFF_INVALID: {
    retry: "rebuild",
    isoReason: "DMON",
    meaning: "no bid stands at the cut-off, or the face ends before it",
  },
  PERIOD_RATE_MISSING: {
    retry: "later",
    isoReason: "OTHR",
    meaning: "the rate of the running period is not fixed yet",
  },
  // Settlement instructions.
  CASH_LEG: {
    retry: "rebuild",
    isoReason: "DMON",
    meaning: "against payment without an amount, or free with one",
  },
  CASH_ACCOUNT: {
    retry: "rebuild",
    isoReason: "CASH",
    meaning: "no such cash account, or not one that the party may name",
  },
  CURRENCY_UNKNOWN: { retry: "rebuild", isoReason: "NCRR", meaning: "no such money" },
  INSTRUCTION_REFERENCE_USED: {
    retry: "rebuild",
    isoReason: "REFE",
    meaning: "the party has used this reference before",
  },
  POOL_CONFLICT: {
    retry: "rebuild",
    isoReason: "REFE",
    meaning: "the pool is full or was opened for another number of instructions",
  },
  PRIORITY_RESERVED: {
    retry: "rebuild",
    isoReason: "OTHR",
    meaning: "the first priority is the central bank's",
  },
  SETTLEMENT_DATE: {
    retry: "rebuild",
    isoReason: "DDAT",
    meaning: "the settlement date is no business day, before the trade or too far ahead",
  },
  TOO_LATE: {
    retry: "rebuild",
    isoReason: "LATE",
    meaning: "the settlement date or its cut-off has passed and the instruction is not marked late",
  },
  INSTRUCTION_UNKNOWN: { retry: "rebuild", isoReason: "REFE", meaning: "no such instruction" },
  INSTRUCTION_FINAL: {
    retry: "never",
    isoReason: "OTHR",
    meaning: "the instruction has settled or was cancelled",
  },
  NOT_INSTRUCTION_PARTY: {
    retry: "rebuild",
    isoReason: "OTHR",
    meaning: "not the one who may do this to the instruction",
  },
  MODIFICATION_INVALID: {
    retry: "rebuild",
    isoReason: "OTHR",
    meaning: "the instruction is not in a state in which this can be changed",
  },
  CANCEL_REQUESTED: {
    retry: "never",
    isoReason: "OTHR",
    meaning: "this side has asked already: the other has to agree",
  },
  CAUSE_MISSING: {
    retry: "rebuild",
    isoReason: "OTHR",
    meaning: "the depository cancels for a stated cause only",
  },
  // Collateral and liquidity.
  LIEN_UNKNOWN: { retry: "rebuild", isoReason: "REFE", meaning: "no such lien" },
  LIEN_EXISTS: { retry: "never", isoReason: "REFE", meaning: "the lien's id is taken" },
  REPO_UNKNOWN: { retry: "rebuild", isoReason: "REFE", meaning: "no such repo" },
  REPO_EXISTS: { retry: "never", isoReason: "REFE", meaning: "the repo's id is taken" },
  REPO_PHASE: {
    retry: "later",
    isoReason: "LATE",
    meaning: "the repo or the credit is not at the stage for this",
  },
  COLLATERAL_NOT_ELIGIBLE: {
    retry: "rebuild",
    isoReason: "DSEC",
    meaning: "a security may not serve as collateral here, or is named twice",
  },
  COLLATERAL_UNKNOWN: {
    retry: "rebuild",
    isoReason: "DQUA",
    meaning: "the collateral does not hold as much of that security",
  },
  COLLATERAL_INSUFFICIENT: {
    retry: "later",
    isoReason: "DQUA",
    meaning: "the collateral after haircuts is worth less than what is owed",
  },
  MARGIN_SUFFICIENT: {
    retry: "later",
    isoReason: "OTHR",
    meaning: "the collateral covers what is owed",
  },
  MANDATE_MISSING: {
    retry: "later",
    isoReason: "OTHR",
    meaning: "the account has no standing mandate for this",
  },
  CREDIT_UNKNOWN: { retry: "rebuild", isoReason: "REFE", meaning: "nothing is owed" },
  CREDIT_OUTSTANDING: {
    retry: "later",
    isoReason: "OTHR",
    meaning: "a credit of the account must be paid first",
  },
  CREDIT_LIMIT: {
    retry: "later",
    isoReason: "DMON",
    meaning: "more than the mandate allows, or a credit is overdue",
  },
  FUNDING_WINDOW_CLOSED: {
    retry: "later",
    isoReason: "LATE",
    meaning: "not at this time of the day",
  },
  UNITS_MATURED: {
    retry: "never",
    isoReason: "DSEC",
    meaning: "matured units are redeemed and move no more",
  },
} as const satisfies Readonly<Record<string, OutcomeDefinition>>;

export type OutcomeCode = keyof typeof definitions;
export type SuccessCode = "SETTLED" | "APPLIED";
export const admissionCodes = [
  "TX_WRONG_CHAIN",
  "TX_UNKNOWN_SIGNER",
  "TX_BAD_SIGNATURE",
  "MEMBER_SUSPENDED",
  "DUPLICATE",
  "IDEMPOTENCY_CONFLICT",
  "TX_EXPIRED",
  "TX_EXPIRY_TOO_FAR",
  "TX_MISSING_SIGNER",
] as const satisfies readonly OutcomeCode[];
export type AdmissionCode = (typeof admissionCodes)[number];
export type FailureCode = Exclude<OutcomeCode, SuccessCode | AdmissionCode>;

export interface Outcome<Code extends OutcomeCode = OutcomeCode> {
  readonly code: Code;
  readonly retry: RetryClass;
  readonly isoReason: string;
}

export const outcomeCodes = Object.keys(definitions) as readonly OutcomeCode[];

const outcomes = new Map(
  outcomeCodes.map((code) => {
    const { retry, isoReason } = definitions[code];
    return [code, Object.freeze({ code, retry, isoReason })] as const;
  }),
);

/** The outcome of a code: retry class and ISO reason are functions of the code. */
export function outcomeOf(code: OutcomeCode): Outcome {
  return present(outcomes.get(code), `outcome ${code}`);
}

/** One line for the error table of the manual. */
export function meaningOf(code: OutcomeCode): string {
  return definitions[code].meaning;
}

/**
 * The fixed order in which executions look for faults: of two faults in one transaction the one
 * that stands first here is the outcome. Unlike the list of outcomes it may be extended anywhere.
 */
export const failureOrder = [
  // The payload by itself.
  "AMOUNT_ZERO",
  "ISIN_INVALID",
  "TERMS_INVALID",
  "CASH_LEG",
  "CAUSE_MISSING",
  "TABLE_INVALID",
  "BAR_LIST_INVALID",
  "SAME_ACCOUNT_TWICE",
  "SAME_MEMBER_TWICE",
  // What exists.
  "MEMBER_UNKNOWN",
  "INVESTOR_UNKNOWN",
  "ACCOUNT_UNKNOWN",
  "CASH_ACCOUNT",
  "ASSET_UNKNOWN",
  "CURRENCY_UNKNOWN",
  "INSTRUCTION_UNKNOWN",
  "PAYMENT_UNKNOWN",
  "BAR_UNKNOWN",
  "AUCTION_UNKNOWN",
  "BID_UNKNOWN",
  "LIEN_UNKNOWN",
  "REPO_UNKNOWN",
  "CREDIT_UNKNOWN",
  "MANDATE_MISSING",
  "ACCOUNT_EXISTS",
  "ASSET_EXISTS",
  "INVESTOR_EXISTS",
  "FIXING_EXISTS",
  "BAR_EXISTS",
  "AUCTION_EXISTS",
  "BID_EXISTS",
  "BID_SPENT",
  "LIEN_EXISTS",
  "REPO_EXISTS",
  "RESERVE_REFERENCE_USED",
  "INSTRUCTION_REFERENCE_USED",
  "VALIDATOR_UNKNOWN",
  "CHANGE_UNKNOWN",
  "VALIDATOR_EXISTS",
  "CHANGE_PENDING",
  "CHANGE_READY",
  "VALIDATOR_KEY_USED",
  // Whether these may stand together.
  "ACCOUNT_WRONG_KIND",
  "MEMBER_WRONG_ROLE",
  "ASSET_WRONG_TYPE",
  "COUNTERPARTY_NOT_MATCHED",
  "NOT_INSTRUCTION_PARTY",
  "INSTRUCTION_FINAL",
  "POOL_CONFLICT",
  "PRIORITY_RESERVED",
  "MODIFICATION_INVALID",
  "CANCEL_REQUESTED",
  "REPO_PHASE",
  "FUNDING_WINDOW_CLOSED",
  "COLLATERAL_NOT_ELIGIBLE",
  "AUCTION_PHASE",
  "BID_NOT_ADMITTED",
  "CUT_OFF_INVALID",
  "PERIOD_RATE_MISSING",
  "TENOR_NOT_OFFERED",
  // The instrument.
  "INSTRUMENT_NOT_AUTHORISED",
  "ASSET_MATURED",
  "OUTSIDE_DELIVERY",
  "DENOMINATION",
  // Dates of an instruction.
  "SETTLEMENT_DATE",
  "TOO_LATE",
  // The accounts' status.
  "ACCOUNT_CLOSED",
  "ACCOUNT_FROZEN",
  "UNITS_MATURED",
  "EFFECTIVE_TOO_EARLY",
  // Rates and ceilings.
  "FX_RATE_NOT_LATER",
  "FX_RATE_MISSING",
  "PRICE_MISSING",
  "ATTESTATION_STALE",
  "AUTHORISED_EXCEEDED",
  "PROGRAMME_CAP_EXCEEDED",
  "ATTESTED_EXCEEDED",
  // Holdings: securities before cash.
  "CREDIT_OUTSTANDING",
  "CREDIT_LIMIT",
  "MARGIN_SUFFICIENT",
  "COLLATERAL_UNKNOWN",
  "COLLATERAL_INSUFFICIENT",
  "INSUFFICIENT_SECURITIES",
  "INSUFFICIENT_CASH",
  // The validator set that would come of it.
  "VALIDATORS_TOO_FEW",
  "VALIDATORS_TOO_MANY",
  "VALIDATOR_TOO_HEAVY",
  "SOVEREIGN_CONTROL",
  "VALIDATOR_CHURN",
  "READY_STALE",
  // What only bounds the ledger itself.
  "LIMIT_REACHED",
  "AMOUNT_OVERFLOW",
  // What costs most to find out.
  "KEY_CHECKS_SPENT",
  "VALIDATOR_KEY_INVALID",
  "READY_SIGNATURE",
] as const satisfies readonly FailureCode[];

/** Where a failing code stands in `failureOrder`: the smaller place wins. */
export function precedenceOf(failing: FailureCode): number {
  return failureOrder.indexOf(failing);
}

const code = oneOf(outcomeCodes);
const [writeCode, readCode] = [writerOf(code), readerOf(code)];

/** On the wire only the code's place; the classes beside it cannot disagree with it. */
export const outcomeSchema: Schema<Outcome> = {
  describe: "outcome code",
  toWire(value, field) {
    const expected = outcomeOf(value.code);
    if (value.retry !== expected.retry || value.isoReason !== expected.isoReason) {
      throw invalidValue(field, value.isoReason, `${expected.retry}, ${expected.isoReason}`);
    }
    return code.toWire(value.code, field);
  },
  fromWire: (wire, field) => outcomeOf(code.fromWire(wire, field)),
  write(out, value) {
    // One of ours is the only one of its code; another object is compared the long way.
    if (outcomes.get(value.code) !== value) throw UNUSUAL;
    writeCode(out, value.code);
  },
  read: (input) => outcomeOf(readCode(input)),
};
