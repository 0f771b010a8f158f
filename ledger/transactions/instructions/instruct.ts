import { bool, type Infer, record } from "../../../primitives/codec/schema.ts";
import { daysBetween } from "../../arithmetic/calendar-date.ts";
import { type Execution, type Failure, failure } from "../../execution.ts";
import { enter } from "../../instructions/entering.ts";
import { PRIORITY_RESERVED } from "../../instructions/instruction-codes.ts";
import { MAX_SETTLEMENT_DAYS } from "../../instructions/instruction-limits.ts";
import {
  type Instruction,
  instructedTerms,
  instructionIdOf,
  instructionTable,
  poolTable,
  referenceId,
  referenceTable,
} from "../../instructions/instruction-record.ts";
import { reserveFor } from "../../instructions/instruction-reservation.ts";
import {
  isPastDate,
  type SettlementDay,
  settlementDayOf,
  timeOf,
} from "../../instructions/settlement-day.ts";
import type { UnitMovement } from "../../movement.ts";
import { checkMovements, gateCodes } from "../../movement-gate.ts";
import type { Account } from "../../state/account.ts";
import { cashAssetTable } from "../../state/cash-asset.ts";
import { type AccountKind, CBDC, isCash } from "../../types.ts";
import { checkKinds } from "../account-checks.ts";
import { checkFace } from "../instrument-checks.ts";
import { transactionKind } from "../transaction-kind.ts";

const payload = record({
  ...instructedTerms,
  /** Enters held by its party. */
  hold: bool,
  /** Sets what the party gives aside at once. */
  reserve: bool,
  /** The party knows that the date or its cut-off has passed. */
  late: bool,
});
type Payload = Infer<typeof payload>;

/**
 * One side's settlement instruction (sese.023). It is matched with the counterparty's, and the pair
 * settles in the passes and cycles at the end of blocks.
 */
export const instruct = transactionKind({
  kind: "instruct",
  summary: "Instructs one side of a settlement, to be matched with the counterparty's.",
  payload,
  signers: [{ by: "operator-of", field: "account" }],
  keyPurpose: "TRANSACTION",
  success: "APPLIED",
  failures: [
    "AMOUNT_ZERO",
    "TERMS_INVALID",
    "CASH_LEG",
    "SAME_ACCOUNT_TWICE",
    "MEMBER_UNKNOWN",
    "ACCOUNT_UNKNOWN",
    "CASH_ACCOUNT",
    "ASSET_UNKNOWN",
    "CURRENCY_UNKNOWN",
    "INSTRUCTION_REFERENCE_USED",
    "ACCOUNT_WRONG_KIND",
    "COUNTERPARTY_NOT_MATCHED",
    "POOL_CONFLICT",
    "PRIORITY_RESERVED",
    "INSTRUMENT_NOT_AUTHORISED",
    "ASSET_MATURED",
    "DENOMINATION",
    "SETTLEMENT_DATE",
    "TOO_LATE",
    ...gateCodes,
    "INSUFFICIENT_SECURITIES",
    "INSUFFICIENT_CASH",
    "LIMIT_REACHED",
  ],
  execute,
});

interface Party {
  readonly account: Account;
  readonly cashAccount: Account | undefined;
}

function execute(payload: Payload, execution: Execution): Failure | undefined {
  const party = checkShape(payload) ?? partyOf(payload, execution);
  if ("code" in party) return party;
  const day = settlementDayOf(execution);
  const refused =
    checkAssets(payload, execution) ??
    checkReference(payload, party, execution) ??
    checkParty(payload, party, execution) ??
    checkLinks(payload, party, execution) ??
    checkInstrument(payload, execution) ??
    checkDates(payload, day) ??
    checkMovements(execution, ownMovements(payload, party));
  if (refused !== undefined) return refused;
  const instruction = instructionOf(payload, party, execution, day);
  register(instruction, execution);
  const gives = payload.movement === "DELI" ? payload.quantity : (payload.cash?.amount ?? 0n);
  return (
    (payload.reserve ? reserveFor(execution, instruction, gives) : undefined) ??
    enter(execution, instruction, day)
  );
}

function checkShape(payload: Payload): Failure | undefined {
  const { quantity, cash, minimumLot, pool, conditions } = payload;
  if (quantity === 0n) return failure("AMOUNT_ZERO", "quantity");
  if (cash?.amount === 0n) return failure("AMOUNT_ZERO", "cash.amount");
  if (minimumLot === 0n) return failure("AMOUNT_ZERO", "minimumLot");
  if (conditions.some((code, i) => i > 0 && code <= (conditions[i - 1] ?? ""))) {
    return failure("TERMS_INVALID", "conditions");
  }
  if (payload.priority === 0) return failure("TERMS_INVALID", "priority");
  if (minimumLot !== undefined && minimumLot > quantity) {
    return failure("TERMS_INVALID", "minimumLot");
  }
  // A pool of one links nothing, and a part of a pool would settle it half-way.
  if (pool !== undefined && (pool.total < 2 || minimumLot !== undefined)) {
    return failure("TERMS_INVALID", "pool");
  }
  if (payload.after === payload.reference) return failure("TERMS_INVALID", "after");
  if (payload.reserve && payload.movement === "RECE" && payload.payment === "FREE") {
    return failure("TERMS_INVALID", "reserve");
  }
  const isPvp = isCash(payload.asset);
  const isWrong =
    (cash !== undefined) !== (payload.payment === "APMT") ||
    (isPvp && (cash === undefined || cash.asset === payload.asset));
  if (isWrong) return failure("CASH_LEG", "cash");
  // In PvP one account may hold both moneys.
  return cash?.account === payload.account && !isPvp
    ? failure("SAME_ACCOUNT_TWICE", "cash.account")
    : undefined;
}

function partyOf(payload: Payload, { state }: Execution): Party | Failure {
  if (state.members.get(payload.counterparty) === undefined) {
    return failure("MEMBER_UNKNOWN", "counterparty");
  }
  const { conditionOwner, cash } = payload;
  if (conditionOwner !== undefined && state.members.get(conditionOwner) === undefined) {
    return failure("MEMBER_UNKNOWN", "conditionOwner");
  }
  const account = state.accounts.get(payload.account);
  if (account === undefined) return failure("ACCOUNT_UNKNOWN", "account");
  if (cash === undefined) return { account, cashAccount: undefined };
  const cashAccount = state.accounts.get(cash.account);
  if (cashAccount?.kind !== "CASH_CBDC") return failure("CASH_ACCOUNT", "cash.account");
  return { account, cashAccount };
}

function checkAssets({ asset, cash }: Payload, execution: Execution): Failure | undefined {
  const { state } = execution;
  const isMoney = (id: string): boolean =>
    id === CBDC || state.of(cashAssetTable).get(id) !== undefined;
  const isKnown = isCash(asset) ? isMoney(asset) : state.instruments.get(asset) !== undefined;
  if (!isKnown) return failure("ASSET_UNKNOWN", "asset");
  if (cash !== undefined && !isMoney(cash.asset)) return failure("CURRENCY_UNKNOWN", "cash.asset");
  return undefined;
}

function checkReference(
  { reference }: Payload,
  { account }: Party,
  { state, txId }: Execution,
): Failure | undefined {
  const isUsed =
    state.of(referenceTable).get(referenceId(account.member, reference)) !== undefined ||
    // Two ids that begin alike do not happen by chance.
    state.of(instructionTable).get(instructionIdOf(txId)) !== undefined;
  return isUsed ? failure("INSTRUCTION_REFERENCE_USED", "reference") : undefined;
}

const HOLDING_KINDS: readonly AccountKind[] = ["SGLA", "IPS", "COLLATERAL_POOL", "COMMODITY_VAULT"];

/**
 * Each side names accounts of its own. Units fresh from issue are the exception: the central bank
 * delivers them as agent, and the proceeds are the sovereign's.
 */
function checkParty(
  { asset, movement }: Payload,
  { account, cashAccount }: Party,
  { state }: Execution,
): Failure | undefined {
  const securities: readonly AccountKind[] =
    movement === "DELI" ? [...HOLDING_KINDS, "ISSUANCE"] : HOLDING_KINDS;
  const kinds: readonly AccountKind[] = isCash(asset) ? ["CASH_CBDC"] : securities;
  const wrongKind = checkKinds([{ field: "account", account, kinds }]);
  if (wrongKind !== undefined || cashAccount === undefined) return wrongKind;
  const isProper =
    account.kind === "ISSUANCE"
      ? state.members.get(cashAccount.member)?.roles.includes("SOVEREIGN") === true
      : cashAccount.member === account.member;
  return isProper ? undefined : failure("COUNTERPARTY_NOT_MATCHED", "cash.account");
}

function checkLinks(
  { pool, priority }: Payload,
  { account }: Party,
  { state }: Execution,
): Failure | undefined {
  if (pool !== undefined) {
    const opened = state.of(poolTable).get(referenceId(account.member, pool.id));
    const fits =
      opened === undefined ||
      (opened.total === pool.total && opened.instructions.length < opened.total);
    if (!fits) return failure("POOL_CONFLICT", "pool");
  }
  const isCentralBank = state.members.get(account.member)?.roles.includes("CENTRAL_BANK") === true;
  return priority === PRIORITY_RESERVED && !isCentralBank
    ? failure("PRIORITY_RESERVED", "priority")
    : undefined;
}

function checkInstrument(payload: Payload, { state }: Execution): Failure | undefined {
  const { asset, quantity, settlementDate } = payload;
  const instrument = state.instruments.get(asset);
  if (instrument === undefined) return undefined;
  if ((state.supplies.get(asset)?.authorised ?? 0n) === 0n) {
    return failure("INSTRUMENT_NOT_AUTHORISED", "asset");
  }
  const refused = checkFace(instrument, quantity, settlementDate);
  if (refused === undefined) return undefined;
  return failure(refused.code, refused.code === "ASSET_MATURED" ? "asset" : "quantity");
}

function checkDates(payload: Payload, day: SettlementDay): Failure | undefined {
  const { tradeDate, settlementDate } = payload;
  const isImproper =
    settlementDate < tradeDate ||
    daysBetween(day.date, settlementDate) > MAX_SETTLEMENT_DAYS ||
    !day.calendar.isBusinessDay(settlementDate);
  if (isImproper) return failure("SETTLEMENT_DATE", "settlementDate");
  return isPastDate(payload, day) && !payload.late
    ? failure("TOO_LATE", "settlementDate")
    : undefined;
}

/** The party's own halves of the two legs: the rules of the gate hold at entry too. */
function ownMovements(payload: Payload, { account, cashAccount }: Party): readonly UnitMovement[] {
  const { movement, asset, quantity, cash, reference } = payload;
  const purpose = isCash(asset) ? "PVP" : cash === undefined ? "FOP" : "DVP";
  const half = (own: Account, isGiven: boolean, what: string, amount: bigint, field: string) =>
    ({
      from: isGiven ? own : undefined,
      to: isGiven ? undefined : own,
      asset: what,
      parts: [{ amount, reason: "INSTRUCTED_DELIVERY" }],
      purpose,
      reference,
      fields: { from: field, to: field },
    }) as const;
  const gives = movement === "DELI";
  const units = half(account, gives, asset, quantity, "account");
  if (cash === undefined || cashAccount === undefined) return [units];
  return [units, half(cashAccount, !gives, cash.asset, cash.amount, "cash.account")];
}

function instructionOf(
  payload: Payload,
  { account }: Party,
  { txId, height, timestampMs }: Execution,
  day: SettlementDay,
): Instruction {
  const { hold, reserve, late: _, ...terms } = payload;
  const { allegementDelayMs, allegementMinute, recycleDays } = day.parameters;
  const { settlementDate } = terms;
  const dueOnDate = timeOf(settlementDate, allegementMinute);
  const isForward = settlementDate > day.date;
  const lastDay = isForward ? settlementDate : day.date;
  return {
    ...terms,
    id: instructionIdOf(txId),
    member: account.member,
    heldByParty: hold,
    heldByCsd: false,
    heldByCondition: terms.conditionOwner !== undefined,
    releasedQuantity: 0n,
    reserves: reserve,
    state: "UNMATCHED",
    reason: undefined,
    counterInstruction: undefined,
    settledQuantity: 0n,
    settledCash: 0n,
    alleged: false,
    allegementMs: Math.max(timestampMs, Math.min(timestampMs + allegementDelayMs, dueOnDate)),
    recycleDate: day.calendar.addBusinessDays(lastDay, recycleDays),
    cancelLapsesMs: undefined,
    entryHeight: height,
    matchedHeight: undefined,
    finalityHeight: undefined,
  };
}

/** Enters the instruction under its reference and into its pool. */
function register({ id, member, reference, pool }: Instruction, { state }: Execution): void {
  state.of(referenceTable).put({ member, reference, instruction: id });
  if (pool === undefined) return;
  const opened = state.of(poolTable).get(referenceId(member, pool.id));
  const instructions = [...(opened?.instructions ?? []), id];
  state.of(poolTable).put({ member, ...pool, instructions });
}
