import {
  amount,
  bool,
  counter,
  type Infer,
  oneOf,
  optional,
  record,
} from "../../primitives/codec/schema.ts";
import { accountId, assetId, cashAssetId, isoDate, max35Text, memberId } from "../types.ts";
import {
  cancelReason,
  instructionState,
  movementSide,
  payment,
  pendingReason,
  settlementModel,
  unmatchedReason,
} from "./instruction-codes.ts";
import { cashLeg, instructionId } from "./instruction-record.ts";
import { modifyActions } from "./modify-actions.ts";
import { settlementParametersSchema } from "./settlement-parameters.ts";

/**
 * One event for each transition of an instruction: the content of its sese.024 (status), 025
 * (confirmation), 027 (cancellation), 028 and 029 (allegement), 031 (modification) or 032
 * (remainder of a partial settlement).
 */
const named = {
  instruction: instructionId,
  /** The instructing party and its reference. */
  member: memberId,
  reference: max35Text,
};

/** SF1. */
export const instructionAccepted = record({
  ...named,
  movement: movementSide,
  payment,
  model: settlementModel,
  asset: assetId,
  quantity: amount,
  account: accountId,
  cash: optional(cashLeg),
  tradeDate: isoDate,
  settlementDate: isoDate,
  counterparty: memberId,
  reason: unmatchedReason,
});

/** Still unmatched, for another reason. */
export const instructionUnmatched = record({ ...named, reason: unmatchedReason });

/** SF2. */
export const instructionMatched = record({
  ...named,
  counterInstruction: instructionId,
  /** The deliverer's amount: that is what will be paid. */
  settlementAmount: optional(amount),
  reason: pendingReason,
  /** An allegement of the counterparty ends with it. */
  allegementRemoved: bool,
});

/** Matched and waiting: PENDING or FAILING, for this reason. */
export const instructionWaits = record({
  ...named,
  state: instructionState,
  reason: pendingReason,
});

export const instructionModified = record({
  ...named,
  by: memberId,
  action: oneOf(modifyActions),
});

const settled = {
  ...named,
  movement: movementSide,
  counterInstruction: instructionId,
  asset: assetId,
  /** Moved now. */
  quantity: amount,
  delivererAccount: accountId,
  receiverAccount: accountId,
  cashAsset: optional(cashAssetId),
  cashAmount: optional(amount),
  payerCashAccount: optional(accountId),
  payeeCashAccount: optional(accountId),
};

/** A part moved, finally; the remainder waits under the same instruction. */
export const instructionPartlySettled = record({
  ...settled,
  remainingQuantity: amount,
  remainingCash: optional(amount),
  reason: pendingReason,
});

/** SF3: all of it has moved; the three moments as heights. */
export const instructionSettled = record({
  ...settled,
  entryHeight: counter,
  irrevocabilityHeight: counter,
  finalityHeight: counter,
});

/** One side of a matched pair asks to cancel; the other may agree until it lapses. */
export const instructionCancelRequested = record({ ...named, lapsesMs: counter });

/** The request lapsed: the other side did not agree. */
export const instructionCancelDenied = record(named);

export const instructionCancelled = record({
  ...named,
  reason: cancelReason,
  /** Of the depository. */
  cause: optional(max35Text),
  allegementRemoved: bool,
});

/** To the counterparty: your instruction for this one is missing. */
export const instructionAlleged = record({
  ...named,
  movement: movementSide,
  asset: assetId,
  quantity: amount,
  cash: optional(cashLeg),
  settlementDate: isoDate,
  counterparty: memberId,
});

export const instructionEventRecords = {
  instructionAccepted,
  instructionUnmatched,
  instructionMatched,
  instructionWaits,
  instructionModified,
  instructionPartlySettled,
  instructionSettled,
  instructionCancelRequested,
  instructionCancelDenied,
  instructionCancelled,
  instructionAlleged,
  settlementParametersSet: settlementParametersSchema,
};
export type InstructionSettled = Infer<typeof instructionSettled>;
export type InstructionPartlySettled = Infer<typeof instructionPartlySettled>;
