import { describe, expect, test } from "vitest";
import { accountTable } from "./state/account.ts";
import { balanceTable } from "./state/balance.ts";
import { claimTable } from "./state/claim.ts";
import { dedupePageTable } from "./state/dedupe.ts";
import { holdingsTable } from "./state/holdings.ts";
import { instrumentIndexTable } from "./state/instrument.ts";
import { programmeTable } from "./state/programme.ts";
import { supplyTable } from "./state/supply.ts";
import type { Table } from "./state/table.ts";
import { trancheTable } from "./state/tranche.ts";
import { PIB, primaryDvp, readyLedger } from "./testing/test-ledger.ts";
import { CBDC } from "./types.ts";
import { checkWholeState } from "./whole-state.ts";

function settled(): Map<string, Uint8Array> {
  const ledger = readyLedger();
  ledger.mustSend("settle-dvp", primaryDvp, { signers: ["SBP", "HBL"] });
  return new Map(ledger.state);
}

function altered<T>(table: Table<T>, id: string, change: Partial<T>): Map<string, Uint8Array> {
  const state = settled();
  const value = table.read(state, id);
  if (value === undefined) throw new Error(`no record ${table.key(id)}`);
  state.set(...table.entry({ ...value, ...change }));
  return state;
}

function without(key: string): Map<string, Uint8Array> {
  const state = settled();
  if (!state.delete(key)) throw new Error(`no entry ${key}`);
  return state;
}

function withEntry(entry: readonly [string, Uint8Array]): Map<string, Uint8Array> {
  return new Map([...settled(), entry]);
}

describe("a whole state", () => {
  test("of a running ledger passes, in whatever order it is read", () => {
    const entries = [...settled()];
    expect(() => {
      checkWholeState(entries);
      checkWholeState(entries.toReversed());
    }).not.toThrow();
  });

  const available = 42n;
  const page = { height: 1, page: 0, references: [{ member: "SBP", clientRef: "gone" }] };
  test.each([
    ["I1", () => altered(balanceTable, `CASH-HBL/${CBDC}`, { available, total: available })],
    ["I1", () => altered(supplyTable, CBDC, { redeemed: 1n })],
    ["I2", () => altered(balanceTable, `CASH-HBL/${CBDC}`, { available })],
    ["I2", () => altered(balanceTable, `CASH-HBL/${CBDC}`, { pledged: 1n })],
    ["I3", () => altered(supplyTable, PIB, { authorised: 1n })],
    ["I3", () => altered(programmeTable, "", { usedUsdCents: 1n })],
    ["I3", () => altered(programmeTable, "", { capUsdCents: 1n })],
    ["I3", () => altered(trancheTable, `${PIB}/0000000001`, { usdCents: 1n })],
    ["I3", () => altered(supplyTable, PIB, { tranches: 2 })],
    ["I3", () => without(`tranche/${PIB}/0000000001`)],
    [
      "I5",
      () =>
        withEntry(
          claimTable.entry({
            part: "PLEDGED",
            account: "CASH-HBL",
            asset: CBDC,
            holder: "LIEN-1",
            amount: 1n,
          }),
        ),
    ],
    ["the member of account", () => altered(accountTable, "CASH-HBL", { member: "NOBODY" })],
    ["hangs under an SGLA", () => altered(accountTable, "SGLA-HBL", { parent: "CASH-HBL" })],
    ["the account CASH-HBL", () => without("account/CASH-HBL")],
    ["holdings of", () => altered(holdingsTable, "CASH-HBL", { assets: [PIB] })],
    ["holdings record", () => without("holdings/CASH-HBL")],
    ["the index lists", () => altered(instrumentIndexTable, "", { isins: [] })],
    ["each supply has an instrument|the index lists", () => without(`instrument/${PIB}`)],
    ["the supply of", () => without(`supply/${PIB}`)],
    ["the record chain", () => without("chain")],
    ["the record programme", () => without("programme")],
    ["the reference .* is queued", () => without("dedupe-page/0000000000000001/00000")],
    ["the queued reference", () => withEntry(dedupePageTable.entry({ ...page, page: 7 }))],
    ["a table for gold", () => withEntry(["gold/1", new Uint8Array([0x90])])],
  ])("%s is found", (message, build) => {
    expect(() => {
      checkWholeState(build());
    }).toThrow(new RegExp(message));
  });

  test("a record under another record's key is found", () => {
    const state = settled();
    const bytes = state.get("account/CASH-HBL");
    if (bytes === undefined) throw new Error("no account");
    state.set("account/CASH-XXX", bytes);
    expect(() => {
      checkWholeState(state);
    }).toThrow(/under its own key/);
  });

  test("bytes that are no record are a codec error", () => {
    expect(() => {
      checkWholeState(withEntry(["account/X", new Uint8Array([0x93, 1, 2, 3])]));
    }).toThrow(/account/);
  });
});
