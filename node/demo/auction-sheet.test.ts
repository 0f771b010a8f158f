import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { type AcceptedBid, AUCTION, parseAuctionSheet, readAuctionSheet } from "./auction-sheet.ts";

let text: string;
let bids: readonly AcceptedBid[];

beforeAll(async () => {
  const file = new URL("../../ledger/vectors/sbp-pib-2021-03-03.csv", import.meta.url);
  text = await readFile(file, "utf8");
  bids = await readAuctionSheet();
});

describe("the auction sheet", () => {
  test("has fourteen rows, whose face sums to the published total", () => {
    expect(bids.map(({ row }) => row)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
    expect(bids.reduce((sum, { face }) => sum + face, 0n)).toBe(AUCTION.published.face);
    expect(parseAuctionSheet(text)).toEqual(bids);
  });

  test("prints a total that is clean amount and accrued interest, to the last digit rounded", () => {
    for (const { realised, accrued, total } of bids) {
      const difference = total - realised - accrued;
      // Three figures, each rounded on its own.
      expect(difference >= -1n && difference <= 1n).toBe(true);
    }
  });

  test.each([
    { what: "another header", change: (csv: string) => csv.replace("row,face", "row,nominal") },
    { what: "a row missing", change: (csv: string) => csv.replace(/^14,.*\n?/m, "") },
    { what: "a row twice", change: (csv: string) => csv.replace(/^(14,.*)$/m, "$1\n$1") },
    { what: "rows in another order", change: (csv: string) => csv.replace(/^2,/m, "3,") },
  ])("with $what is refused", ({ change }) => {
    const changed = change(text);
    expect(changed).not.toBe(text);
    expect(() => parseAuctionSheet(changed)).toThrow(
      expect.objectContaining({ code: "SHEET_MALFORMED" }),
    );
  });

  test.each(["1e3", "-1.000", "", "1.0001", "٣.000"])("a face of %j is refused by name", (cell) => {
    const changed = text.replace(/^1,[^,]*/m, `1,${cell}`);
    expect(changed).not.toBe(text);
    expect(() => parseAuctionSheet(changed)).toThrow(/row 1 face/);
  });
});
