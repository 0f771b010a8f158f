import { present } from "../../primitives/assert.ts";
import { amount, type Infer, record } from "../../primitives/codec/schema.ts";
import { type Execution, type Failure, failure } from "../execution.ts";
import { gateCodes } from "../movement-gate.ts";
import { moveUnits } from "../postings.ts";
import type { Account } from "../state/account.ts";
import { recordPrimaryCost } from "../tax/discount.ts";
import { accountId, CBDC, isinText, max35Text } from "../types.ts";
import { checkDistinct, checkKinds } from "./account-checks.ts";
import { checkFace } from "./instrument-checks.ts";
import { transactionKind } from "./transaction-kind.ts";

const payload = record({
  settlementRef: max35Text,
  isin: isinText,
  /** Face delivered, paisa. */
  face: amount,
  /** Securities accounts. */
  delivererAccount: accountId,
  receiverAccount: accountId,
  /** Coin accounts. */
  payerCashAccount: accountId,
  payeeCashAccount: accountId,
  /** Paisa; price times face, above zero. */
  cleanAmount: amount,
  /** Paisa; may be zero. */
  accruedInterest: amount,
});
type Payload = Infer<typeof payload>;

/**
 * Delivery versus payment, model 1 (gross, gross), matched before it is sent: both sides sign one
 * body, and both legs move in one transition or none does. It never waits: short of securities or
 * cash it fails at once.
 */
export const settleDvp = transactionKind({
  kind: "settle-dvp",
  summary: "Delivers securities against coins, both legs at once.",
  payload,
  signers: [
    { by: "operator-of", field: "delivererAccount" },
    { by: "operator-of", field: "payerCashAccount" },
  ],
  keyPurpose: "TRANSACTION",
  success: "SETTLED",
  failures: [
    "AMOUNT_ZERO",
    "SAME_ACCOUNT_TWICE",
    "ACCOUNT_UNKNOWN",
    "ASSET_UNKNOWN",
    "ACCOUNT_WRONG_KIND",
    "COUNTERPARTY_NOT_MATCHED",
    "INSTRUMENT_NOT_AUTHORISED",
    "ASSET_MATURED",
    "DENOMINATION",
    ...gateCodes,
    "INSUFFICIENT_SECURITIES",
    "INSUFFICIENT_CASH",
    "LIMIT_REACHED",
    "AMOUNT_OVERFLOW",
  ],
  execute,
});

interface Parties {
  readonly deliverer: Account;
  readonly receiver: Account;
  readonly payer: Account;
  readonly payee: Account;
}

function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { isin, face } = payload;
  const { state } = execution;
  if (face === 0n) return failure("AMOUNT_ZERO", "face");
  if (payload.cleanAmount === 0n) return failure("AMOUNT_ZERO", "cleanAmount");
  const twice = checkDistinct([
    ["delivererAccount", payload.delivererAccount],
    ["receiverAccount", payload.receiverAccount],
    ["payerCashAccount", payload.payerCashAccount],
    ["payeeCashAccount", payload.payeeCashAccount],
  ]);
  if (twice !== undefined) return twice;
  const deliverer = state.accounts.get(payload.delivererAccount);
  if (deliverer === undefined) return failure("ACCOUNT_UNKNOWN", "delivererAccount");
  const receiver = state.accounts.get(payload.receiverAccount);
  if (receiver === undefined) return failure("ACCOUNT_UNKNOWN", "receiverAccount");
  const payer = state.accounts.get(payload.payerCashAccount);
  if (payer === undefined) return failure("ACCOUNT_UNKNOWN", "payerCashAccount");
  const payee = state.accounts.get(payload.payeeCashAccount);
  if (payee === undefined) return failure("ACCOUNT_UNKNOWN", "payeeCashAccount");
  const instrument = state.instruments.get(isin);
  const supply = state.supplies.get(isin);
  if (instrument === undefined || supply === undefined) return failure("ASSET_UNKNOWN", "isin");
  const parties = { deliverer, receiver, payer, payee };
  const mismatched = checkParties(parties, execution);
  if (mismatched !== undefined) return mismatched;
  if ((supply.authorised ?? 0n) === 0n) return failure("INSTRUMENT_NOT_AUTHORISED", "isin");
  return (
    checkFace(instrument, face, execution.businessDate) ?? moveBothLegs(payload, parties, execution)
  );
}

/**
 * Kinds first. Then: the securities go to the side that pays, and the cash to the side that
 * delivers. Units fresh from issue are the exception: the central bank delivers them as agent, and
 * the proceeds are the sovereign's.
 */
function checkParties(parties: Parties, execution: Execution): Failure | undefined {
  const { deliverer, receiver, payer, payee } = parties;
  const wrongKind = checkKinds([
    { field: "delivererAccount", account: deliverer, kinds: ["SGLA", "IPS", "ISSUANCE"] },
    { field: "receiverAccount", account: receiver, kinds: ["SGLA", "IPS"] },
    { field: "payerCashAccount", account: payer, kinds: ["CASH_CBDC"] },
    { field: "payeeCashAccount", account: payee, kinds: ["CASH_CBDC"] },
  ]);
  if (wrongKind !== undefined) return wrongKind;
  if (receiver.member !== payer.member) {
    return failure("COUNTERPARTY_NOT_MATCHED", "receiverAccount");
  }
  const isPrimary = deliverer.kind === "ISSUANCE";
  const isProperPayee = isPrimary
    ? execution.state.members.get(payee.member)?.roles.includes("SOVEREIGN") === true
    : payee.member === deliverer.member;
  return isProperPayee ? undefined : failure("COUNTERPARTY_NOT_MATCHED", "payeeCashAccount");
}

function moveBothLegs(
  payload: Payload,
  { deliverer, receiver, payer, payee }: Parties,
  execution: Execution,
): Failure | undefined {
  const { settlementRef: reference, isin, face, cleanAmount, accruedInterest } = payload;
  const failed = moveUnits(execution, [
    {
      from: deliverer,
      to: receiver,
      asset: isin,
      parts: [{ amount: face, reason: "DVP_SECURITIES" }],
      purpose: "DVP",
      reference,
      fields: { from: "delivererAccount", to: "receiverAccount" },
    },
    {
      from: payer,
      to: payee,
      asset: CBDC,
      parts: [
        { amount: cleanAmount, reason: "DVP_CLEAN" },
        { amount: accruedInterest, reason: "DVP_ACCRUED" },
      ],
      purpose: "DVP",
      reference,
      fields: { from: "payerCashAccount", to: "payeeCashAccount" },
    },
  ]);
  if (failed !== undefined) return failed;
  if (deliverer.kind === "ISSUANCE") {
    const instrument = present(execution.state.instruments.get(isin), "instrument");
    const sale = { account: receiver.id, face, cost: cleanAmount };
    recordPrimaryCost(execution.state, instrument, sale);
  }
  execution.emit({ type: "settlementFinal", body: payload });
  return undefined;
}
