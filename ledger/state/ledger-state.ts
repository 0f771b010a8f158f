import { invariant, present } from "../../primitives/assert.ts";
import type { StateReader } from "../state-reader.ts";
import { accountTable } from "./account.ts";
import { balanceTable } from "./balance.ts";
import { type Chain, chainTable } from "./chain.ts";
import { type Checkpoints, checkpointsTable } from "./checkpoints.ts";
import { dedupeCursorTable, dedupePageTable, dedupeTable } from "./dedupe.ts";
import { evidenceCountTable, evidenceTable } from "./evidence.ts";
import { fxRatesTable } from "./fx-rates.ts";
import { holdingsTable } from "./holdings.ts";
import { instrumentIndexTable, instrumentTable } from "./instrument.ts";
import { keyUseTable } from "./key-use.ts";
import { memberTable } from "./member.ts";
import { type Parameters, parametersTable } from "./parameters.ts";
import { type Programme, programmeTable } from "./programme.ts";
import { RecordCache, UndoLog } from "./record-cache.ts";
import { reserveReferenceTable } from "./reserve-reference.ts";
import { supplyTable } from "./supply.ts";
import type { Table } from "./table.ts";
import { trancheTable } from "./tranche.ts";
import { type ValidatorChange, validatorChangesTable } from "./validator-change.ts";
import {
  type CurrentEpoch,
  currentEpochTable,
  epochTable,
  type Validator,
  validatorSetTable,
} from "./validator-set.ts";

/** One change of the flat state; null deletes. */
export type StateChange = readonly [key: string, value: Uint8Array | null];

/**
 * The state as one block sees and changes it: typed records over the committed bytes. Writes of
 * the running transaction are undone together (`rollback`) or stand (`commit`).
 */
export class LedgerState {
  readonly #log = new UndoLog();
  readonly #reader: StateReader;
  /** In the order of first use. */
  readonly #caches = new Map<string, RecordCache<unknown>>();
  readonly chains: RecordCache<Chain>;
  readonly parameterSets: RecordCache<Parameters>;
  readonly programmes: RecordCache<Programme>;
  readonly members;
  readonly accounts;
  readonly balances;
  readonly holdings;
  readonly instruments;
  readonly instrumentIndexes;
  readonly supplies;
  readonly tranches;
  readonly fxRates;
  readonly reserveReferences;
  readonly dedupe;
  readonly dedupePages;
  readonly dedupeCursors;
  readonly currentEpochs: RecordCache<CurrentEpoch>;
  readonly epochs;
  readonly validatorSets;
  readonly validatorChanges;
  readonly keyUses;
  readonly checkpointLists: RecordCache<Checkpoints>;
  readonly evidence;
  readonly evidenceCounts;

  constructor(reader: StateReader) {
    this.#reader = reader;
    const cache = <T>(table: Table<T>): RecordCache<T> => this.of(table);
    this.chains = cache(chainTable);
    this.parameterSets = cache(parametersTable);
    this.programmes = cache(programmeTable);
    this.members = cache(memberTable);
    this.accounts = cache(accountTable);
    this.balances = cache(balanceTable);
    this.holdings = cache(holdingsTable);
    this.instruments = cache(instrumentTable);
    this.instrumentIndexes = cache(instrumentIndexTable);
    this.supplies = cache(supplyTable);
    this.tranches = cache(trancheTable);
    this.fxRates = cache(fxRatesTable);
    this.reserveReferences = cache(reserveReferenceTable);
    this.dedupe = cache(dedupeTable);
    this.dedupePages = cache(dedupePageTable);
    this.dedupeCursors = cache(dedupeCursorTable);
    this.currentEpochs = cache(currentEpochTable);
    this.epochs = cache(epochTable);
    this.validatorSets = cache(validatorSetTable);
    this.validatorChanges = cache(validatorChangesTable);
    this.keyUses = cache(keyUseTable);
    this.checkpointLists = cache(checkpointsTable);
    this.evidence = cache(evidenceTable);
    this.evidenceCounts = cache(evidenceCountTable);
  }

  /** The records of any table: a room that adds a record needs no line here. */
  of<T>(table: Table<T>): RecordCache<T> {
    const known = this.#caches.get(table.name);
    if (known !== undefined) {
      invariant(known.table === table, `one table has the name ${table.name}`);
      // It was made for this very table.
      return known as RecordCache<T>;
    }
    const cache = new RecordCache(table, this.#reader, this.#log);
    this.#caches.set(table.name, cache as RecordCache<unknown>);
    return cache;
  }

  get chain(): Chain {
    return present(this.chains.get(""), "chain record");
  }

  get parameters(): Parameters {
    return present(this.parameterSets.get(""), "parameters record");
  }

  get programme(): Programme {
    return present(this.programmes.get(""), "programme record");
  }

  /** The epoch that the block being executed leaves: of the next block. */
  get currentEpoch(): CurrentEpoch {
    return present(this.currentEpochs.get(""), "current epoch record");
  }

  get validators(): readonly Validator[] {
    const { setHash } = this.currentEpoch;
    return present(this.validatorSets.get(setHash), "current validator set").validators;
  }

  /** Changes of the set that wait, in the order of proposal. */
  get pendingChanges(): readonly ValidatorChange[] {
    return this.validatorChanges.get("")?.changes ?? [];
  }

  commit(): void {
    this.#log.keep();
  }

  rollback(): void {
    this.#log.undo();
  }

  /** Every changed record, encoded once. The order depends on the block only. */
  changes(): readonly StateChange[] {
    const out: StateChange[] = [];
    for (const { table, changed } of this.#changedRecords()) {
      for (const { id, after } of changed) {
        out.push([table.key(id), after === undefined ? null : table.encode(after)]);
      }
    }
    return out;
  }

  #changedRecords() {
    return [...this.#caches.values()].map((cache) => ({
      table: cache.table,
      changed: cache.changed(),
    }));
  }
}
