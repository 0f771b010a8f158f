import { describe, expect, test } from "vitest";
import { MAX_PARAMETER_VERSIONS } from "../../instructions/instruction-limits.ts";
import { DEFAULT_SETTLEMENT_PARAMETERS } from "../../instructions/settlement-parameters.ts";
import {
  delivery,
  instructionLedger,
  paid,
  TODAY,
  TOMORROW,
} from "../../testing/instruction-ledger.ts";
import type { Payloads } from "../kinds.ts";

type Parameters = Payloads["set-settlement-parameters"];
const next: Parameters = { ...DEFAULT_SETTLEMENT_PARAMETERS, effectiveFrom: TOMORROW };

function setter() {
  const market = instructionLedger();
  const set = (change: Partial<Parameters>, member = "SBP") =>
    market.ledger.send("set-settlement-parameters", { ...next, ...change }, { member });
  return { market, set };
}

describe("set-settlement-parameters", () => {
  test("holds from the start of its date on, not before", () => {
    const { market, set } = setter();
    expect(set({ toleranceCap: 0n, dvpCutoffMinute: 10 * 60 }).outcome.code).toBe("APPLIED");
    const near = paid(9_500_100n, "CASH-UBL");
    const [first] = market.pair({}, near);
    expect(market.status(first)).toBe("SETTLED");
    market.at(TOMORROW, "09:30");
    const later = { settlementDate: TOMORROW, reference: "D-2" };
    const [second] = market.pair(later, { ...later, reference: "R-2", ...near });
    expect(market.status(second)).toBe("UNMATCHED DMON");
    market.at(TOMORROW, "10:00");
    const late = market.instruct({ ...delivery, ...later, reference: "D-3" });
    expect(late.outcome.code).toBe("TOO_LATE");
  });

  test("a date set anew replaces what was announced for it", () => {
    const { market, set } = setter();
    set({ dvpCutoffMinute: 10 * 60 });
    set({});
    market.at(TOMORROW, "12:00");
    const terms = { settlementDate: TOMORROW };
    expect(market.status(market.pair(terms, terms)[0])).toBe("SETTLED");
  });

  test.each([
    ["TERMS_INVALID", { startMinute: 17 * 60 }],
    ["TERMS_INVALID", { pvpCutoffMinute: 18 * 60 }],
    ["TERMS_INVALID", { allegementMinute: 24 * 60 }],
    ["SETTLEMENT_DATE", { effectiveFrom: TODAY }],
  ])("%s for %o", (code, change) => {
    expect(setter().set(change).outcome.code).toBe(code);
  });

  test("so many may be announced, and those that are over make room", () => {
    const { market, set } = setter();
    const date = (n: number) => `2026-01-${String(n).padStart(2, "0")}`;
    for (let n = 1; n <= MAX_PARAMETER_VERSIONS; n++) {
      expect(set({ effectiveFrom: date(n) }).outcome.code).toBe("APPLIED");
    }
    expect(set({ effectiveFrom: date(20) }).outcome.code).toBe("LIMIT_REACHED");
    market.at(date(2), "10:00");
    expect(set({ effectiveFrom: date(20) }).outcome.code).toBe("APPLIED");
  });

  test("is the central bank's, with a governance key", () => {
    const { market, set } = setter();
    expect(set({}, "HBL").field).toBe("role CENTRAL_BANK");
    const options = { member: "SBP", keyId: "k1" };
    const wrongKey = market.ledger.send("set-settlement-parameters", next, options);
    expect(wrongKey.outcome.code).toBe("TX_UNKNOWN_SIGNER");
  });
});
