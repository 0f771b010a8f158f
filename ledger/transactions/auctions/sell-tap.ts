import { present } from "../../../primitives/assert.ts";
import { amount, type Infer, record } from "../../../primitives/codec/schema.ts";
import { priceE4 } from "../../auctions/auction-record.ts";
import { settlementAmounts } from "../../auctions/settlement-amounts.ts";
import { isValuedPer100 } from "../../collateral/collateral-terms.ts";
import { type Execution, type Failure, failure } from "../../execution.ts";
import { createUnits, issuanceCodes } from "../../issuance.ts";
import type { UnitMovement } from "../../movement.ts";
import { checkMovements } from "../../movement-gate.ts";
import type { FailureCode } from "../../outcome.ts";
import { moveUnits } from "../../postings.ts";
import type { Account } from "../../state/account.ts";
import type { Instrument } from "../../state/instrument.ts";
import { recordPrimaryCost } from "../../tax/discount.ts";
import { accountId, CBDC, isinText, max35Text } from "../../types.ts";
import { checkDistinct, checkKinds } from "../account-checks.ts";
import { transactionKind } from "../transaction-kind.ts";

const payload = record({
  tapRef: max35Text,
  isin: isinText,
  /** Minor units. */
  face: amount,
  /** Clean price per 100 times 10^4, of the last auction as a rule. */
  priceE4,
  issuanceAccount: accountId,
  /** The sovereign's. */
  proceedsAccount: accountId,
  securitiesAccount: accountId,
  cashAccount: accountId,
  mandateRef: max35Text,
});
type Payload = Infer<typeof payload>;

/** Codes of what is not valued per 100, and those that stand after the want of cash. */
const elsewhere: readonly FailureCode[] = [
  "PRICE_MISSING",
  "ATTESTATION_STALE",
  "ATTESTED_EXCEEDED",
  "LIMIT_REACHED",
  "AMOUNT_OVERFLOW",
];
const saleCodes = issuanceCodes.filter((code) => !elsewhere.includes(code));

/** A sale outside auctions, to one buyer: units are created and delivered against cash at once. */
export const sellTap = transactionKind({
  kind: "sell-tap",
  summary: "Creates units and sells them at a fixed price plus what has accrued, at once.",
  payload,
  signers: [
    { by: "role", role: "CENTRAL_BANK" },
    { by: "role", role: "SOVEREIGN" },
    { by: "operator-of", field: "securitiesAccount" },
    { by: "operator-of", field: "cashAccount" },
  ],
  keyPurpose: "TRANSACTION",
  success: "SETTLED",
  failures: [
    "AMOUNT_ZERO",
    "SAME_ACCOUNT_TWICE",
    "ACCOUNT_UNKNOWN",
    "ASSET_UNKNOWN",
    "ACCOUNT_WRONG_KIND",
    "ASSET_WRONG_TYPE",
    "COUNTERPARTY_NOT_MATCHED",
    "PERIOD_RATE_MISSING",
    ...saleCodes,
    "INSUFFICIENT_CASH",
    "LIMIT_REACHED",
    "AMOUNT_OVERFLOW",
  ],
  execute,
});

interface Parties {
  readonly issuance: Account;
  readonly proceeds: Account;
  readonly securities: Account;
  readonly cash: Account;
}

function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { isin, face, priceE4: price } = payload;
  const { state } = execution;
  if (face === 0n) return failure("AMOUNT_ZERO", "face");
  if (price === 0) return failure("AMOUNT_ZERO", "priceE4");
  const twice = checkDistinct([
    ["proceedsAccount", payload.proceedsAccount],
    ["cashAccount", payload.cashAccount],
  ]);
  if (twice !== undefined) return twice;
  const issuance = state.accounts.get(payload.issuanceAccount);
  if (issuance === undefined) return failure("ACCOUNT_UNKNOWN", "issuanceAccount");
  const proceeds = state.accounts.get(payload.proceedsAccount);
  if (proceeds === undefined) return failure("ACCOUNT_UNKNOWN", "proceedsAccount");
  const securities = state.accounts.get(payload.securitiesAccount);
  if (securities === undefined) return failure("ACCOUNT_UNKNOWN", "securitiesAccount");
  const cash = state.accounts.get(payload.cashAccount);
  if (cash === undefined) return failure("ACCOUNT_UNKNOWN", "cashAccount");
  const instrument = state.instruments.get(isin);
  const supply = state.supplies.get(isin);
  if (instrument === undefined || supply === undefined) return failure("ASSET_UNKNOWN", "isin");
  const parties = { issuance, proceeds, securities, cash };
  const mismatched = checkParties(parties, instrument, execution);
  if (mismatched !== undefined) return mismatched;
  const date = execution.businessDate;
  const amounts = settlementAmounts(execution, instrument, face, BigInt(price), date);
  if (amounts === undefined) return failure("PERIOD_RATE_MISSING", "isin");
  const movements = movementsOf(payload, parties, amounts);
  const { mandateRef } = payload;
  const fields = { face: "face", account: "issuanceAccount" };
  return (
    createUnits(execution, { instrument, supply, face, account: issuance, mandateRef, fields }) ??
    checkMovements(execution, movements) ??
    settle(payload, execution, movements, amounts)
  );
}

function checkParties(
  parties: Parties,
  instrument: Instrument,
  { state }: Execution,
): Failure | undefined {
  const { issuance, proceeds, securities, cash } = parties;
  const wrongKind = checkKinds([
    { field: "issuanceAccount", account: issuance, kinds: ["ISSUANCE"] },
    { field: "proceedsAccount", account: proceeds, kinds: ["CASH_CBDC"] },
    { field: "securitiesAccount", account: securities, kinds: ["SGLA", "IPS"] },
    { field: "cashAccount", account: cash, kinds: ["CASH_CBDC"] },
  ]);
  if (wrongKind !== undefined) return wrongKind;
  if (!isValuedPer100(instrument.terms)) return failure("ASSET_WRONG_TYPE", "isin");
  if (state.members.get(proceeds.member)?.roles.includes("SOVEREIGN") !== true) {
    return failure("COUNTERPARTY_NOT_MATCHED", "proceedsAccount");
  }
  if (securities.member !== cash.member) return failure("COUNTERPARTY_NOT_MATCHED", "cashAccount");
  return undefined;
}

type Amounts = NonNullable<ReturnType<typeof settlementAmounts>>;

function movementsOf(
  { tapRef, isin, face }: Payload,
  { issuance, proceeds, securities, cash }: Parties,
  { cleanAmount, accruedInterest }: Amounts,
): readonly UnitMovement[] {
  const common = { purpose: "ALLOTMENT", reference: tapRef } as const;
  return [
    {
      from: issuance,
      to: securities,
      asset: isin,
      ...common,
      parts: [{ amount: face, reason: "DVP_SECURITIES" }],
      fields: { from: "issuanceAccount", to: "securitiesAccount" },
    },
    {
      from: cash,
      to: proceeds,
      asset: CBDC,
      ...common,
      parts: [
        { amount: cleanAmount, reason: "DVP_CLEAN" },
        { amount: accruedInterest, reason: "DVP_ACCRUED" },
      ],
      fields: { from: "cashAccount", to: "proceedsAccount" },
    },
  ];
}

function settle(
  payload: Payload,
  execution: Execution,
  movements: readonly UnitMovement[],
  amounts: Amounts,
): Failure | undefined {
  const { tapRef, isin, face, priceE4: price, securitiesAccount, cashAccount } = payload;
  const failed = moveUnits(execution, movements);
  if (failed !== undefined) return failed;
  const instrument = present(execution.state.instruments.get(isin), `instrument ${isin}`);
  const sale = { account: securitiesAccount, face, cost: amounts.cleanAmount };
  recordPrimaryCost(execution.state, instrument, sale);
  const tap = { tapRef, isin, face, priceE4: price, securitiesAccount };
  execution.emit({ type: "tapSold", body: tap });
  execution.emit({
    type: "settlementFinal",
    body: {
      settlementRef: tapRef,
      isin,
      face,
      ...amounts,
      delivererAccount: payload.issuanceAccount,
      receiverAccount: securitiesAccount,
      payerCashAccount: cashAccount,
      payeeCashAccount: payload.proceedsAccount,
    },
  });
  return undefined;
}
