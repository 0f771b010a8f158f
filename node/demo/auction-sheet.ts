import { readFile } from "node:fs/promises";
import type { FixedBondTerms } from "../../ledger/arithmetic/coupon-position.ts";
import { parseFixed } from "../../primitives/decimal.ts";
import { CodedError } from "../../primitives/errors.ts";

/**
 * The auction that the rehearsal settles: State Bank of Pakistan, 3 March 2021, settlement on the
 * next day, 3-year PIB 7.00%. The bid sheet is public, the bidders are not.
 */
export const AUCTION = {
  name: "3-year PIB 7.00%, auction of 3 March 2021",
  settlementDate: "2021-03-04",
  terms: {
    couponRateE4: 70_000,
    couponFrequency: 2,
    issueDate: "2020-08-20",
    maturityDate: "2023-08-20",
  } satisfies FixedBondTerms,
  firstCouponDate: "2021-02-20",
  /** PKR 100,000 in paisa. */
  denomination: 10_000_000n,
  /** Published totals of all accepted bids, PKR million times 10^3. */
  published: {
    face: 11_601_000n,
    realised: 11_032_285n,
    accrued: 26_919n,
    total: 11_059_204n,
  },
} as const;

/** One accepted bid as published. Amounts in PKR million times 10^3, price per 100 times 10^4. */
export interface AcceptedBid {
  readonly row: number;
  readonly face: bigint;
  readonly priceE4: bigint;
  readonly realised: bigint;
  readonly accrued: bigint;
  readonly total: bigint;
}

const HEADER = "row,face,price,yield_pct,realised,accrued,total,cumulative_way_pct";
const ROWS = 14;

/** The 14 accepted bids, from the file that the tests use too. */
export async function readAuctionSheet(): Promise<readonly AcceptedBid[]> {
  return parseAuctionSheet(await readFile(sheetPath(), "utf8"));
}

/** Source and compiled program stand at different depths below the project's folder. */
function sheetPath(): URL {
  const depth = import.meta.url.endsWith(".ts") ? "../.." : "../../..";
  return new URL(`${depth}/ledger/vectors/sbp-pib-2021-03-03.csv`, import.meta.url);
}

export function parseAuctionSheet(text: string): readonly AcceptedBid[] {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  if (lines[0] !== HEADER) throw malformed("header", lines[0] ?? "", HEADER);
  const bids = lines.slice(1).map((line, i): AcceptedBid => {
    const cells = line.split(",");
    const [row = "", face = "", price = "", , realised = "", accrued = "", total = ""] = cells;
    if (row !== String(i + 1)) throw malformed("row", row, String(i + 1));
    const at = `row ${row}`;
    return {
      row: i + 1,
      face: parseFixed(face, 3, `${at} face`),
      priceE4: parseFixed(price, 4, `${at} price`),
      realised: parseFixed(realised, 3, `${at} realised`),
      accrued: parseFixed(accrued, 3, `${at} accrued`),
      total: parseFixed(total, 3, `${at} total`),
    };
  });
  if (bids.length !== ROWS) throw malformed("rows", String(bids.length), String(ROWS));
  return bids;
}

function malformed(field: string, got: string, expected: string): CodedError {
  return new CodedError(
    "SHEET_MALFORMED",
    `auction sheet, ${field}: got ${got}, expected ${expected}`,
    {
      field,
      got,
      expected,
    },
  );
}
