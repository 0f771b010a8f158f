import type { Execution, Failure } from "../execution.ts";
import { raiseMarketClaims } from "../life-cycle/market-claim.ts";
import { moveNet, moveUnits } from "../postings.ts";
import { isCash } from "../types.ts";
import type { PendingReason } from "./instruction-codes.ts";
import { type Instruction, remainingOf } from "./instruction-record.ts";
import { releaseReserved, reserveFor } from "./instruction-reservation.ts";
import { amountsOf, movementsOf, type PairAmounts, remainderOf } from "./pair-movements.ts";
import { retain } from "./retention.ts";
import { dequeuePair, type Pair } from "./settlement-pair.ts";
import { change, named, withdrawRequest } from "./transitions.ts";

/** Why each side of a pair waits, as it sees it. */
export interface Wait {
  readonly delivery: PendingReason;
  readonly receipt: PendingReason;
}

/**
 * Settles `quantity` of a pair, gross: both legs or neither. Everything is checked again here, at the
 * moment of settlement. On failure the caller undoes what was written.
 */
export function settlePair(
  execution: Execution,
  pair: Pair,
  quantity: bigint,
  remainder: Wait,
): Failure | undefined {
  const amounts = amountsOf(pair, quantity);
  const reserved = freeReserved(execution, pair);
  const failed = moveUnits(execution, movementsOf(execution.state, pair, amounts));
  return failed ?? conclude(execution, pair, amounts, reserved, remainder);
}

/**
 * Settles pairs in full, all in one transition: only the net of each account must be covered, and
 * each instruction is confirmed at its own gross amount. On failure the caller undoes.
 */
export function settleTogether(execution: Execution, pairs: readonly Pair[]): Failure | undefined {
  const parts = pairs.map((pair) => ({ pair, amounts: remainderOf(pair) }));
  for (const pair of pairs) freeReserved(execution, pair);
  const movements = parts.flatMap(({ pair, amounts }) =>
    movementsOf(execution.state, pair, amounts),
  );
  const failed = moveNet(execution, movements);
  if (failed !== undefined) return failed;
  const nothing = { delivery: 0n, receipt: 0n };
  const settled: Wait = { delivery: "CYCL", receipt: "CYCL" };
  for (const { pair, amounts } of parts) {
    const kept = conclude(execution, pair, amounts, nothing, settled);
    if (kept !== undefined) return kept;
  }
  return undefined;
}

interface Reserved {
  readonly delivery: bigint;
  readonly receipt: bigint;
}

function freeReserved(execution: Execution, { delivery, receipt }: Pair): Reserved {
  return {
    delivery: releaseReserved(execution, delivery),
    receipt: releaseReserved(execution, receipt),
  };
}

/** The units have moved: writes what that makes of the two instructions. */
function conclude(
  execution: Execution,
  pair: Pair,
  amounts: PairAmounts,
  reserved: Reserved,
  remainder: Wait,
): Failure | undefined {
  const isFull = amounts.quantity === remainingOf(pair.delivery);
  if (isFull) dequeuePair(execution.state, pair);
  passPayments(execution, pair, amounts);
  for (const side of [pair.delivery, pair.receipt]) {
    if (isFull) concludeInFull(execution, pair, side, amounts);
    else concludePart(execution, pair, side, amounts, remainder);
  }
  if (isFull) return undefined;
  return (
    reserveRest(execution, pair.delivery, reserved.delivery, amounts.quantity) ??
    reserveRest(execution, pair.receipt, reserved.receipt, amounts.cash)
  );
}

/** A sale from before a record date that settles after it takes the coupon with it, unless ex. */
function passPayments(execution: Execution, { delivery, receipt }: Pair, amounts: PairAmounts) {
  const { asset, tradeDate, cash, couponCondition } = delivery;
  if (isCash(asset) || cash === undefined || couponCondition === "XCPN") return;
  raiseMarketClaims(execution, {
    isin: asset,
    face: amounts.quantity,
    tradeDate,
    delivererAccount: delivery.account,
    receiverAccount: receipt.account,
    settlementRef: delivery.reference,
  });
}

/** What was set aside for the rest of a partly settled instruction stays set aside. */
function reserveRest(
  execution: Execution,
  instruction: Instruction,
  reserved: bigint,
  used: bigint,
): Failure | undefined {
  return reserved > used ? reserveFor(execution, instruction, reserved - used) : undefined;
}

function settledBody(pair: Pair, side: Instruction, { quantity, cash }: PairAmounts) {
  const { delivery, receipt } = pair;
  const other = side === delivery ? receipt : delivery;
  const isPaid = delivery.cash !== undefined;
  return {
    ...named(side),
    movement: side.movement,
    counterInstruction: other.id,
    asset: delivery.asset,
    quantity,
    delivererAccount: delivery.account,
    receiverAccount: receipt.account,
    cashAsset: delivery.cash?.asset,
    cashAmount: isPaid ? cash : undefined,
    payerCashAccount: receipt.cash?.account,
    payeeCashAccount: delivery.cash?.account,
  };
}

function concludeInFull(execution: Execution, pair: Pair, side: Instruction, amounts: PairAmounts) {
  const { height } = execution;
  withdrawRequest(execution, side);
  const moments = {
    entryHeight: side.entryHeight,
    irrevocabilityHeight: side.matchedHeight ?? height,
    finalityHeight: height,
  };
  change(
    execution,
    side,
    {
      state: "SETTLED",
      reason: undefined,
      settledQuantity: side.settledQuantity + amounts.quantity,
      settledCash: side.settledCash + amounts.cash,
      finalityHeight: height,
      cancelLapsesMs: undefined,
      reserves: false,
    },
    { type: "instructionSettled", body: { ...settledBody(pair, side, amounts), ...moments } },
  );
  retain(execution, side.id);
}

function concludePart(
  execution: Execution,
  pair: Pair,
  side: Instruction,
  amounts: PairAmounts,
  remainder: Wait,
): void {
  const reason = side === pair.delivery ? remainder.delivery : remainder.receipt;
  const settledQuantity = side.settledQuantity + amounts.quantity;
  const settledCash = side.settledCash + amounts.cash;
  const body = {
    ...settledBody(pair, side, amounts),
    remainingQuantity: side.quantity - settledQuantity,
    remainingCash:
      pair.delivery.cash === undefined ? undefined : pair.delivery.cash.amount - settledCash,
    reason,
  };
  change(
    execution,
    side,
    { settledQuantity, settledCash, reason },
    { type: "instructionPartlySettled", body },
  );
}

/** A failure of a settlement as the two sides see it. */
export function waitOf({ code, field }: Failure): Wait {
  const isDeliverers = field === "delivery.account";
  if (code === "INSUFFICIENT_SECURITIES" && isDeliverers) {
    return { delivery: "LACK", receipt: "CLAC" };
  }
  // In PvP the deliverer gives cash too.
  if (code === "INSUFFICIENT_CASH") {
    return isDeliverers
      ? { delivery: "MONY", receipt: "CMON" }
      : { delivery: "CMON", receipt: "MONY" };
  }
  return { delivery: "BLOC", receipt: "BLOC" };
}
