import { describe, expect, test } from "vitest";
import { precedenceOf } from "../outcome.ts";
import { isKind, kinds, kindTable } from "./kinds.ts";

describe("the registry", () => {
  test("knows the protocol's kinds by name", () => {
    const named = [
      "authorise-instrument",
      "cancel-instruction",
      "change-validators",
      "instruct",
      "issue",
      "issue-cash-claim",
      "mint-cbdc",
      "modify-instruction",
      "open-account",
      "record-fx-rate",
      "redeem-cash",
      "register-cash-asset",
      "register-instrument",
      "set-settlement-parameters",
      "settle-dvp",
      "transfer-cbdc",
      "validator-ready",
    ];
    expect(kinds.filter((kind) => named.includes(kind))).toEqual(named);
    expect(kinds).toEqual(kinds.toSorted());
    expect(isKind("issue")).toBe(true);
    for (const name of ["toString", "__proto__", "", undefined, 7])
      expect(isKind(name)).toBe(false);
  });

  test.each(kinds)("%s is whole", (kind) => {
    const definition = kindTable[kind];
    expect(definition.kind).toBe(kind);
    expect(definition.signers.length).toBeGreaterThan(0);
    const fields = definition.payload.fields.map(([name]) => name);
    for (const rule of definition.signers) {
      if (rule.by !== "role") expect(fields).toContain(rule.field);
      if (rule.when !== undefined) expect(fields).toContain(rule.when.field);
    }
  });

  test.each(kinds)("%s lists its failures in the order of precedence", (kind) => {
    const places = kindTable[kind].failures.map(precedenceOf);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(new Set(places).size).toBe(places.length);
  });
});
