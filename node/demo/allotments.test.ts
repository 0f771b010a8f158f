import { beforeAll, describe, expect, test } from "vitest";
import { rational } from "../../ledger/arithmetic/rational.ts";
import { allot, inThousands, postedInThousands } from "./allotments.ts";
import { type AcceptedBid, AUCTION, readAuctionSheet } from "./auction-sheet.ts";

let bids: readonly AcceptedBid[];

beforeAll(async () => {
  bids = await readAuctionSheet();
});

/** The sheet with one figure of one row raised by its last printed digit. */
function changed(row: number, field: "face" | "realised" | "accrued" | "total" | "priceE4") {
  return bids.map((bid) => (bid.row === row ? { ...bid, [field]: bid[field] + 1n } : bid));
}

describe("allotments", () => {
  test("recompute to the published totals", () => {
    const { allotments, totals } = allot(bids);
    expect(totals).toEqual(AUCTION.published);
    const posted = (amounts: readonly bigint[]): bigint =>
      postedInThousands(amounts.reduce((sum, amount) => sum + amount, 0n));
    // Rounding each posting to paisa stays below what the sheet prints.
    expect(posted(allotments.map(({ clean }) => clean))).toBe(AUCTION.published.realised);
    expect(posted(allotments.map(({ accrued }) => accrued))).toBe(AUCTION.published.accrued);
    expect(posted(allotments.map(({ face }) => face))).toBe(AUCTION.published.face);
  });

  test("odd rows go to custodian A, even rows to custodian B", () => {
    const buyers = allot(bids).allotments.map(({ row, buyer }) => [row, buyer]);
    expect(buyers).toEqual(
      bids.map(({ row }) => [row, row % 2 === 1 ? "CUSTODIAN-A" : "CUSTODIAN-B"]),
    );
  });

  test.each([
    { row: 1, field: "realised", names: "row 1 realised" },
    { row: 7, field: "accrued", names: "row 7 accrued" },
    { row: 14, field: "total", names: "row 14 total" },
  ] as const)("a changed $field in row $row is found and named", ({ row, field, names }) => {
    expect(() => allot(changed(row, field))).toThrow(
      expect.objectContaining({
        code: "SHEET_DIFFERS",
        data: expect.objectContaining({ field: names }),
      }),
    );
  });

  test("a changed price shows in the amount that follows from it", () => {
    // A hundredth of a paisa per hundred: enough where the face is large.
    const largest = bids.reduce((a, b) => (a.face > b.face ? a : b)).row;
    expect(() => allot(changed(largest, "priceE4"))).toThrow(`row ${largest} realised`);
  });

  test("a bid left out shows in the first sum", () => {
    expect(() => allot(bids.slice(0, -1))).toThrow(
      expect.objectContaining({
        code: "SHEET_DIFFERS",
        data: expect.objectContaining({ field: "sum of face" }),
      }),
    );
  });

  test("paisa become thousands of rupees, half up", () => {
    expect(inThousands(rational(49_999n))).toBe(0n);
    expect(inThousands(rational(50_000n))).toBe(1n);
    expect(inThousands(rational(149_999n))).toBe(1n);
  });
});
