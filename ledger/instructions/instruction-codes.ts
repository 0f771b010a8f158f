import { type Infer, oneOf } from "../../primitives/codec/schema.ts";

/**
 * The status tree of a settlement instruction (ISO 20022 sese.024: PrcgSts, MtchgSts, SttlmSts) and
 * the reasons in it. All lists are closed and on the wire by place: append, never reorder. Codes
 * are those of UnmatchedReason11Code, PendingReason and FailingReason, and CancelledStatusReason.
 */

/**
 * UNMATCHED: accepted, MtchgSts is Umtchd. PENDING, FAILING: matched, SttlmSts is Pdg, and Flng
 * after the cut-off of the settlement date. SETTLED and CANCELLED are final. A rejected instruction
 * never exists: its transaction failed, and the receipt says why.
 */
export const instructionStates = [
  "UNMATCHED",
  "PENDING",
  "FAILING",
  "SETTLED",
  "CANCELLED",
] as const;
export const instructionState = oneOf(instructionStates);
export type InstructionState = Infer<typeof instructionState>;

/**
 * CMIS: no instruction of the counterparty is near. NMAS: matching has not started. The others: one
 * is near, and differs in trade date, settlement date, security, quantity, amount, currency, in
 * being against payment or free, in the common reference (deal number), or in something else.
 */
export const unmatchedReasons = [
  "CMIS",
  "NMAS",
  "DTRD",
  "DDAT",
  "DSEC",
  "DQUA",
  "DMON",
  "NCRR",
  "FRAP",
  "DELN",
  "OTHR",
] as const;
export const unmatchedReason = oneOf(unmatchedReasons);
export type UnmatchedReason = Infer<typeof unmatchedReason>;

/**
 * FUTU: before the settlement date. PREA, PRCY: held by the own party, by the counterparty. CSDH:
 * held by the depository. CDLR: waits for the owner of a condition. LINK: waits for linked
 * instructions. BLOC: an account is blocked, or another rule of the movement gate. LACK, CLAC: the
 * own side, the counterparty lacks securities. MONY, CMON: the own side, the counterparty lacks
 * cash. LALO: what could settle is less than the smallest lot. CYCL: waits for the next pass or
 * netting cycle.
 */
export const pendingReasons = [
  "FUTU",
  "PREA",
  "PRCY",
  "CSDH",
  "CDLR",
  "LINK",
  "BLOC",
  "LACK",
  "CLAC",
  "MONY",
  "CMON",
  "LALO",
  "CYCL",
] as const;
export const pendingReason = oneOf(pendingReasons);
export type PendingReason = Infer<typeof pendingReason>;

/**
 * CANI: by the instructing party. CANS: by the system or the depository. CANT: by the counterparty.
 * CORP: because of a corporate action.
 */
export const cancelReasons = ["CANI", "CANS", "CANT", "CORP"] as const;
export const cancelReason = oneOf(cancelReasons);
export type CancelReason = Infer<typeof cancelReason>;

export const stateReasons = [...unmatchedReasons, ...pendingReasons, ...cancelReasons] as const;
export const stateReason = oneOf(stateReasons);
export type StateReason = Infer<typeof stateReason>;

export const movements = ["DELI", "RECE"] as const;
export const movementSide = oneOf(movements);
export type MovementSide = Infer<typeof movementSide>;

/** Against payment or free. */
export const payments = ["APMT", "FREE"] as const;
export const payment = oneOf(payments);
export type Payment = Infer<typeof payment>;

/**
 * Delivery versus payment after the BIS models: 1 gross and gross, 2 securities gross and cash net,
 * 3 net and net. Pairs of models 2 and 3 wait for a netting cycle.
 */
export const settlementModels = ["DVP_1", "DVP_2", "DVP_3"] as const;
export const settlementModel = oneOf(settlementModels);
export type SettlementModel = Infer<typeof settlementModel>;

/** Settlement conditions that both sides may have to state alike. */
export const conditionCodes = ["CLEN", "DIRT", "EXER", "NOMC", "PHYS", "RESI", "TRAN"] as const;
export const conditionCode = oneOf(conditionCodes);

/** Cum coupon, ex coupon. */
export const couponConditions = ["CCPN", "XCPN"] as const;
export const couponCondition = oneOf(couponConditions);

/** 1 reserved to the central bank, 2 top, 3 high, 4 normal. */
export const PRIORITY_RESERVED = 1;
export const PRIORITY_NORMAL = 4;
