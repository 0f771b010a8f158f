import { formatFixed } from "../../primitives/decimal.ts";
import { AUCTION } from "../demo/auction-sheet.ts";
import { FX_RATE_E4, ISIN, type RehearsalReport } from "../demo/rehearsal.ts";
import { table } from "./output.ts";

/** Paisa in PKR 1,000. */
const PAISA_PER_THOUSAND = 100_000n;

/** The report as people read it. */
export function rehearsalText(report: RehearsalReport): string {
  const { killed, proof } = report;
  return [
    "",
    `${AUCTION.name}, settled on ${AUCTION.settlementDate} (rehearsal clock)`,
    "The face, prices and amounts are those of the published bid sheet. Bidders are not public: odd",
    `rows buy through custodian A, even rows through B. Made up: the ISIN ${ISIN}, and the`,
    `exchange rate of ${formatFixed(BigInt(FX_RATE_E4), 4)} PKR per USD.`,
    "",
    "Amounts in PKR million; price per 100 of face; finality is the time from submission to the",
    "receipt of a final block.",
    "",
    rowTable(report),
    "",
    "Every row and the totals equal the published figures; the postings on the ledger sum to them.",
    `${killed.name} was killed with SIGKILL after row ${killed.afterRow}, and settlement went on;`,
    `started again, it caught up in ${(killed.caughtUpMs / 1000).toFixed(1)} s.`,
    "",
    table(
      [
        ["validator", "height", "state root"],
        ...report.roots.map(({ name, height, stateRoot }) => [name, String(height), stateRoot]),
      ],
      [1],
    ),
    "",
    "Proof of holding, checked offline against the genesis alone:",
    `${proof.account} held ${grouped(proof.face, 2)} PKR face of ${ISIN} at block ${proof.height}.`,
    "All validators are stopped.",
  ].join("\n");
}

function rowTable({ rows, totals }: RehearsalReport): string {
  const times = rows.map(({ milliseconds }) => milliseconds).toSorted((a, b) => a - b);
  const median = Math.round(times[Math.floor(times.length / 2)] ?? 0);
  return table(
    [
      ["row", "buyer", "face", "price", "realised", "accrued", "total paid", "block", "finality"],
      ...rows.map((row) => [
        String(row.row),
        row.buyer,
        millions(row.face),
        formatFixed(row.priceE4, 4),
        millions(row.clean),
        millions(row.accrued),
        millions(row.clean + row.accrued),
        String(row.height),
        `${Math.round(row.milliseconds)} ms`,
      ]),
      [
        "",
        "total",
        grouped(totals.face, 3),
        "",
        grouped(totals.realised, 3),
        grouped(totals.accrued, 3),
        grouped(totals.total, 3),
        "",
        `median ${median} ms`,
      ],
    ],
    [0, 2, 3, 4, 5, 6, 7, 8],
  );
}

/** Paisa as PKR million with three decimals, half up, as the sheet prints. */
function millions(paisa: bigint): string {
  return grouped((paisa + PAISA_PER_THOUSAND / 2n) / PAISA_PER_THOUSAND, 3);
}

/** A decimal with commas between thousands, for reading only: never parsed again. */
export function grouped(value: bigint, decimals: number): string {
  const [whole = "", fraction = ""] = formatFixed(value, decimals).split(".");
  return `${whole.replace(/\B(?=(\d{3})+$)/g, ",")}.${fraction}`;
}
