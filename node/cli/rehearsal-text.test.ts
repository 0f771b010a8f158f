import { beforeAll, describe, expect, test } from "vitest";
import { allot } from "../demo/allotments.ts";
import { AUCTION, readAuctionSheet } from "../demo/auction-sheet.ts";
import type { RehearsalReport } from "../demo/rehearsal.ts";
import { grouped, rehearsalText } from "./rehearsal-text.ts";

let report: RehearsalReport;

beforeAll(async () => {
  const { allotments, totals } = allot(await readAuctionSheet());
  report = {
    rows: allotments.map((allotment) => ({
      ...allotment,
      txId: "ab",
      height: 20 + allotment.row,
      milliseconds: 100 + allotment.row,
    })),
    totals,
    posted: totals,
    supplyFace: AUCTION.published.face * 100_000n,
    killed: { name: "findiv-islamabad", afterRow: 7, caughtUpMs: 2_345 },
    roots: [{ name: "sbp-karachi", height: 34, stateRoot: "cd" }],
    proof: { account: "CUSTODIAN-B-SGLA", face: 535_000_000_000n, height: 34, blockDigest: "ef" },
  };
});

describe("the text of a rehearsal", () => {
  test("prints every row and the totals as the sheet has them", async () => {
    const lines = rehearsalText(report).split("\n");
    for (const bid of await readAuctionSheet()) {
      const line = lines.find((text) => new RegExp(`^ *${bid.row}  CUSTODIAN`).test(text));
      for (const figure of [bid.face, bid.realised, bid.accrued, bid.total]) {
        expect(line).toContain(` ${grouped(figure, 3)} `);
      }
    }
    expect(lines.find((line) => line.includes("total   "))).toMatch(
      / 11,601\.000 +11,032\.285 +26\.919 +11,059\.204 +median 108 ms$/,
    );
    expect(lines).toContain("started again, it caught up in 2.3 s.");
  });

  test("fits a terminal of a hundred columns", () => {
    for (const line of rehearsalText(report).split("\n")) {
      expect(line.length).toBeLessThanOrEqual(100);
    }
  });

  test("groups thousands", () => {
    expect(grouped(0n, 3)).toBe("0.000");
    expect(grouped(999_999n, 3)).toBe("999.999");
    expect(grouped(1_000_000n, 3)).toBe("1,000.000");
    expect(grouped(535_000_000_000n, 2)).toBe("5,350,000,000.00");
  });
});
