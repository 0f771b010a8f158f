import { describe, expect, test } from "vitest";
import { decode, encode } from "../primitives/codec/codec.ts";
import { eventSchema } from "./events.ts";
import {
  admissionCodes,
  failureOrder,
  meaningOf,
  outcomeCodes,
  outcomeOf,
  outcomeSchema,
  precedenceOf,
} from "./outcome.ts";

/** RejectionReason75Code of sese.024, as far as it is used here. */
const REJECTION = [
  "CASH",
  "DEPT",
  "DDAT",
  "DMON",
  "DQUA",
  "DSEC",
  "ICUS",
  "LATE",
  "MUNO",
  "NCRR",
  "OTHR",
  "REFE",
  "SAFE",
];

describe("outcomes", () => {
  test("have a place in receipts that never moves", () => {
    const placed = [
      "SETTLED",
      "APPLIED",
      ...admissionCodes,
      "AMOUNT_ZERO",
      "ISIN_INVALID",
      "TERMS_INVALID",
      "SAME_ACCOUNT_TWICE",
      "MEMBER_UNKNOWN",
      "ACCOUNT_UNKNOWN",
      "ASSET_UNKNOWN",
      "ACCOUNT_EXISTS",
      "ASSET_EXISTS",
      "RESERVE_REFERENCE_USED",
      "ACCOUNT_WRONG_KIND",
      "MEMBER_WRONG_ROLE",
      "COUNTERPARTY_NOT_MATCHED",
      "INSTRUMENT_NOT_AUTHORISED",
      "ASSET_MATURED",
      "DENOMINATION",
      "ACCOUNT_CLOSED",
      "ACCOUNT_FROZEN",
      "FX_RATE_NOT_LATER",
      "FX_RATE_MISSING",
      "AUTHORISED_EXCEEDED",
      "PROGRAMME_CAP_EXCEEDED",
      "INSUFFICIENT_SECURITIES",
      "INSUFFICIENT_CASH",
      "LIMIT_REACHED",
      "AMOUNT_OVERFLOW",
      "VALIDATOR_UNKNOWN",
      "VALIDATOR_EXISTS",
      "VALIDATOR_KEY_INVALID",
      "VALIDATOR_KEY_USED",
      "CHANGE_PENDING",
      "CHANGE_UNKNOWN",
      "CHANGE_READY",
      "VALIDATORS_TOO_FEW",
      "VALIDATORS_TOO_MANY",
      "VALIDATOR_TOO_HEAVY",
      "SOVEREIGN_CONTROL",
      "VALIDATOR_CHURN",
      "READY_STALE",
      "READY_SIGNATURE",
      "KEY_CHECKS_SPENT",
      "TENOR_NOT_OFFERED",
      "TABLE_INVALID",
      "EFFECTIVE_TOO_EARLY",
      "FIXING_EXISTS",
      "PRICE_MISSING",
      "INVESTOR_UNKNOWN",
      "INVESTOR_EXISTS",
      "SAME_MEMBER_TWICE",
      "ASSET_WRONG_TYPE",
      "BAR_LIST_INVALID",
      "BAR_UNKNOWN",
      "BAR_EXISTS",
      "ATTESTATION_STALE",
      "ATTESTED_EXCEEDED",
      "OUTSIDE_DELIVERY",
      "PAYMENT_UNKNOWN",
    ];
    // What is new comes behind these.
    expect(outcomeCodes.slice(0, placed.length)).toEqual(placed);
  });

  test("every failure has a place in the order of checks", () => {
    const success = ["SETTLED", "APPLIED"];
    const failures = outcomeCodes.filter(
      (code) => !success.includes(code) && !admissionCodes.some((admission) => admission === code),
    );
    expect(failureOrder.toSorted()).toEqual(failures.toSorted());
    expect(failureOrder.map(precedenceOf)).toEqual(failureOrder.map((_, i) => i));
  });

  test.each(outcomeCodes)("%s carries a retry class, an ISO code and a meaning", (code) => {
    const outcome = outcomeOf(code);
    const known = ["ACSC", "LACK", "MONY", "BLOC", ...REJECTION];
    expect(known).toContain(outcome.isoReason);
    expect(["never", "same", "later", "rebuild"]).toContain(outcome.retry);
    expect(meaningOf(code).length).toBeGreaterThan(10);
    const bytes = encode(outcomeSchema, outcome);
    expect(bytes).toHaveLength(1);
    expect(decode(outcomeSchema, bytes)).toEqual(outcome);
  });

  test("an outcome whose classes disagree with its code is not written", () => {
    const forged = { ...outcomeOf("INSUFFICIENT_CASH"), retry: "same" as const };
    expect(() => encode(outcomeSchema, forged)).toThrow(/later/);
  });
});

test("event types keep their places", () => {
  const placed =
    "one of posting, accountOpened, instrumentRegistered, instrumentAuthorised, " +
    "fxRateRecorded, trancheIssued, cbdcMinted, settlementFinal, " +
    "validatorChangeProposed, validatorChangeWithdrawn, validatorReady, epochBegun, " +
    "evidenceRecorded, claimChanged, cashAssetRegistered, cashClaimIssued, cashRedeemed";
  // What is new comes behind these.
  expect(eventSchema.describe.startsWith(placed)).toBe(true);
});
