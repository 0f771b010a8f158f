import { present } from "../../../primitives/assert.ts";
import { type Infer, list, record } from "../../../primitives/codec/schema.ts";
import {
  type CollateralMandate,
  creditTable,
  MAX_FUNDING_ENTRIES,
  mandateTable,
} from "../../collateral/intraday-record.ts";
import { type Execution, type Failure, failure } from "../../execution.ts";
import { settlementDayOf } from "../../instructions/settlement-day.ts";
import { gateCodes } from "../../movement-gate.ts";
import { moveUnits } from "../../postings.ts";
import { balanceId } from "../../state/balance.ts";
import { accountId, CBDC, max35Text } from "../../types.ts";
import { transactionKind } from "../transaction-kind.ts";

const payload = record({
  entries: list(
    record({
      cashAccount: accountId,
      /** The credit of the bank's transitory account in the RTGS; each is for one redemption. */
      reserveRef: max35Text,
    }),
    MAX_FUNDING_ENTRIES,
  ),
});
type Payload = Infer<typeof payload>;
type Entry = Payload["entries"][number];

export const sweepCbdc = transactionKind({
  kind: "sweep-cbdc",
  summary: "Ends the day: redeems what banks under mandate have above their floor.",
  payload,
  signers: [{ by: "role", role: "CENTRAL_BANK" }],
  keyPurpose: "TRANSACTION",
  success: "APPLIED",
  failures: [
    "AMOUNT_ZERO",
    "MANDATE_MISSING",
    "RESERVE_REFERENCE_USED",
    "FUNDING_WINDOW_CLOSED",
    ...gateCodes,
    "CREDIT_OUTSTANDING",
    "INSUFFICIENT_CASH",
  ],
  execute,
});

/**
 * All entries or none. The amount is what is there when it executes; the event tells the RTGS how
 * much to credit. Open on business days once payments are cut off. What is owed is paid first.
 */
function execute({ entries }: Payload, execution: Execution): Failure | undefined {
  const { state } = execution;
  if (entries.length === 0) return failure("AMOUNT_ZERO", "entries");
  const mandates: CollateralMandate[] = [];
  for (const [i, { cashAccount }] of entries.entries()) {
    const mandate = state.of(mandateTable).get(cashAccount);
    if (mandate?.sweeps !== true) return failure("MANDATE_MISSING", `entries[${i}].cashAccount`);
    mandates.push(mandate);
  }
  const seen = new Set<string>();
  for (const [i, { reserveRef }] of entries.entries()) {
    if (seen.has(reserveRef) || state.reserveReferences.get(reserveRef) !== undefined) {
      return failure("RESERVE_REFERENCE_USED", `entries[${i}].reserveRef`);
    }
    seen.add(reserveRef);
  }
  const { calendar, date, minute, parameters } = settlementDayOf(execution);
  if (!calendar.isBusinessDay(date) || minute < parameters.dvpCutoffMinute) {
    return failure("FUNDING_WINDOW_CLOSED", "entries");
  }
  for (const [i, entry] of entries.entries()) {
    const mandate = present(mandates[i], "mandate of an entry");
    const failed = redeem(execution, entry, mandate.floor, `entries[${i}].cashAccount`);
    if (failed !== undefined) return failed;
  }
  return undefined;
}

function redeem(
  execution: Execution,
  { cashAccount, reserveRef }: Entry,
  floor: bigint,
  field: string,
): Failure | undefined {
  const { state, txId, height } = execution;
  const available = state.balances.get(balanceId(cashAccount, CBDC))?.available ?? 0n;
  const swept = available - floor;
  if (state.of(creditTable).get(cashAccount) !== undefined) {
    return failure("CREDIT_OUTSTANDING", field);
  }
  if (swept <= 0n) return failure("INSUFFICIENT_CASH", field);
  const failed = moveUnits(execution, [
    {
      from: present(state.accounts.get(cashAccount), "account of a mandate"),
      to: undefined,
      asset: CBDC,
      parts: [{ amount: swept, reason: "CASH_REDEEM" }],
      purpose: "CASH_REDEMPTION",
      reference: reserveRef,
      fields: { from: field, to: field },
    },
  ]);
  if (failed !== undefined) return failed;
  const supply = present(state.supplies.get(CBDC), "supply of the coin");
  state.supplies.put({ ...supply, redeemed: supply.redeemed + swept });
  const used = { reference: reserveRef, account: cashAccount, amount: swept, txId, height };
  state.reserveReferences.put(used);
  execution.emit({
    type: "fundingMoved",
    body: { cashAccount, direction: "OUT", amount: swept, reserveRef, floor },
  });
  return undefined;
}
