import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bicCountry, isBic, normaliseBic } from "./bic.ts";
import { checkDigits97, remainder97 } from "./character-value.ts";
import { checkPakistaniIban, isPakistaniIban } from "./iban.ts";
import { IdentifierError } from "./identifier-error.ts";
import { checkIsin, isIsin, isinCheckDigit } from "./isin.ts";
import { checkLei, isLei } from "./lei.ts";

function refusal(run: () => unknown): IdentifierError {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof IdentifierError) return thrown;
    throw thrown;
  }
  throw new Error("was accepted");
}

const alphanumeric = (length: number): fc.Arbitrary<string> =>
  fc.stringMatching(new RegExp(`^[A-Z0-9]{${length}}$`));

/** `text` with another digit for a digit, or another letter for a letter, at one place. */
function withOther(text: string, place: number, shift: number): string {
  const old = text[place] ?? "0";
  const characters = /[0-9]/.test(old) ? "0123456789" : "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  const step = 1 + (shift % (characters.length - 1));
  const next = characters[(characters.indexOf(old) + step) % characters.length] ?? "0";
  return text.slice(0, place) + next + text.slice(place + 1);
}

describe("ISIN", () => {
  it.each([
    "US0378331005",
    "US912828GD62",
    "NL0000009165",
    "TZ1996100214",
    "AU0000XVGZA3", // the worked example of ISO 6166 with letters
  ])("takes %s", (isin) => {
    expect(checkIsin(isin)).toBe(isin);
  });

  it("gives the made-up ISINs of our tests their digits", () => {
    for (const isin of ["PK0MTB084015", "PK0PIB003015", "PK0GIS005012"]) {
      const proper = isin.slice(0, 11) + isinCheckDigit(isin.slice(0, 11));
      expect(checkIsin(proper)).toBe(proper);
      expect(proper).toBe(isin);
    }
  });

  it.each([
    ["US0378331004", "ISIN_CHECK_DIGIT", "check digit 5"],
    ["us0378331005", "ISIN_FORMAT", undefined],
    ["AEG000000AB12", "ISIN_FORMAT", undefined], // 13 characters, a sample found in the wild
    ["US037833100", "ISIN_FORMAT", undefined],
    ["US037833100A", "ISIN_FORMAT", undefined],
    ["1S0378331005", "ISIN_FORMAT", undefined],
    ["US0378331005\n", "ISIN_FORMAT", undefined],
    ["", "ISIN_FORMAT", undefined],
  ])("refuses %j", (isin, code, expected) => {
    const error = refusal(() => checkIsin(isin, "security"));
    expect(error.code).toBe(code);
    expect(error.data).toMatchObject({ field: "security", got: isin });
    if (expected !== undefined) expect(error.data["expected"]).toBe(expected);
  });

  it("notices any single wrong digit", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9]{9}$/), fc.nat(8), fc.nat(8), (middle, at, shift) => {
        const head = `PK${middle}`;
        const isin = head + isinCheckDigit(head);
        expect(checkIsin(isin)).toBe(isin);
        const digit = (Number(isin[2 + at]) + 1 + shift) % 10;
        const wrong = isin.slice(0, 2 + at) + digit + isin.slice(3 + at);
        expect(refusal(() => checkIsin(wrong)).code).toBe("ISIN_CHECK_DIGIT");
      }),
    );
  });
});

describe("LEI", () => {
  it.each(["5493001KJTIIGC8Y1R12", "213800WSGIIZCXF1P572"])("takes %s", (lei) => {
    expect(checkLei(lei)).toBe(lei);
  });

  it.each([
    ["5493001KJTIIGC8Y1R17", "LEI_CHECK_DIGITS"],
    ["5493001KJTIIGC8Y1R1", "LEI_FORMAT"],
    ["5493001kjtiigc8y1r12", "LEI_FORMAT"],
    ["5493001KJTIIGC8Y1RAB", "LEI_FORMAT"],
    ["5493001KJTIIGC8Y1R120", "LEI_FORMAT"],
  ])("refuses %s", (lei, code) => {
    const error = refusal(() => checkLei(lei, "member.lei"));
    expect(error.code).toBe(code);
    expect(error.data).toMatchObject({ field: "member.lei", got: lei });
  });

  it("leaves remainder 1, and any single digit or letter for another is noticed", () => {
    fc.assert(
      fc.property(alphanumeric(18), fc.nat(17), fc.nat(34), (head, place, shift) => {
        const lei = head + checkDigits97(head);
        expect(remainder97(lei)).toBe(1);
        expect(checkLei(lei)).toBe(lei);
        const wrong = withOther(lei, place, shift);
        expect(refusal(() => checkLei(wrong)).code).toBe("LEI_CHECK_DIGITS");
      }),
    );
  });

  it("has one pair of check digits: 97 more or less is refused though the remainder is 1", () => {
    fc.assert(
      fc.property(alphanumeric(18), (head) => {
        const digits = Number(checkDigits97(head));
        for (const other of [digits + 97, digits - 97]) {
          if (other < 0 || other > 99) continue;
          const lei = head + String(other).padStart(2, "0");
          expect(remainder97(lei)).toBe(1);
          expect(refusal(() => checkLei(lei)).code).toBe("LEI_CHECK_DIGITS");
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe("BIC", () => {
  it("reads eight characters as the head office", () => {
    expect(normaliseBic("SBPPPKKA")).toBe("SBPPPKKAXXX");
    expect(normaliseBic("SBPPPKKAXXX")).toBe("SBPPPKKAXXX");
    expect(normaliseBic("SBPPPKKALHR")).toBe("SBPPPKKALHR");
    expect(bicCountry(normaliseBic("SBPPPKKA"))).toBe("PK");
  });

  it.each(["", "SBPPPKK", "SBPPPKKAX", "SBPPPKKAXX", "sbpppkka", "SBPP12KA", "SBPPPKKAXXXX"])(
    "refuses %j",
    (bic) => {
      const error = refusal(() => normaliseBic(bic, "agent"));
      expect(error.code).toBe("BIC_FORMAT");
      expect(error.data).toMatchObject({ field: "agent", got: bic });
    },
  );
});

describe("Pakistani IBAN", () => {
  it("takes the example of the IBAN registry", () => {
    expect(checkPakistaniIban("PK36SCBL0000001123456702")).toBe("PK36SCBL0000001123456702");
  });

  it.each([
    ["PK37SCBL0000001123456702", "IBAN_CHECK_DIGITS"],
    ["PK36SCBL0000001123456720", "IBAN_CHECK_DIGITS"],
    ["PK36SCBL000000112345670", "IBAN_FORMAT"],
    ["PK36 SCBL 0000 0011 2345 6702", "IBAN_FORMAT"],
    ["GB29NWBK60161331926819", "IBAN_FORMAT"],
    ["PK36SCB10000001123456702", "IBAN_FORMAT"],
  ])("refuses %s", (iban, code) => {
    const error = refusal(() => checkPakistaniIban(iban));
    expect(error.code).toBe(code);
    expect(error.data).toMatchObject({ field: "iban", got: iban });
  });

  it("notices any single digit or letter for another in the account", () => {
    fc.assert(
      fc.property(alphanumeric(16), fc.nat(15), fc.nat(34), (account, place, shift) => {
        const iban = `PK${checkDigits97(`SCBL${account}PK`)}SCBL${account}`;
        expect(checkPakistaniIban(iban)).toBe(iban);
        const wrong = withOther(iban, 8 + place, shift);
        expect(refusal(() => checkPakistaniIban(wrong)).code).toBe("IBAN_CHECK_DIGITS");
      }),
    );
  });
});

describe("predicates", () => {
  it("say what the checks do", () => {
    expect([isIsin("US0378331005"), isIsin("US0378331004"), isIsin("")]).toEqual([
      true,
      false,
      false,
    ]);
    expect([isLei("5493001KJTIIGC8Y1R12"), isLei("5493001KJTIIGC8Y1R17")]).toEqual([true, false]);
    expect([isBic("SBPPPKKA"), isBic("SBPPPKKAXXX"), isBic("SBPP")]).toEqual([true, true, false]);
    expect(isPakistaniIban("PK36SCBL0000001123456702")).toBe(true);
    expect(isPakistaniIban("PK37SCBL0000001123456702")).toBe(false);
  });
});

describe("identifier errors", () => {
  it("stay short and take values from untyped JSON", () => {
    expect(refusal(() => checkLei("A".repeat(100_000))).message.length).toBeLessThan(200);
    const number: unknown = 12;
    expect(refusal(() => checkIsin(number as string)).data["got"]).toBe("number");
  });
});
