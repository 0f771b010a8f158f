import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TransactionError } from "../ledger/envelope.ts";
import { CodecError } from "../primitives/codec/codec-error.ts";
import {
  mergeSignatures,
  readTransaction,
  type SigningParty,
  sign,
  signatureVerdicts,
  transactionBytes,
} from "./signing.ts";
import { testSigner } from "./testing/fabricated-chain.ts";
import { expiryAt, newClientRef, TransactionBuilder } from "./transaction-builder.ts";
import { inspect, rupees } from "./transaction-text.ts";

const CHAIN = "ab".repeat(32);
const builder = new TransactionBuilder(CHAIN, "HBL");
const terms = { clientRef: "INV/2026-7", expiresAtHeight: 1_200 };

const dvp = builder.build(
  "settle-dvp",
  {
    settlementRef: "S-1",
    isin: "PK0PIB003015",
    face: 2n ** 53n + 1n,
    delivererAccount: "HBL-SGLA",
    receiverAccount: "UBL-SGLA",
    payerCashAccount: "UBL-CASH",
    payeeCashAccount: "HBL-CASH",
    cleanAmount: 48_950_000_000n,
    accruedInterest: 1_160_220n,
  },
  terms,
);

const parties: readonly SigningParty[] = [
  { member: "HBL", keyId: "ops-1", signer: testSigner(21) },
  { member: "HBL", keyId: "ops-2", signer: testSigner(22) },
  { member: "UBL", keyId: "ops-1", signer: testSigner(23) },
  { member: "SBP", keyId: "ops-1", signer: testSigner(24) },
];

describe("building", () => {
  it("makes the same bytes from the same terms, and keeps amounts exactly", () => {
    const read = readTransaction(transactionBytes(dvp));
    expect(read).toEqual(dvp);
    expect(read.body.kind === "settle-dvp" && read.body.payload.face).toBe(9007199254740993n);
  });

  it("builds other kinds of the registry", () => {
    const mint = builder.build(
      "mint-cbdc",
      { account: "HBL-CASH", amount: 5n, reserveRef: "PRISM-1" },
      terms,
    );
    expect(readTransaction(transactionBytes(mint)).body).toEqual(mint.body);
    expect(mint.txId).not.toBe(dvp.txId);
  });

  it("refuses what the ledger could not read, naming the field", () => {
    const build = (amount: bigint, clientRef = "A"): unknown =>
      builder.build(
        "mint-cbdc",
        { account: "A", amount, reserveRef: "R" },
        { ...terms, clientRef },
      );
    expect(() => build(-1n)).toThrowError(CodecError);
    expect(() => build(2n ** 127n)).toThrowError(/payload\.amount/);
    expect(() => build(1n, "x".repeat(36))).toThrowError(/clientRef/);
    expect(() => build(1n, "a\nb")).toThrowError(/clientRef/);
  });

  it("keeps expiries within what the network allows", () => {
    expect(expiryAt(100, 20, 50)).toBe(120);
    for (const blocks of [0, -1, 51, 1.5]) {
      expect(() => expiryAt(100, blocks, 50)).toThrowError(/1\.\.50/);
    }
  });

  it("draws references that do not repeat and fit", () => {
    const drawn = new Set(Array.from({ length: 1_000 }, () => newClientRef("HBL-")));
    expect(drawn.size).toBe(1_000);
    for (const clientRef of drawn) expect(clientRef).toMatch(/^HBL-[0-9a-f]{24}$/);
  });
});

describe("signing", () => {
  it("merges signatures made apart, in any order and grouping, into the same bytes", () => {
    const whole = transactionBytes(parties.reduce(sign, dvp));
    const copies = parties.map((party) => sign(dvp, party));
    fc.assert(
      fc.property(fc.shuffledSubarray(copies, { minLength: 4 }), fc.nat(3), (order, cut) => {
        const merged = mergeSignatures([
          mergeSignatures(order.slice(0, cut + 1)),
          ...order.slice(cut),
        ]);
        expect(transactionBytes(merged)).toEqual(whole);
      }),
      { numRuns: 30 },
    );
  });

  it("never changes the id", () => {
    expect(parties.reduce(sign, dvp).txId).toBe(dvp.txId);
  });

  it("does not mix transactions", () => {
    const other = builder.build("mint-cbdc", { account: "A", amount: 1n, reserveRef: "R" }, terms);
    expect(() => mergeSignatures([dvp, other])).toThrowError(TransactionError);
    expect(() => mergeSignatures([])).toThrowError(/no transaction/);
  });

  it("tells valid signatures from invalid ones and from unknown keys", () => {
    const [hbl, , ubl] = parties;
    if (hbl === undefined || ubl === undefined) throw new Error("parties");
    const forged = { ...sign(dvp, { ...ubl, signer: hbl.signer }) };
    const transaction = mergeSignatures([sign(dvp, hbl), forged]);
    const keys = new Map(
      parties.map(({ member, keyId, signer }) => [`${member}/${keyId}`, signer.publicKey]),
    );
    const verdicts = signatureVerdicts(transaction, (member, keyId) =>
      keys.get(`${member}/${keyId}`),
    );
    expect(verdicts.map(([{ member }, verdict]) => [member, verdict])).toEqual([
      ["HBL", "valid"],
      ["UBL", "invalid"],
    ]);
    expect(signatureVerdicts(transaction, () => undefined).map(([, verdict]) => verdict)).toEqual([
      "unknown-key",
      "unknown-key",
    ]);
  });
});

describe("inspection", () => {
  it("shows both legs of a settlement, who signs and what ends it", () => {
    const [hbl] = parties;
    if (hbl === undefined) throw new Error("parties");
    expect(inspect(sign(dvp, hbl)).replace(dvp.txId, "<txId>")).toMatchInlineSnapshot(`
      "SETTLE-DVP: Delivers securities against coins, both legs at once.

      Settlement         S-1
      Securities leg
        deliver          PKR 90,071,992,547,409.93 face of PK0PIB003015
        from             HBL-SGLA
        to               UBL-SGLA
      Cash leg
        pay              PKR 489,511,602.20
        of which         clean 489,500,000.00
                         accrued 11,602.20
        from             UBL-CASH
        to               HBL-CASH
      Both legs settle together or neither does.

      Chain              abababababababababababababababababababababababababababababababab
      Sender             HBL
      Client reference   INV/2026-7
      Expires after      height 1200
      Transaction id     <txId>
      Must sign          member HBL; operator of HBL-SGLA; operator of UBL-CASH
      Signed by          HBL (ops-1)"
    `);
  });

  it("shows every field of any other kind", () => {
    const opened = builder.build(
      "open-account",
      {
        account: "HBL-IPS-1",
        kind: "IPS",
        member: "HBL",
        investor: "INV-1",
        parent: undefined,
        ownership: "CLIENT",
        window: "ISLAMIC",
      },
      terms,
    );
    const text = inspect(opened);
    for (const shown of ["HBL-IPS-1", "IPS", "INV-1", "none", "CLIENT", "ISLAMIC", "nobody yet"]) {
      expect(text).toContain(shown);
    }
    expect(text).not.toContain("any SOVEREIGN");
    const rate = builder.build(
      "record-fx-rate",
      { rateE4: 2_815_000, effectiveFromMs: 1_700_000_000_000, reference: "SBP-1" },
      terms,
    );
    expect(inspect(rate)).toContain("281.5000");
    expect(inspect(rate)).toContain("2023-11-14T22:13:20.000Z");
    expect(inspect(rate)).toContain("any CENTRAL_BANK");
  });

  it("shows the terms inside an instrument", () => {
    const registered = builder.build(
      "register-instrument",
      {
        isin: "PK0PIB003015",
        terms: {
          type: "PIB_FIXED",
          body: {
            denomination: 10_000_000n,
            couponRateE4: 70_000,
            couponFrequency: 2,
            issueDate: "2020-08-20",
            maturityDate: "2023-08-20",
            firstCouponDate: "2021-02-20",
            dayCount: "ACT_ACT_ICMA",
          },
        },
      },
      terms,
    );
    const text = inspect(registered);
    for (const shown of ["100,000.00", "7.0000", "2023-08-20", "PIB_FIXED", "any SOVEREIGN"]) {
      expect(text).toContain(shown);
    }
  });

  it.each([
    [0n, "0.00"],
    [5n, "0.05"],
    [100n, "1.00"],
    [99_999n, "999.99"],
    [100_000n, "1,000.00"],
    [2n ** 53n + 1n, "90,071,992,547,409.93"],
  ])("writes %s paisa as %s", (amount, text) => {
    expect(rupees(amount)).toBe(text);
  });
});
