import type { PlacedEvent } from "../ledger/events.ts";
import { decodeEvent } from "../ledger/events.ts";
import { parseAmount } from "../primitives/decimal.ts";
import { CodedError } from "../primitives/errors.ts";
import { fromBase64 } from "./rpc/base64.ts";
import type { RetryClass } from "./rpc/errors.ts";
import type { EventJson, ReceiptJson, ResultOf } from "./rpc/methods.ts";

/**
 * Results as a program uses them: amounts as bigint minor units, heights as numbers (they stay
 * below 2^53 by the surface's own bound), events decoded from their canonical bytes.
 */

/** A node's answer contradicts itself. */
export class ViewError extends CodedError<"ANSWER_INCONSISTENT"> {
  override readonly name = "ViewError";
}

export interface OutcomeView {
  readonly code: string;
  readonly retry: RetryClass;
  /** ISO 20022 reason or status code. */
  readonly isoReason: string;
}

export interface ReceiptView {
  readonly txId: string;
  readonly member: string;
  readonly clientRef: string;
  readonly kind: string;
  readonly height: number;
  readonly index: number;
  readonly executed: boolean;
  readonly outcome: OutcomeView;
  readonly field?: string;
  readonly first?: {
    readonly txId: string;
    readonly outcome: OutcomeView;
    readonly height: number;
    readonly index: number;
  };
  readonly eventCount: number;
  /** Heights of the three moments of settlement finality. */
  readonly moments?: {
    readonly entryHeight: number;
    readonly irrevocabilityHeight: number;
    readonly finalityHeight: number;
  };
}

export function receiptView(json: ReceiptJson): ReceiptView {
  const { first, moments, height, ...same } = json;
  return {
    ...same,
    height: Number(height),
    ...(first === undefined ? {} : { first: { ...first, height: Number(first.height) } }),
    ...(moments === undefined
      ? {}
      : {
          moments: {
            entryHeight: Number(moments.entryHeight),
            irrevocabilityHeight: Number(moments.irrevocabilityHeight),
            finalityHeight: Number(moments.finalityHeight),
          },
        }),
  };
}

/** Whether the transaction did what it was meant to do. */
export function succeeded(receipt: ReceiptView): boolean {
  return (
    receipt.executed && (receipt.outcome.code === "SETTLED" || receipt.outcome.code === "APPLIED")
  );
}

export interface BalanceView {
  readonly asset: string;
  readonly total: bigint;
  readonly available: bigint;
  readonly reserved: bigint;
  readonly pledged: bigint;
  readonly blocked: bigint;
}

export interface AccountView {
  readonly height: number;
  readonly stateRoot: string;
  readonly account: string;
  readonly kind: string;
  readonly member: string;
  readonly status: string;
  readonly ownership: string;
  readonly window: string;
  readonly investor?: string;
  readonly parent?: string;
  readonly balances: readonly BalanceView[];
}

export function accountView(json: ResultOf<"account.get">): AccountView {
  const balances = json.balances.map((balance) => ({
    asset: balance.asset,
    total: parseAmount(balance.total, "total"),
    available: parseAmount(balance.available, "available"),
    reserved: parseAmount(balance.reserved, "reserved"),
    pledged: parseAmount(balance.pledged, "pledged"),
    blocked: parseAmount(balance.blocked, "blocked"),
  }));
  return { ...json, height: Number(json.height), balances };
}

export interface SupplyView {
  readonly height: number;
  readonly stateRoot: string;
  readonly asset: string;
  readonly authorised?: bigint;
  readonly issued: bigint;
  readonly redeemed: bigint;
  readonly outstanding: bigint;
}

export function supplyView(json: ResultOf<"asset.supply">): SupplyView {
  const { authorised } = json;
  return {
    height: Number(json.height),
    stateRoot: json.stateRoot,
    asset: json.asset,
    ...(authorised === undefined ? {} : { authorised: parseAmount(authorised, "authorised") }),
    issued: parseAmount(json.issued, "issued"),
    redeemed: parseAmount(json.redeemed, "redeemed"),
    outstanding: parseAmount(json.outstanding, "outstanding"),
  };
}

/** An event and the cursor that resumes after it. */
export interface EventView extends PlacedEvent {
  readonly cursor: string;
}

/** Throws ViewError where the bytes are no event, or not the one beside them. */
export function eventView(json: EventJson): EventView {
  const bytes = fromBase64(json.encoded);
  if (bytes === undefined) throw new ViewError("ANSWER_INCONSISTENT", "event is not base64");
  const placed = decodeEvent(bytes);
  const agrees =
    String(placed.height) === json.height &&
    placed.txIndex === json.txIndex &&
    placed.eventIndex === json.eventIndex &&
    placed.event.type === json.type;
  if (!agrees) throw new ViewError("ANSWER_INCONSISTENT", "an event differs from its own bytes");
  return { ...placed, cursor: json.cursor };
}
