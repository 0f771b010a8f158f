import { failure } from "../execution.ts";
import { hasMatured } from "../state/instrument.ts";
import { isCash } from "../types.ts";
import type { MovementRule } from "./movement-rule.ts";

/**
 * From the maturity date on units only cease to be: they are redeemed for whoever held them at the
 * close of the day before, however long the money takes to come. Transfers of title, enforcement
 * and orders reach what is paid, not the units.
 */
export const maturedUnits: MovementRule = {
  name: "matured-units",
  codes: ["UNITS_MATURED"],
  check({ asset, purpose, to, fields }, { state, businessDate }) {
    if (isCash(asset)) return undefined;
    if (purpose === "REDEMPTION" && to === undefined) return undefined;
    const terms = state.instruments.get(asset)?.terms;
    if (terms === undefined || !hasMatured(terms, businessDate)) return undefined;
    return failure("UNITS_MATURED", fields.from);
  },
};
