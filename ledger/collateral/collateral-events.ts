import {
  amount,
  bool,
  counter,
  list,
  oneOf,
  optional,
  record,
} from "../../primitives/codec/schema.ts";
import { priceE4 } from "../auctions/auction-record.ts";
import {
  accountId,
  basisPoints,
  isinText,
  isoDate,
  max35Text,
  memberId,
  rateE4,
} from "../types.ts";
import { mandateTerms } from "./intraday-record.ts";
import { collateralId } from "./lien-record.ts";
import { lotSchema, MAX_LOTS } from "./lot.ts";
import { repoForm } from "./repo-record.ts";

const lots = list(lotSchema, MAX_LOTS);

const collateralTermsSet = record({
  isin: isinText,
  priceE4,
  haircutBps: basisPoints,
  isEligible: bool,
  effectiveFromMs: counter,
  reference: max35Text,
});

const unitsPledged = record({
  lien: collateralId,
  account: accountId,
  isin: isinText,
  face: amount,
  pledgee: memberId,
  purpose: max35Text,
});

const pledgeReleased = record({
  lien: collateralId,
  account: accountId,
  isin: isinText,
  face: amount,
  left: amount,
});

const pledgeEnforced = record({
  lien: collateralId,
  account: accountId,
  isin: isinText,
  face: amount,
  pledgeeAccount: accountId,
});

const repoOpened = record({
  repo: collateralId,
  form: repoForm,
  giverSecuritiesAccount: accountId,
  takerSecuritiesAccount: accountId,
  lots,
  cash: amount,
  rateE4,
  startDate: isoDate,
  endDate: isoDate,
});

/** Lots that came in and went out, by substitution or margin. */
const repoCollateralChanged = record({ repo: collateralId, given: lots, returned: lots });

const marginCalled = record({
  repo: collateralId,
  /** Owed, and what the collateral is worth after haircuts. */
  exposure: amount,
  value: amount,
  dueMs: counter,
});

const repoClosed = record({ repo: collateralId, cash: amount, interest: amount, date: isoDate });

const repoDefaulted = record({
  repo: collateralId,
  owed: amount,
  kept: lots,
  returned: lots,
  /** What the kept lots are worth, and what is owed beyond that. */
  value: amount,
  shortfall: amount,
});

const mandateSet = record(mandateTerms);

const creditDrawn = record({
  cashAccount: accountId,
  poolAccount: accountId,
  drawn: amount,
  owed: amount,
  cause: oneOf(["AUTOMATIC", "REQUESTED"]),
  collateral: lots,
});

const creditRepaid = record({
  cashAccount: accountId,
  poolAccount: accountId,
  paid: amount,
  owed: amount,
  freed: lots,
});

const creditOverdue = record({ cashAccount: accountId, owed: amount });

const creditEnforced = record({
  cashAccount: accountId,
  securitiesAccount: accountId,
  owed: amount,
  kept: lots,
  returned: lots,
  value: amount,
  shortfall: amount,
});

/** Coins moved between an account and its bank's reserves through the funding window. */
const fundingMoved = record({
  cashAccount: accountId,
  direction: oneOf(["IN", "OUT"]),
  amount,
  /** The transfer in the central bank's RTGS; each backs one movement. */
  reserveRef: max35Text,
  /** Left on the account by a sweep. */
  floor: optional(amount),
});

export const collateralEvents = {
  collateralTermsSet,
  unitsPledged,
  pledgeReleased,
  pledgeEnforced,
  repoOpened,
  repoCollateralChanged,
  marginCalled,
  repoClosed,
  repoDefaulted,
  mandateSet,
  creditDrawn,
  creditRepaid,
  creditOverdue,
  creditEnforced,
  fundingMoved,
} as const;
