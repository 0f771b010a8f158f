import { present } from "../primitives/assert.ts";
import { type Account, accountTable } from "./state/account.ts";
import { type Balance, balanceId, balanceTable } from "./state/balance.ts";
import { type Chain, chainTable } from "./state/chain.ts";
import { type FxRate, fxRatesTable, rateInForce } from "./state/fx-rates.ts";
import { holdingsTable } from "./state/holdings.ts";
import { type Instrument, instrumentIndexTable, instrumentTable } from "./state/instrument.ts";
import { type Member, memberTable } from "./state/member.ts";
import { type Parameters, parametersTable } from "./state/parameters.ts";
import { type Programme, programmeTable } from "./state/programme.ts";
import { outstandingOf, type Supply, supplyTable } from "./state/supply.ts";
import { type Tranche, trancheId, trancheTable } from "./state/tranche.ts";
import type { StateReader } from "./state-reader.ts";

/** Answers out of committed state, for RPC, statements and the explorer. */

export interface AccountView {
  readonly account: Account;
  /** One for each asset that the account has any of, sorted by asset. */
  readonly balances: readonly Balance[];
}

export function accountView(state: StateReader, account: string): AccountView | undefined {
  const found = accountTable.read(state, account);
  if (found === undefined) return undefined;
  const assets = holdingsTable.read(state, account)?.assets ?? [];
  const balances = assets.map((asset) =>
    present(balanceTable.read(state, balanceId(account, asset)), `balance of ${account} ${asset}`),
  );
  return { account: found, balances };
}

/** The balance; undefined where the account has nothing of the asset. */
export function balanceOf(state: StateReader, account: string, asset: string): Balance | undefined {
  return balanceTable.read(state, balanceId(account, asset));
}

export interface SupplyView extends Supply {
  readonly outstanding: bigint;
}

export function supplyOf(state: StateReader, asset: string): SupplyView | undefined {
  const supply = supplyTable.read(state, asset);
  return supply === undefined ? undefined : { ...supply, outstanding: outstandingOf(supply) };
}

export function instrumentOf(state: StateReader, isin: string): Instrument | undefined {
  return instrumentTable.read(state, isin);
}

/** Every registered ISIN, sorted. */
export function instruments(state: StateReader): readonly string[] {
  return instrumentIndexTable.read(state, "")?.isins ?? [];
}

/** The `number`-th tranche of an ISIN, from 1. */
export function trancheOf(state: StateReader, isin: string, number: number): Tranche | undefined {
  return trancheTable.read(state, trancheId(isin, number));
}

export interface ProgrammeView extends Programme {
  readonly freeUsdCents: bigint;
}

export function programmeView(state: StateReader): ProgrammeView {
  const programme = present(programmeTable.read(state, ""), "programme record");
  return { ...programme, freeUsdCents: programme.capUsdCents - programme.usedUsdCents };
}

/** The exchange rate that an issue would use at that Unix time, milliseconds. */
export function fxRateAt(state: StateReader, timestampMs: number): FxRate | undefined {
  return rateInForce(fxRatesTable.read(state, "")?.rates ?? [], timestampMs);
}

export function memberOf(state: StateReader, id: string): Member | undefined {
  return memberTable.read(state, id);
}

export function chainOf(state: StateReader): Chain {
  return present(chainTable.read(state, ""), "chain record");
}

export function parametersOf(state: StateReader): Parameters {
  return present(parametersTable.read(state, ""), "parameters record");
}
