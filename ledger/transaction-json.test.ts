import { describe, expect, test } from "vitest";
import { CodedError } from "../primitives/errors.ts";
import { buildBody, unsigned } from "./envelope.ts";
import { PIB, PIB_TERMS, primaryDvp, readyLedger, sgla } from "./testing/test-ledger.ts";
import { ValidatorLedger } from "./testing/validator-ledger.ts";
import { bodyFromJson, payloadToJson } from "./transaction-json.ts";

const head = { chainId: "ab".repeat(32), member: "HBL", clientRef: "R1", expiresAtHeight: 9 };

/** As a person would write it: amounts as text. */
const dvpJson = JSON.parse(
  JSON.stringify(primaryDvp, (_, value: unknown) =>
    typeof value === "bigint" ? value.toString() : value,
  ),
) as Record<string, unknown>;

function faultOf(kind: string, payload: unknown): string {
  try {
    bodyFromJson(head, kind, payload);
  } catch (error) {
    if (error instanceof CodedError) return `${error.code} ${String(error.data["field"])}`;
    throw error;
  }
  return "none";
}

describe("a body from JSON", () => {
  test("is the body that the types would build", () => {
    const body = bodyFromJson(head, "settle-dvp", dvpJson);
    expect(body).toEqual(buildBody(head, "settle-dvp", primaryDvp));
    expect(unsigned(body).txId).toBe(unsigned(buildBody(head, "settle-dvp", primaryDvp)).txId);
  });

  test("goes to JSON and back", () => {
    const ledger = readyLedger();
    const terms = { isin: PIB, terms: PIB_TERMS };
    const bodies = [
      buildBody(head, "settle-dvp", primaryDvp),
      buildBody(head, "register-instrument", terms),
      buildBody(head, "open-account", sgla("A", "HBL")),
      ledger.transaction("issue", { isin: PIB, face: 5n, account: "ISS", mandateRef: "M" }).body,
    ];
    for (const body of bodies) {
      const json: unknown = JSON.parse(JSON.stringify(payloadToJson(body)));
      expect(bodyFromJson(body, body.kind, json)).toEqual(body);
    }
  });

  test("reads bytes as hex, and nothing else as bytes", () => {
    const ledger = new ValidatorLedger();
    const { body } = ledger.transaction("change-validators", ledger.admission("sbp-9"));
    const json = payloadToJson(body);
    expect(json["consensusKey"]).toMatch(/^[0-9a-f]{64}$/);
    expect(bodyFromJson(body, body.kind, JSON.parse(JSON.stringify(json)))).toEqual(body);
    for (const consensusKey of ["AB", "0g".repeat(32), "ab", 7]) {
      expect(faultOf("change-validators", { ...json, consensusKey })).toBe(
        "INVALID_VALUE payload.consensusKey",
      );
    }
  });

  test("reads unions, nested amounts, counters and nothing", () => {
    const terms = { ...PIB_TERMS, body: { ...PIB_TERMS.body, denomination: "10000000" } };
    expect(bodyFromJson(head, "register-instrument", { isin: PIB, terms }).payload).toEqual({
      isin: PIB,
      terms: PIB_TERMS,
    });
    const rate = { rateE4: 2_815_000, effectiveFromMs: "1764046800000", reference: "FX" };
    expect(bodyFromJson(head, "record-fx-rate", rate).payload).toEqual({
      ...rate,
      effectiveFromMs: 1_764_046_800_000,
    });
    const account = { account: "A", kind: "SGLA", member: "HBL", ownership: "OWN" };
    const opened = bodyFromJson(head, "open-account", {
      ...account,
      window: "ISLAMIC",
      parent: null,
    });
    expect(opened.payload).toMatchObject({ ...account, parent: undefined, investor: undefined });
  });

  test.each([
    ["UNKNOWN_KIND kind", "mint-gold", {}],
    ["UNKNOWN_KIND kind", "toString", {}],
    ["UNKNOWN_FIELD payload.price", "settle-dvp", { ...dvpJson, price: "1" }],
    [
      "UNKNOWN_FIELD payload.terms.body.price",
      "register-instrument",
      {
        isin: PIB,
        terms: {
          type: "PIB_FIXED",
          body: { ...PIB_TERMS.body, denomination: "10000000", price: "1" },
        },
      },
    ],
    ["INVALID_VALUE payload.face", "settle-dvp", { ...dvpJson, face: 10_000_000 }],
    ["INVALID_VALUE payload.face", "settle-dvp", { ...dvpJson, face: undefined }],
    ["AMOUNT_FORMAT payload.face", "settle-dvp", { ...dvpJson, face: "100.005" }],
    ["AMOUNT_FORMAT payload.face", "settle-dvp", { ...dvpJson, face: "-1" }],
    ["AMOUNT_FORMAT payload.face", "settle-dvp", { ...dvpJson, face: "1e7" }],
    ["INVALID_VALUE payload.isin", "settle-dvp", { ...dvpJson, isin: "pk0pib003015" }],
    ["INVALID_VALUE payload", "settle-dvp", "text"],
    ["INVALID_VALUE payload", "settle-dvp", null],
    ["TOO_DEEP payload.a.a.a.a.a.a.a", "settle-dvp", nested(8)],
  ])("%s", (fault, kind, payload) => {
    expect(faultOf(kind, payload)).toBe(fault);
  });

  test("a member __proto__ is an unknown field like any other", () => {
    const text = JSON.stringify(dvpJson).replace("{", '{"__proto__": {"face": "1"}, ');
    expect(faultOf("settle-dvp", JSON.parse(text))).toMatch(/^UNKNOWN_FIELD payload.__proto__$/);
  });
});

function nested(depth: number): unknown {
  return depth === 0 ? 1 : { a: nested(depth - 1) };
}
