import { invariant, present } from "../primitives/assert.ts";
import { toHex } from "../primitives/bytes.ts";
import {
  addClaim,
  addParts,
  assertBalance,
  assertProgramme,
  assertSupply,
  CLAIMS_LAW,
  Sums,
} from "./invariants.ts";
import { roomChecks } from "./room-checks/registry.ts";
import type { AnyTable } from "./room-checks/room-check.ts";
import { type Account, accountTable } from "./state/account.ts";
import { balanceTable } from "./state/balance.ts";
import { cashAssetTable } from "./state/cash-asset.ts";
import { chainTable } from "./state/chain.ts";
import { checkpointsTable } from "./state/checkpoints.ts";
import { claimTable } from "./state/claim.ts";
import { dedupeCursorTable, dedupeId, dedupePageTable, dedupeTable } from "./state/dedupe.ts";
import { evidenceCountId, evidenceCountTable, evidenceTable } from "./state/evidence.ts";
import { fxRatesTable } from "./state/fx-rates.ts";
import { holdingsTable } from "./state/holdings.ts";
import { instrumentIndexTable, instrumentTable } from "./state/instrument.ts";
import { keyUseTable } from "./state/key-use.ts";
import { memberTable } from "./state/member.ts";
import { parametersTable } from "./state/parameters.ts";
import { programmeTable } from "./state/programme.ts";
import { programmeReleaseTable } from "./state/programme-release.ts";
import { reserveReferenceTable } from "./state/reserve-reference.ts";
import { outstandingOf, supplyTable } from "./state/supply.ts";
import type { Table } from "./state/table.ts";
import { trancheTable } from "./state/tranche.ts";
import { validatorChangesTable } from "./state/validator-change.ts";
import {
  currentEpochTable,
  epochId,
  epochTable,
  validatorSetTable,
} from "./state/validator-set.ts";
import { CBDC, isCash } from "./types.ts";

/** The records of one table, read out of a whole state. */
export class Records<T> {
  readonly byId = new Map<string, T>();
  readonly table: Table<T>;

  constructor(table: Table<T>) {
    this.table = table;
  }

  add(key: string, bytes: Uint8Array): void {
    const value = this.table.decode(bytes);
    const id = this.table.idOf(value);
    invariant(this.table.key(id) === key, `state: the record of ${key} stands under its own key`);
    invariant(!this.byId.has(id), `state: ${key} occurs once`);
    this.byId.set(id, value);
  }

  get values(): Iterable<T> {
    return this.byId.values();
  }

  only(): T {
    return present(this.byId.get(""), `state: the record ${this.table.name}`);
  }
}

function emptyRecords() {
  return {
    chain: new Records(chainTable),
    parameters: new Records(parametersTable),
    programme: new Records(programmeTable),
    programmeReleases: new Records(programmeReleaseTable),
    fxRates: new Records(fxRatesTable),
    members: new Records(memberTable),
    accounts: new Records(accountTable),
    balances: new Records(balanceTable),
    holdings: new Records(holdingsTable),
    instruments: new Records(instrumentTable),
    instrumentIndex: new Records(instrumentIndexTable),
    supplies: new Records(supplyTable),
    tranches: new Records(trancheTable),
    reserveReferences: new Records(reserveReferenceTable),
    claims: new Records(claimTable),
    cashAssets: new Records(cashAssetTable),
    dedupe: new Records(dedupeTable),
    dedupePages: new Records(dedupePageTable),
    dedupeCursor: new Records(dedupeCursorTable),
    currentEpoch: new Records(currentEpochTable),
    epochs: new Records(epochTable),
    validatorSets: new Records(validatorSetTable),
    validatorChanges: new Records(validatorChangesTable),
    keyUses: new Records(keyUseTable),
    checkpoints: new Records(checkpointsTable),
    evidence: new Records(evidenceTable),
    evidenceCounts: new Records(evidenceCountTable),
  };
}
type CoreState = ReturnType<typeof emptyRecords>;

/** The records of a whole state, by table. */
export class WholeState {
  readonly core: CoreState = emptyRecords();
  readonly #byName = new Map<string, AnyRecords>();

  constructor() {
    for (const records of Object.values(this.core)) this.#add(records);
    for (const { tables } of roomChecks) {
      for (const table of tables) this.#add(recordsOf(table));
    }
  }

  #add(records: AnyRecords): void {
    const { name } = records.table;
    invariant(!this.#byName.has(name), `one table has the name ${name}`);
    this.#byName.set(name, records);
  }

  /** The records of one table, of the core or of a room. */
  of<T>(table: Table<T>): Records<T> {
    const records = present(
      this.#byName.get(table.name),
      `state: the table ${table.name} is known`,
    );
    invariant(records.table === table, `one table has the name ${table.name}`);
    // Made for this very table.
    return records as Records<T>;
  }

  add(key: string, bytes: Uint8Array): void {
    const slash = key.indexOf("/");
    const name = slash < 0 ? key : key.slice(0, slash);
    present(this.#byName.get(name), `state: a table for ${key}`).add(key, bytes);
  }
}

interface AnyRecords {
  readonly table: { readonly name: string };
  add(key: string, bytes: Uint8Array): void;
}

/** A room lists tables of many types; each is used for its own records only. */
function recordsOf(table: AnyTable): AnyRecords {
  return new Records(table as unknown as Table<unknown>);
}

/**
 * Checks a whole state from nothing: every entry decodes canonically under its own key, every
 * reference points to a record, every index says what it indexes, and I1 to I5 of invariants.ts
 * hold over the sums. For boot and for snapshots; linear in the state.
 *
 * Throws InvariantError, or CodecError for bytes that are no record.
 */
export function checkWholeState(entries: Iterable<readonly [string, Uint8Array]>): void {
  const whole = new WholeState();
  for (const [key, bytes] of entries) whole.add(key, bytes);
  const state = whole.core;
  const singles = [state.chain, state.parameters, state.dedupeCursor, state.currentEpoch];
  for (const single of singles) single.only();
  checkAccounts(state);
  checkInstruments(state);
  checkSupplies(state);
  checkBalances(state);
  checkHoldings(state);
  checkDedupe(state);
  checkEpochs(state);
  checkEvidence(state);
  for (const { checkWhole } of roomChecks) checkWhole?.(whole);
}

function checkAccounts({ accounts, members }: CoreState): void {
  for (const account of accounts.values) {
    invariant(members.byId.has(account.member), `state: the member of account ${account.id}`);
    if (account.parent !== undefined) checkParent(account, accounts);
  }
}

function checkParent(account: Account, accounts: Records<Account>): void {
  const parent = accounts.byId.get(account.parent ?? "");
  invariant(parent?.kind === "SGLA", `state: account ${account.id} hangs under an SGLA`);
  invariant(parent.member === account.member, `state: one member holds ${account.id} and parent`);
}

function checkInstruments(state: CoreState): void {
  const { instruments, instrumentIndex, supplies, cashAssets, members } = state;
  const isins = [...instruments.byId.keys()].toSorted();
  const indexed = instrumentIndex.byId.get("")?.isins ?? [];
  invariant(sameList(isins, indexed), "state: the index lists every instrument");
  invariant(supplies.byId.has(CBDC), "state: the supply of the coin");
  for (const isin of isins) invariant(supplies.byId.has(isin), `state: the supply of ${isin}`);
  for (const { id, issuer } of cashAssets.values) {
    invariant(supplies.byId.has(id), `state: the supply of ${id}`);
    invariant(members.byId.has(issuer), `state: the issuer of ${id}`);
  }
  const assets = isins.length + cashAssets.byId.size + 1;
  invariant(supplies.byId.size === assets, "state: each supply has an instrument");
}

/** I3. */
function checkSupplies({ supplies, tranches, programme, programmeReleases }: CoreState): void {
  assertProgramme(programme.only());
  const sums = new Sums();
  sums.add("programme", -programme.only().usedUsdCents);
  const counts = new Map<string, number>();
  for (const { releasedUsdCents } of programmeReleases.values) {
    sums.add("programme", -releasedUsdCents);
  }
  for (const { isin, number, face, usdCents } of tranches.values) {
    sums.add("programme", usdCents);
    sums.add(isin, face);
    counts.set(isin, (counts.get(isin) ?? 0) + 1);
    const last = supplies.byId.get(isin)?.tranches ?? 0;
    invariant(number >= 1 && number <= last, `I3: tranche ${number} of ${isin} is counted`);
  }
  for (const supply of supplies.values) {
    assertSupply(supply);
    if (isCash(supply.asset)) continue;
    sums.add(supply.asset, -supply.issued);
    const count = counts.get(supply.asset) ?? 0;
    invariant(count === supply.tranches, `I3: ${supply.asset} has all its tranches`);
  }
  sums.assertZero("I3: tranches are what was issued and used");
}

/** I1, I2 and I5. */
function checkBalances({ balances, supplies, accounts, claims }: CoreState): void {
  const totals = new Sums();
  const claimed = new Sums();
  for (const balance of balances.values) {
    assertBalance(balance);
    invariant(accounts.byId.has(balance.account), `state: the account ${balance.account}`);
    totals.add(balance.asset, balance.total);
    addParts(claimed, balance, 1n);
  }
  for (const supply of supplies.values) totals.add(supply.asset, -outstandingOf(supply));
  totals.assertZero("I1: the sum of all totals is issued - redeemed");
  for (const claim of claims.values) {
    invariant(claim.amount > 0n, "I5: a claim of nothing has no record");
    addClaim(claimed, claim, -1n);
  }
  claimed.assertZero(CLAIMS_LAW);
}

function checkHoldings({ balances, holdings }: CoreState): void {
  const assetsOf = new Map<string, string[]>();
  for (const { account, asset } of balances.values) {
    const assets = assetsOf.get(account);
    if (assets === undefined) assetsOf.set(account, [asset]);
    else assets.push(asset);
  }
  for (const { account, assets } of holdings.values) {
    const held = (assetsOf.get(account) ?? []).toSorted();
    invariant(sameList(held, assets), `state: holdings of ${account} list its balances`);
  }
  invariant(assetsOf.size === holdings.byId.size, "state: each holder has a holdings record");
}

/** Every remembered reference waits in the pruning queue, and nothing in it was pruned already. */
function checkDedupe({ dedupe, dedupePages, dedupeCursor }: CoreState): void {
  const cursor = dedupeCursor.only();
  const queued = new Set<string>();
  for (const { height, page, references } of dedupePages.values) {
    const isAhead = height > cursor.height || (height === cursor.height && page >= cursor.page);
    invariant(isAhead, `state: page ${page} of height ${height} lies ahead of the pruning cursor`);
    for (const { member, clientRef } of references) {
      const id = dedupeId(member, clientRef);
      invariant(dedupe.byId.has(id), `state: the queued reference ${id} is remembered`);
      queued.add(`${height}/${id}`);
    }
  }
  for (const entry of dedupe.values) {
    const id = dedupeId(entry.member, entry.clientRef);
    invariant(queued.has(`${entry.height}/${id}`), `state: the reference ${id} is queued`);
  }
}

/** Every epoch up to the current one has its set, each later than the one before it. */
function checkEpochs(state: CoreState): void {
  const { currentEpoch, epochs, validatorSets, validatorChanges, keyUses, chain } = state;
  const current = currentEpoch.only();
  invariant(epochs.byId.size === current.epoch + 1, "state: a record for each epoch");
  let start = 0;
  for (let epoch = 0; epoch <= current.epoch; epoch++) {
    const record = present(epochs.byId.get(epochId(epoch)), `state: epoch ${epoch}`);
    invariant(record.startHeight > start, `state: epoch ${epoch} begins after the one before`);
    start = record.startHeight;
    const set = present(validatorSets.byId.get(record.setHash), `state: the set of ${epoch}`);
    for (const { publicKey, networkKey, number } of set.validators) {
      invariant(number < current.nextNumber, "state: validators have numbers that were given");
      for (const key of [publicKey, networkKey]) {
        invariant(keyUses.byId.has(toHex(key)), "state: keys of validators are registered");
      }
    }
    if (epoch !== current.epoch) continue;
    const isSame = record.setHash === current.setHash && start === current.startHeight;
    invariant(isSame, "state: the current epoch is the last one");
  }
  invariant(current.startHeight <= chain.only().height + 1, "state: the current epoch has begun");
  const names = (validatorChanges.byId.get("")?.changes ?? []).map(({ name }) => name);
  invariant(new Set(names).size === names.length, "state: one change of a validator waits");
}

function checkEvidence({ evidence, evidenceCounts }: CoreState): void {
  const counts = new Map<string, number>();
  for (const { epoch, validator } of evidence.values) {
    const id = evidenceCountId(epoch, validator);
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  invariant(counts.size === evidenceCounts.byId.size, "state: evidence is counted");
  for (const [id, { count }] of evidenceCounts.byId) {
    invariant(counts.get(id) === count, `state: evidence ${id} is counted exactly`);
  }
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}
