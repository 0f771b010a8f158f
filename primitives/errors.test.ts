import { describe, expect, it } from "vitest";
import { InvariantError, invariant, present, unreachable } from "./assert.ts";
import { CodedError, messageOf } from "./errors.ts";

describe("CodedError", () => {
  it("prints its code and data as JSON, big integers as text", () => {
    const error = new CodedError("LIMIT", "too much", { got: 2n ** 70n, limit: 5, field: "x" });
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      code: "LIMIT",
      message: "too much",
      data: { got: "1180591620717411303424", limit: 5, field: "x" },
    });
    expect(error).toBeInstanceOf(Error);
  });

  it("keeps its cause", () => {
    const cause = new Error("inner");
    expect(new CodedError("X", "outer", {}, { cause }).cause).toBe(cause);
  });

  it("has a message for whatever was thrown", () => {
    expect(messageOf(new Error("a"))).toBe("a");
    expect(messageOf("b")).toBe("b");
    expect(messageOf(null)).toBe("null");
  });
});

describe("assertions", () => {
  it("stop on what must not be", () => {
    expect(() => invariant("yes", "truth")).not.toThrow();
    expect(() => invariant(0, "nought")).toThrow(InvariantError);
    expect(present(0, "count")).toBe(0);
    expect(present("", "text")).toBe("");
    expect(() => present(undefined, "account")).toThrow("account must be present");
    expect(() => present(null, "account")).toThrow(InvariantError);
    expect(() => unreachable("x" as never)).toThrow(InvariantError);
  });
});
