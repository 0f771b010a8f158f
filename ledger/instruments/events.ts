import { amount, counter, hash, list, record, uint } from "../../primitives/codec/schema.ts";
import { MAX_HOLIDAYS_PER_CHANGE } from "../limits.ts";
import { barSerial, commodityRulesSchema } from "../state/commodity.ts";
import { fixingSource } from "../state/rate-fixing.ts";
import {
  accountId,
  benchmark,
  investorId,
  isinText,
  isoDate,
  max35Text,
  memberId,
  rateE4,
} from "../types.ts";

/** What governed tables, investors and the backing of instruments tell. */

const holidaysChanged = record({
  effectiveFromMs: counter,
  closed: list(isoDate, MAX_HOLIDAYS_PER_CHANGE),
  reopened: list(isoDate, MAX_HOLIDAYS_PER_CHANGE),
  reference: max35Text,
});

/** Rows of the new version. */
const taxTableSet = record({ effectiveFrom: isoDate, rows: uint(), reference: max35Text });

const tenorsSet = record({ tenors: uint(), reference: max35Text });

const rateFixed = record({
  benchmark,
  source: fixingSource,
  date: isoDate,
  rateE4,
  reference: max35Text,
});

const referencePriceRecorded = record({ isin: isinText, paisa: amount, reference: max35Text });

/** What two attestors have seen: how many bars, their root and their fine weight. */
const commodityAttested = record({
  isin: isinText,
  vault: accountId,
  attestorA: memberId,
  attestorB: memberId,
  asOf: isoDate,
  bars: uint(),
  barRoot: hash,
  fineNg: amount,
  /** What is missing to cover the units outstanding; zero as a rule. */
  shortfallNg: amount,
  reference: max35Text,
});

/** Bars were handed over and units ended for them. */
const commodityDelivered = record({
  isin: isinText,
  account: accountId,
  vault: accountId,
  quantity: amount,
  bars: list(barSerial, 64),
  fineNg: amount,
  releasedUsdCents: amount,
  reference: max35Text,
});

/** Another federal asset was delivered and units ended for it. */
const claimDelivered = record({
  isin: isinText,
  account: accountId,
  quantity: amount,
  releasedUsdCents: amount,
  reference: max35Text,
});

const investorNamed = record({ investor: investorId, custodian: memberId });

/** For the list of all events. Append. */
export const instrumentEvents = {
  holidaysChanged,
  taxTableSet,
  tenorsSet,
  rateFixed,
  referencePriceRecorded,
  commodityRulesSet: commodityRulesSchema,
  commodityAttested,
  commodityDelivered,
  claimDelivered,
  investorRegistered: investorNamed,
  investorUpdated: investorNamed,
  serviceAccountsSet: record({ fundingAccount: accountId, taxAccount: accountId }),
  payoutAccountSet: record({ account: accountId, cashAccount: accountId }),
} as const;
