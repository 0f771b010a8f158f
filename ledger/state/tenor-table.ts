import { type Infer, list, oneOf, record, uint } from "../../primitives/codec/schema.ts";
import { MAX_TENORS } from "../limits.ts";
import { max35Text } from "../types.ts";
import { instrumentType } from "./instrument.ts";
import { Table } from "./table.ts";

const tenor = record({
  type: instrumentType,
  unit: oneOf(["DAYS", "YEARS"]),
  /** From issue to maturity. */
  length: uint(40_000),
});
export type Tenor = Infer<typeof tenor>;

/** Governed: the tenors in which each type of instrument is offered. */
export const tenorTableSchema = record({ tenors: list(tenor, MAX_TENORS), reference: max35Text });
export type TenorTable = Infer<typeof tenorTableSchema>;

export const tenorTableTable = new Table<TenorTable>({
  name: "tenor-table",
  schema: tenorTableSchema,
  idOf: () => "",
  remember: true,
});

/**
 * Default until the sovereign and the central bank record a table of their own: the tenors in which
 * the State Bank of Pakistan has held auctions.
 */
export const DEFAULT_TENORS: TenorTable = Object.freeze({
  tenors: [
    ...[84, 182, 364].map((length) => ({ type: "MTB", unit: "DAYS", length }) as const),
    ...[2, 3, 5, 10, 15, 20, 30].map(
      (length) => ({ type: "PIB_FIXED", unit: "YEARS", length }) as const,
    ),
    ...[2, 3, 5, 10].map((length) => ({ type: "PFL", unit: "YEARS", length }) as const),
    ...[1, 3, 5, 10].map((length) => ({ type: "GIS_FRR", unit: "YEARS", length }) as const),
    ...[3, 5, 10].map((length) => ({ type: "GIS_VRR", unit: "YEARS", length }) as const),
  ],
  reference: "DEFAULT",
});
