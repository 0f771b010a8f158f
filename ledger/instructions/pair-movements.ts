import { present } from "../../primitives/assert.ts";
import { claimedBy } from "../claims.ts";
import type { Execution } from "../execution.ts";
import type { UnitMovement } from "../movement.ts";
import type { Account } from "../state/account.ts";
import { balanceId } from "../state/balance.ts";
import type { LedgerState } from "../state/ledger-state.ts";
import { isCash } from "../types.ts";
import { type Instruction, remainingOf } from "./instruction-record.ts";
import type { Pair } from "./settlement-pair.ts";

/** What a pair moves in one settlement. */
export interface PairAmounts {
  readonly quantity: bigint;
  /** Zero where free. */
  readonly cash: bigint;
}

/**
 * The cash of a part: parts are rounded down so that the last one takes what is left, and all parts
 * together are the deliverer's amount.
 */
export function amountsOf({ delivery }: Pair, quantity: bigint): PairAmounts {
  if (delivery.cash === undefined) return { quantity, cash: 0n };
  const whole = delivery.cash.amount * (delivery.settledQuantity + quantity);
  return { quantity, cash: whole / delivery.quantity - delivery.settledCash };
}

/** What is still to settle. */
export function remainderOf(pair: Pair): PairAmounts {
  return amountsOf(pair, remainingOf(pair.delivery));
}

/** How much of a pair its parties let settle now: all of it, or what they released in part. */
export function releasedOf({ delivery, receipt }: Pair): bigint {
  let released = remainingOf(delivery);
  for (const { heldByParty, releasedQuantity, settledQuantity } of [delivery, receipt]) {
    const allowed = releasedQuantity - settledQuantity;
    if (heldByParty && allowed < released) released = allowed;
  }
  return released > 0n ? released : 0n;
}

/** Partial settlement: both sides allow it; the larger of their lots counts. */
export function lotOf({ delivery, receipt }: Pair): bigint | undefined {
  if (delivery.minimumLot === undefined || receipt.minimumLot === undefined) return undefined;
  let lot = delivery.minimumLot;
  if (receipt.minimumLot > lot) lot = receipt.minimumLot;
  return lot;
}

/** The step of quantities: an instrument's denomination; of cash one minor unit. */
export function stepOf(state: LedgerState, asset: string): bigint {
  if (isCash(asset)) return 1n;
  return state.instruments.get(asset)?.terms.body.denomination ?? 1n;
}

/** What a side can give of an asset: available, and reserved for this very instruction. */
export function givable(
  execution: Execution,
  instruction: Instruction,
  account: string,
  asset: string,
): bigint {
  const available = execution.state.balances.get(balanceId(account, asset))?.available ?? 0n;
  if (!instruction.reserves) return available;
  const claim = { account, asset, holder: instruction.id };
  return available + claimedBy(execution, "RESERVED", claim);
}

/** The movements of a pair for these amounts. The accounts exist: they were there at entry. */
export function movementsOf(
  state: LedgerState,
  { delivery, receipt }: Pair,
  { quantity, cash }: PairAmounts,
): readonly UnitMovement[] {
  const account = (id: string): Account => present(state.accounts.get(id), `account ${id}`);
  const { reference, asset } = delivery;
  const purpose = isCash(asset) ? "PVP" : delivery.payment === "APMT" ? "DVP" : "FOP";
  const units: UnitMovement = {
    from: account(delivery.account),
    to: account(receipt.account),
    asset,
    parts: [{ amount: quantity, reason: "INSTRUCTED_DELIVERY" }],
    purpose,
    reference,
    fields: { from: "delivery.account", to: "receipt.account" },
  };
  const [paid, received] = [receipt.cash, delivery.cash];
  if (paid === undefined || received === undefined || cash === 0n) return [units];
  return [
    units,
    {
      from: account(paid.account),
      to: account(received.account),
      asset: received.asset,
      parts: [{ amount: cash, reason: "INSTRUCTED_PAYMENT" }],
      purpose,
      reference,
      fields: { from: "receipt.cash", to: "delivery.cash" },
    },
  ];
}
