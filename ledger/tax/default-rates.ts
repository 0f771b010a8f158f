import type { TaxRow, TaxTable } from "../state/tax-table.ts";

function row(change: Partial<TaxRow> & Pick<TaxRow, "bps">): TaxRow {
  return {
    residency: undefined,
    investorClass: undefined,
    atl: undefined,
    scra: undefined,
    instrumentClass: undefined,
    isFinal: false,
    ...change,
  };
}

/**
 * DEFAULTS, NOT LAW: what the ledger withholds until a table of the sovereign's is recorded. Modelled
 * on the withholding card for 2025-26: 20% on government securities for those on the active
 * taxpayers' list and 40% for the others; sukuk 25% (companies) and 12.5% (others), doubled off the
 * list; 10% final for non-residents through a convertible rupee account. Thresholds by income, the
 * treatment of such accounts and the basis after secondary trades need counsel.
 */
export const DEFAULT_TAX_TABLE: TaxTable = Object.freeze({
  versions: [
    {
      effectiveFrom: "1900-01-01",
      reference: "DEFAULT, NOT LAW",
      rows: [
        row({ investorClass: "GOV", bps: 0, isFinal: true }),
        row({ residency: "NR", scra: true, bps: 1_000, isFinal: true }),
        row({ instrumentClass: "SUKUK", investorClass: "CO", atl: true, bps: 2_500 }),
        row({ instrumentClass: "SUKUK", investorClass: "CO", bps: 5_000 }),
        row({ instrumentClass: "SUKUK", investorClass: "BANK", atl: true, bps: 2_500 }),
        row({ instrumentClass: "SUKUK", investorClass: "BANK", bps: 5_000 }),
        row({ instrumentClass: "SUKUK", atl: true, bps: 1_250 }),
        row({ instrumentClass: "SUKUK", bps: 2_500 }),
        row({ atl: true, bps: 2_000 }),
        row({ bps: 4_000 }),
      ],
    },
  ],
});
