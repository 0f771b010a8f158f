import { present } from "../../../primitives/assert.ts";
import { AMOUNT_MAX, amount, type Infer, list, record } from "../../../primitives/codec/schema.ts";
import { MAX_FUNDING_ENTRIES, mandateTable } from "../../collateral/intraday-record.ts";
import { type Execution, type Failure, failure } from "../../execution.ts";
import { settlementDayOf } from "../../instructions/settlement-day.ts";
import { gateCodes } from "../../movement-gate.ts";
import { moveUnits } from "../../postings.ts";
import { accountId, CBDC, max35Text } from "../../types.ts";
import { transactionKind } from "../transaction-kind.ts";

const payload = record({
  entries: list(
    record({
      cashAccount: accountId,
      /** Paisa. */
      amount,
      /** The debit of the bank's transitory account in the RTGS; each backs one minting. */
      reserveRef: max35Text,
    }),
    MAX_FUNDING_ENTRIES,
  ),
});
type Payload = Infer<typeof payload>;
type Entry = Payload["entries"][number];

export const fundCbdc = transactionKind({
  kind: "fund-cbdc",
  summary: "Opens the day: mints coins to banks under mandate against debits of their reserves.",
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
    "LIMIT_REACHED",
    "AMOUNT_OVERFLOW",
  ],
  execute,
});

/** All entries or none. The window is open on business days until payments are cut off. */
function execute({ entries }: Payload, execution: Execution): Failure | undefined {
  const { state } = execution;
  if (entries.length === 0) return failure("AMOUNT_ZERO", "entries");
  for (const [i, entry] of entries.entries()) {
    if (entry.amount === 0n) return failure("AMOUNT_ZERO", `entries[${i}].amount`);
  }
  for (const [i, { cashAccount }] of entries.entries()) {
    if (state.of(mandateTable).get(cashAccount) === undefined) {
      return failure("MANDATE_MISSING", `entries[${i}].cashAccount`);
    }
  }
  const seen = new Set<string>();
  for (const [i, { reserveRef }] of entries.entries()) {
    if (seen.has(reserveRef) || state.reserveReferences.get(reserveRef) !== undefined) {
      return failure("RESERVE_REFERENCE_USED", `entries[${i}].reserveRef`);
    }
    seen.add(reserveRef);
  }
  const { calendar, date, minute, parameters } = settlementDayOf(execution);
  if (!calendar.isBusinessDay(date) || minute >= parameters.dvpCutoffMinute) {
    return failure("FUNDING_WINDOW_CLOSED", "entries");
  }
  for (const [i, entry] of entries.entries()) {
    const failed = mint(execution, entry, `entries[${i}].cashAccount`);
    if (failed !== undefined) return failed;
  }
  return undefined;
}

function mint(execution: Execution, entry: Entry, field: string): Failure | undefined {
  const { cashAccount, amount: minted, reserveRef } = entry;
  const { state, txId, height } = execution;
  const failed = moveUnits(execution, [
    {
      from: undefined,
      to: present(state.accounts.get(cashAccount), "account of a mandate"),
      asset: CBDC,
      parts: [{ amount: minted, reason: "MINT" }],
      purpose: "MINT",
      reference: reserveRef,
      fields: { from: field, to: field },
    },
  ]);
  if (failed !== undefined) return failed;
  const supply = present(state.supplies.get(CBDC), "supply of the coin");
  const issued = supply.issued + minted;
  if (issued > AMOUNT_MAX) return failure("AMOUNT_OVERFLOW", field);
  state.supplies.put({ ...supply, issued });
  const used = { reference: reserveRef, account: cashAccount, amount: minted, txId, height };
  state.reserveReferences.put(used);
  execution.emit({
    type: "fundingMoved",
    body: { cashAccount, direction: "IN", amount: minted, reserveRef, floor: undefined },
  });
  return undefined;
}
