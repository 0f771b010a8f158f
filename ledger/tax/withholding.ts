import { present } from "../../primitives/assert.ts";
import { multiply, type Rational, rational, roundHalfUp } from "../arithmetic/rational.ts";
import type { Account } from "../state/account.ts";
import type { InstrumentClass } from "../state/instrument.ts";
import { type InvestorClass, investorTable, type Residency } from "../state/investor.ts";
import type { LedgerState } from "../state/ledger-state.ts";
import { type TaxRow, type TaxTable, taxTableTable } from "../state/tax-table.ts";
import { DEFAULT_TAX_TABLE } from "./default-rates.ts";

/** What a rate depends on. */
export interface TaxProfile {
  readonly residency: Residency;
  readonly investorClass: InvestorClass;
  readonly atl: boolean;
  readonly scra: boolean;
}

/** The rate and whether the tax is final. */
export interface TaxRate {
  readonly bps: number;
  readonly isFinal: boolean;
}

/** An owner of whom nothing is known: not on the active taxpayers' list. */
const UNKNOWN: TaxProfile = { residency: "R", investorClass: "IND", atl: false, scra: false };

/**
 * Whose income a payment on an account is. An investor's account: what its custodian recorded. A
 * member's own: a government for the central bank and the sovereign, else a bank on the list.
 * Client units that no investor's account shows count as an unknown owner's.
 */
export function taxProfileOf(state: LedgerState, account: Account): TaxProfile {
  if (account.investor !== undefined) {
    const investor = state.of(investorTable).get(account.investor);
    if (investor === undefined) return UNKNOWN;
    const { residency, class: investorClass, atl, scraAccount } = investor;
    return { residency, investorClass, atl, scra: scraAccount !== undefined };
  }
  if (account.ownership === "CLIENT") return UNKNOWN;
  const member = present(state.members.get(account.member), `member of ${account.id}`);
  const isPublic = member.roles.includes("CENTRAL_BANK") || member.roles.includes("SOVEREIGN");
  return {
    residency: member.jurisdiction === "PK" ? "R" : "NR",
    investorClass: isPublic ? "GOV" : "BANK",
    atl: true,
    scra: false,
  };
}

/** The table in force: the recorded one, else the defaults. */
export function taxTableIn(state: LedgerState): TaxTable {
  return state.of(taxTableTable).get("") ?? DEFAULT_TAX_TABLE;
}

/** The rate on a payment of that day. Tables end with a row for everyone, so there is one. */
export function taxRateOn(
  { versions }: TaxTable,
  date: string,
  profile: TaxProfile,
  instrumentClass: InstrumentClass,
): TaxRate {
  const version = versions.findLast(({ effectiveFrom }) => effectiveFrom <= date) ?? versions[0];
  const { rows } = present(version, "a version of the tax table");
  const row = rows.find((candidate) => fits(candidate, profile, instrumentClass));
  const { bps, isFinal } = present(row, "a row for everyone");
  return { bps, isFinal };
}

function fits(row: TaxRow, profile: TaxProfile, instrumentClass: InstrumentClass): boolean {
  return (
    (row.residency ?? profile.residency) === profile.residency &&
    (row.investorClass ?? profile.investorClass) === profile.investorClass &&
    (row.atl ?? profile.atl) === profile.atl &&
    (row.scra ?? profile.scra) === profile.scra &&
    (row.instrumentClass ?? instrumentClass) === instrumentClass
  );
}

/** Whether the row is for everyone: the last one of a table must be. */
export function isCatchAll(row: TaxRow): boolean {
  const { residency, investorClass, atl, scra, instrumentClass } = row;
  return [residency, investorClass, atl, scra, instrumentClass].every((cell) => cell === undefined);
}

/** Tax on an income in paisa, HALF_UP, once: the net is the gross less this. */
export function taxOn(income: Rational, { bps }: Pick<TaxRate, "bps">): bigint {
  return roundHalfUp(multiply(income, rational(BigInt(bps), 10_000n)));
}
