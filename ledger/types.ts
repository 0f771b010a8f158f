import { invalidValue } from "../primitives/codec/codec-error.ts";
import { type Infer, oneOf, type Schema, text, uint } from "../primitives/codec/schema.ts";
import { isCalendarDate } from "./arithmetic/calendar-date.ts";

/**
 * Identifiers of members, accounts and keys: 1 to 35 ASCII letters, digits, '.', '_' and '-'. No
 * '/', which separates the parts of a state key.
 */
const IDENTIFIER = /^[0-9A-Za-z][0-9A-Za-z._-]{0,34}$/;
export const memberId = text(35, IDENTIFIER);
export const accountId = text(35, IDENTIFIER);
export const keyId = text(35, IDENTIFIER);
export const investorId = text(35, IDENTIFIER);

/**
 * ISO 20022 Max35Text in the character set that every settlement system carries (letters, digits,
 * space and / - ? : ( ) . , ' +), without a space at either end.
 */
const MAX35_TEXT =
  /^[0-9A-Za-z/\-?:().,'+](?:[0-9A-Za-z/\-?:().,'+ ]{0,33}[0-9A-Za-z/\-?:().,'+])?$/;
export const max35Text = text(35, MAX35_TEXT);
export const clientRef = max35Text;

/** An asset: a security by its ISIN, or cash. */
const ISIN_SHAPE = /^[A-Z]{2}[A-Z0-9]{9}[0-9]$/;
export const isinText = text(12, ISIN_SHAPE);

/** The CBDC pilot coin, minor unit paisa. The hyphen keeps it apart from every ISIN. */
export const CBDC = "PKR-CBDC";

/**
 * Cash by the form of its id: an ISO 4217 currency, a hyphen, and what tells one money in that
 * currency from another. Beside the coin these are claims on their issuers.
 */
export const cashAssetId = text(12, /^[A-Z]{3}-[A-Z0-9]{1,8}$/);
export const assetId = text(12, /^(?:[A-Z]{3}-[A-Z0-9]{1,8}|[A-Z]{2}[A-Z0-9]{9}[0-9])$/);

/** By the form of the id alone: no ISIN has a hyphen. */
export function isCash(asset: string): boolean {
  return asset.charAt(3) === "-";
}

/** ISO 4217 code of a cash asset. */
export function currencyOf(cashAsset: string): string {
  return cashAsset.slice(0, 3);
}

/** What a part of a balance is held for: the id of an instruction, a lien or an order. */
export const claimHolder = text(64, /^[0-9A-Za-z][0-9A-Za-z._:-]{0,63}$/);

/** A business date in Karachi, "YYYY-MM-DD"; that the day exists is checked by the schema. */
export const isoDate: Schema<string> = dateSchema();

function dateSchema(): Schema<string> {
  const describe = "date YYYY-MM-DD";
  const check = (value: unknown, field: string): string => {
    if (typeof value !== "string" || !isCalendarDate(value)) {
      throw invalidValue(field, value, describe);
    }
    return value;
  };
  return { describe, toWire: check, fromWire: check };
}

/** What an institution may do on the ledger. Only ever append: the place is the wire value. */
export const roles = [
  "CENTRAL_BANK",
  "SOVEREIGN",
  "REGULATOR_PVARA",
  "FMU",
  "CUSTODIAN",
  "PRIMARY_DEALER",
  "ISLAMIC_DEALER",
  "INVESTOR_INTERMEDIARY",
  "ATTESTOR",
  "COURT_OFFICER",
] as const;
export const role = oneOf(roles);
export type Role = Infer<typeof role>;

/** What a member's key may sign: transactions of business, or proposals and votes. */
export const keyPurposes = ["TRANSACTION", "GOVERNANCE"] as const;
export const keyPurpose = oneOf(keyPurposes);
export type KeyPurpose = Infer<typeof keyPurpose>;

/**
 * SGLA: a participant's securities account at the central bank. IPS: an investor's account under a
 * custodian's SGLA. CASH_CBDC: a participant's cash, coins and issued claims alike. ISSUANCE: where
 * new units appear. TAX: where tax withheld is collected. COLLATERAL_POOL: what a member keeps
 * ready as collateral. COMMODITY_VAULT: units of commodities that one vault keeper stores.
 */
export const accountKinds = [
  "SGLA",
  "IPS",
  "CASH_CBDC",
  "ISSUANCE",
  "TAX",
  "COLLATERAL_POOL",
  "COMMODITY_VAULT",
] as const;
export const accountKind = oneOf(accountKinds);
export type AccountKind = Infer<typeof accountKind>;

export const accountOwnerships = ["OWN", "CLIENT"] as const;
export const accountOwnership = oneOf(accountOwnerships);
export type AccountOwnership = Infer<typeof accountOwnership>;

export const accountWindows = ["CONVENTIONAL", "ISLAMIC"] as const;
export const accountWindow = oneOf(accountWindows);
export type AccountWindow = Infer<typeof accountWindow>;

export const accountStatuses = [
  "OPEN",
  "BLOCKED_DEBIT",
  "BLOCKED_CREDIT",
  "BLOCKED_BOTH",
  "CLOSED",
] as const;
export const accountStatus = oneOf(accountStatuses);
export type AccountStatus = Infer<typeof accountStatus>;

export const dayCounts = ["ACT_ACT_ICMA"] as const;
export const dayCount = oneOf(dayCounts);

/** Per cent times 10^4: 7.00% is 70,000. At most 100%. */
export const rateE4 = uint(1_000_000);

/** PKR per USD times 10^4: 281.5000 is 2,815,000. At most 100,000.0000. */
export const fxRateE4 = uint(1_000_000_000);

/** Rates that floating instruments follow: yields of treasury bills by tenor in days. Append. */
export const benchmarks = ["MTB_84", "MTB_182", "MTB_364"] as const;
export const benchmark = oneOf(benchmarks);
export type Benchmark = Infer<typeof benchmark>;

/** Fraction of a whole times 10^4: 20% is 2,000. At most 100%. */
export const basisPoints = uint(10_000);
