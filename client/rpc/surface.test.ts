import fc from "fast-check";
import { Compile } from "typebox/compile";
import { describe, expect, it } from "vitest";
import { admissionCodes, outcomeOf } from "../../ledger/outcome.ts";
import { AMOUNT_MAX } from "../../primitives/codec/schema.ts";
import { fromBase64, toBase64 } from "./base64.ts";
import { ADMISSION_REASONS, isRpcReason, REASONS, RETRY_CLASSES, RpcRefusal } from "./errors.ts";
import { METHOD_NAMES, METHODS } from "./methods.ts";
import { Amount, Counter } from "./scalars.ts";

/** Every schema node inside a schema. */
function nodesOf(schema: unknown): Record<string, unknown>[] {
  if (typeof schema !== "object" || schema === null) return [];
  const inner = Object.values(schema).flatMap(nodesOf);
  return "type" in schema ? [{ ...schema }, ...inner] : inner;
}

describe("the methods", () => {
  it("are those of the surface", () => {
    expect(METHOD_NAMES).toEqual([
      "chain.info",
      "chain.block",
      "chain.validators",
      "chain.epochs",
      "tx.submit",
      "tx.submitBatch",
      "tx.get",
      "account.get",
      "account.proof",
      "asset.supply",
      "events.list",
    ]);
  });

  it("have closed objects and no number wider than 31 bits, in parameters and in results", () => {
    for (const name of METHOD_NAMES) {
      for (const schema of [METHODS[name].params, METHODS[name].result]) {
        for (const node of nodesOf(schema)) {
          expect(node["type"]).not.toBe("number");
          if (node["type"] === "integer") expect(node["maximum"]).toBeLessThan(2 ** 31);
          const isMap = node["patternProperties"] !== undefined;
          if (node["type"] === "object" && !isMap) expect(node["additionalProperties"]).toBe(false);
        }
      }
    }
  });
});

describe("decimal text", () => {
  const amount = Compile(Amount);
  const counter = Compile(Counter);

  it("is any value in range, spelt once", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: AMOUNT_MAX }), (value) => {
        expect(amount.Check(value.toString())).toBe(true);
        expect(amount.Check(`0${value}`)).toBe(false);
        expect(amount.Check(`${value} `)).toBe(false);
      }),
    );
    expect(amount.Check((AMOUNT_MAX + 1n).toString())).toBe(false);
    expect(counter.Check("9007199254740991")).toBe(true);
    expect(counter.Check("9007199254740992")).toBe(false);
  });

  it.each(["1e3", "-0", "-1", "007", "+1", "", " 1", "1.0", "\uff11", "0x1", "1\n", "\u00a01"])(
    "is never %j",
    (text) => {
      expect(amount.Check(text)).toBe(false);
      expect(counter.Check(text)).toBe(false);
    },
  );
});

describe("the error table", () => {
  it("gives each reason its code, class and status", () => {
    const table = Object.entries(REASONS).map(
      ([reason, { code, retry, http }]) => `${code} ${reason} ${retry} ${http}`,
    );
    expect(table).toMatchInlineSnapshot(`
      [
        "-32700 PARSE never 400",
        "-32600 INVALID_REQUEST never 400",
        "-32600 BATCH_TOO_LARGE never 400",
        "-32600 BODY_TOO_LARGE never 413",
        "-32601 METHOD_NOT_FOUND never 200",
        "-32602 INVALID_PARAMS never 200",
        "-32602 UNKNOWN_FIELD never 200",
        "-32602 AMOUNT_FORMAT never 200",
        "-32602 LIMIT_TOO_LARGE never 200",
        "-32602 CURSOR_INVALID never 200",
        "-32602 CURSOR_FILTER_MISMATCH never 200",
        "-32602 CURSOR_OTHER_CHAIN never 200",
        "-32603 INTERNAL later 500",
        "-32001 UNAUTHENTICATED never 401",
        "-32002 FORBIDDEN never 403",
        "-32002 NOT_YOUR_ACCOUNT never 403",
        "-32003 NOT_FOUND never 200",
        "-32004 RATE_LIMITED later 429",
        "-32005 OVERLOADED later 503",
        "-32005 MEMPOOL_FULL later 503",
        "-32006 SYNCING later 503",
        "-32006 DRAINING later 503",
        "-32006 HALTED later 503",
        "-32006 OBSERVER same 503",
        "-32006 UPGRADE_REQUIRED later 503",
        "-32007 DEADLINE later 503",
        "-32008 PRUNED rebuild 200",
        "-32008 AHEAD_OF_HEAD rebuild 200",
        "-32009 STREAM_LAGGED rebuild 200",
        "-32010 TX_MALFORMED never 200",
        "-32011 TX_NOT_CANONICAL never 200",
        "-32012 TX_BAD_SIGNATURE rebuild 200",
        "-32013 TX_WRONG_CHAIN rebuild 200",
        "-32014 TX_UNKNOWN_SIGNER rebuild 200",
        "-32015 TX_EXPIRED rebuild 200",
        "-32016 TX_EXPIRY_TOO_FAR rebuild 200",
        "-32017 TX_TOO_LARGE never 200",
        "-32018 IDEMPOTENCY_CONFLICT never 200",
        "-32019 TX_MISSING_SIGNER rebuild 200",
        "-32020 NODE_INTEGRITY same 503",
      ]
    `);
  });

  it("names every refusal of the ledger's admission, or maps it", () => {
    const mapped: Record<string, string> = { MEMBER_SUSPENDED: "FORBIDDEN", DUPLICATE: "" };
    for (const code of admissionCodes) {
      const reason = mapped[code] ?? code;
      if (reason === "") continue;
      expect(ADMISSION_REASONS).toContain(reason);
    }
    expect(new Set(ADMISSION_REASONS).size).toBe(ADMISSION_REASONS.length);
  });

  it("advises the same as the ledger where both know a code", () => {
    for (const code of admissionCodes) {
      if (isRpcReason(code))
        expect([code, REASONS[code].retry]).toEqual([code, outcomeOf(code).retry]);
    }
  });

  it("keeps the ledger's order of precedence", () => {
    const common = admissionCodes.filter((code) => isRpcReason(code));
    const places = common.map((code) => ADMISSION_REASONS.map(String).indexOf(code));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  });

  it("makes refusals that carry what was given and nothing else", () => {
    const refusal = new RpcRefusal("PRUNED", { earliest: "7" });
    expect(refusal.toJSON()).toEqual({
      code: "PRUNED",
      message: REASONS.PRUNED.message,
      data: { earliest: "7" },
    });
    expect(RETRY_CLASSES).toContain(refusal.retry);
    expect(isRpcReason("toString")).toBe(false);
  });
});

describe("base64", () => {
  it("is what Buffer writes, and reads back", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const text = toBase64(bytes);
        expect(text).toBe(Buffer.from(bytes).toString("base64"));
        expect(fromBase64(text)).toEqual(bytes);
      }),
    );
    const large = new Uint8Array(100_000).map((_, i) => i);
    expect(toBase64(large)).toBe(Buffer.from(large).toString("base64"));
  });

  it("has one spelling of any bytes", () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom("A", "Q", "g", "w", "/", "+", "9", "=", "-", " ", "\n"),
          maxLength: 12,
        }),
        (text) => {
          const bytes = fromBase64(text);
          if (bytes !== undefined) expect(toBase64(bytes)).toBe(text);
        },
      ),
      { numRuns: 2_000 },
    );
    for (const bad of [
      "A",
      "AA",
      "AAA",
      "AB==",
      "AAB=",
      "AA=A",
      "====",
      "A===",
      "-_-_",
      "AAAA\n",
    ]) {
      expect([bad, fromBase64(bad)]).toEqual([bad, undefined]);
    }
  });
});
