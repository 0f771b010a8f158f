import { bondAmounts, postedAmounts } from "../../ledger/arithmetic/bond-price.ts";
import { couponPosition } from "../../ledger/arithmetic/coupon-position.ts";
import {
  add,
  type Rational,
  rational,
  roundHalfUp,
  ZERO,
} from "../../ledger/arithmetic/rational.ts";
import { formatFixed } from "../../primitives/decimal.ts";
import { CodedError } from "../../primitives/errors.ts";
import { type AcceptedBid, AUCTION } from "./auction-sheet.ts";

/** PKR million times 10^3 is PKR 1,000: 100,000 paisa. */
const PAISA_PER_THOUSAND = 100_000n;

/** What one accepted bid settles, in paisa, and who buys. */
export interface Allotment {
  readonly row: number;
  readonly buyer: "CUSTODIAN-A" | "CUSTODIAN-B";
  readonly face: bigint;
  readonly priceE4: bigint;
  /** Posted: each rounded HALF_UP to paisa once. */
  readonly clean: bigint;
  readonly accrued: bigint;
}

export interface AuctionTotals {
  /** PKR million times 10^3, from unrounded amounts, rounded once at the end. */
  readonly face: bigint;
  readonly realised: bigint;
  readonly accrued: bigint;
  readonly total: bigint;
}

/**
 * The allotments of all bids, checked against the published sheet row by row and in total. Odd rows
 * buy through custodian A, even ones through B: the sheet does not name bidders.
 * Throws CodedError SHEET_DIFFERS naming the first figure that does not agree.
 */
export function allot(bids: readonly AcceptedBid[]): {
  readonly allotments: readonly Allotment[];
  readonly totals: AuctionTotals;
} {
  const position = couponPosition(AUCTION.terms, AUCTION.settlementDate);
  let face = 0n;
  let realised: Rational = ZERO;
  let accrued: Rational = ZERO;
  const allotments = bids.map((bid): Allotment => {
    const facePaisa = bid.face * PAISA_PER_THOUSAND;
    const amounts = bondAmounts(facePaisa, bid.priceE4, position);
    same(`row ${bid.row} realised`, inThousands(amounts.clean), bid.realised);
    same(`row ${bid.row} accrued`, inThousands(amounts.accrued), bid.accrued);
    same(`row ${bid.row} total`, inThousands(amounts.total), bid.total);
    face += bid.face;
    realised = add(realised, amounts.clean);
    accrued = add(accrued, amounts.accrued);
    const posted = postedAmounts(amounts);
    return {
      row: bid.row,
      buyer: bid.row % 2 === 1 ? "CUSTODIAN-A" : "CUSTODIAN-B",
      face: facePaisa,
      priceE4: bid.priceE4,
      clean: posted.clean,
      accrued: posted.accrued,
    };
  });
  const totals = {
    face,
    realised: inThousands(realised),
    accrued: inThousands(accrued),
    total: inThousands(add(realised, accrued)),
  };
  for (const name of ["face", "realised", "accrued", "total"] as const) {
    same(`sum of ${name}`, totals[name], AUCTION.published[name]);
  }
  return { allotments, totals };
}

/** Paisa to PKR million with three decimals, as the sheet prints. */
export function inThousands(paisa: Rational): bigint {
  return roundHalfUp({
    numerator: paisa.numerator,
    denominator: paisa.denominator * PAISA_PER_THOUSAND,
  });
}

/** An amount that was posted, as the sheet prints it. */
export function postedInThousands(paisa: bigint): bigint {
  return inThousands(rational(paisa));
}

export function same(field: string, got: bigint, expected: bigint): void {
  if (got === expected) return;
  throw new CodedError(
    "SHEET_DIFFERS",
    `${field}: computed ${formatFixed(got, 3)} m, published ${formatFixed(expected, 3)} m`,
    { field, got, expected },
  );
}
