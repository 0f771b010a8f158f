import { describe, expect, test } from "vitest";
import { table } from "./output.ts";

describe("a table", () => {
  test("aligns columns by their widest cell, numbers to the right", () => {
    const rows = [
      ["node", "height", "root"],
      ["sbp-karachi", "7", "ab"],
      ["a", "1234", ""],
    ];
    expect(table(rows, [1]).split("\n")).toEqual([
      "node         height  root",
      "sbp-karachi       7  ab",
      "a              1234",
    ]);
  });

  test("of nothing is nothing", () => {
    expect(table([])).toBe("");
  });
});
