import {
  bool,
  counter,
  hash,
  type Infer,
  oneOf,
  optional,
  record,
  text,
  uint,
} from "../../primitives/codec/schema.ts";
import { investorId, isoDate, max35Text, memberId } from "../types.ts";
import { Table } from "./table.ts";

/** Where the investor lives for the tax: resident or non-resident. */
export const residencies = ["R", "NR"] as const;
export const residency = oneOf(residencies);
export type Residency = Infer<typeof residency>;

/** Individual, association of persons, company, bank, fund, government. Append. */
export const investorClasses = ["IND", "AOP", "CO", "BANK", "FUND", "GOV"] as const;
export const investorClass = oneOf(investorClasses);
export type InvestorClass = Infer<typeof investorClass>;

/** ISO 3166-1 alpha-2. */
export const countryCode = text(2, /[A-Z]{2}/);

/** What a custodian has established about an investor; the payload of its transactions. */
export const investorFacts = {
  /** The custodian that knows the investor and answers for these facts. */
  custodian: memberId,
  /** 0 … 3, as far as the custodian has looked. */
  kycTier: uint(3),
  /** The day until which this counts. */
  kycExpiry: isoDate,
  residency,
  class: investorClass,
  /** On the active taxpayers' list. */
  atl: bool,
  /** The special convertible rupee account through which a non-resident's money came. */
  scraAccount: optional(max35Text),
  nationality: countryCode,
  /** SHA-256 of the list of beneficial owners. */
  beneficialOwnersHash: optional(hash),
  /** Politically exposed. */
  pep: bool,
  /** Version of the sanctions list against which the investor was last checked. */
  sanctionsListVersion: uint(),
  /** 0 … 100, the custodian's own. */
  riskScore: uint(100),
} as const;

/** The legal owner behind accounts of kind IPS. */
const schema = record({ id: investorId, ...investorFacts, updatedAtHeight: counter });
export type Investor = Infer<typeof schema>;

export const investorTable = new Table<Investor>({
  name: "investor",
  schema,
  idOf: (investor) => investor.id,
  remember: true,
});
