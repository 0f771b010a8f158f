import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { headerDigest, headerSchema } from "../../consensus/header.ts";
import { accountTable } from "../../ledger/state/account.ts";
import { balanceTable, emptyBalance } from "../../ledger/state/balance.ts";
import { chainTable } from "../../ledger/state/chain.ts";
import { holdingsTable } from "../../ledger/state/holdings.ts";
import { DENOMINATION, PIB, type TestLedger } from "../../ledger/testing/test-ledger.ts";
import { CBDC } from "../../ledger/types.ts";
import { CommittedState } from "../../node/runtime/committed-state.ts";
import { BlockStore } from "../../node/storage/block-store.ts";
import { Database } from "../../node/storage/database.ts";
import { toHex, utf8 } from "../../primitives/bytes.ts";
import { decode } from "../../primitives/codec/codec.ts";
import { StateTree } from "../../primitives/merkle/state-tree.ts";
import { sha256 } from "../../primitives/sha256.ts";
import { blockOn } from "../micro/block-commit.ts";
import { settlementLedger } from "../micro/settlement-ledger.ts";

/** Written to the database at once. */
const CHUNK_ENTRIES = 20_000;
/** Settlements of one seeded block. */
export const HISTORY_BLOCK = 1_000;
/** What LevelDB stores of a settlement, bytes: receipt, and seven events. */
const RECEIPT_BYTES = 190;
const EVENTS = 7;
const EVENT_BYTES = 150;
const TRANSACTION_BYTES = 350;

/** A node's state and store of a given size, without consensus, sockets and signatures. */
export interface SeededNode {
  readonly ledger: TestLedger;
  readonly store: BlockStore;
  readonly committed: CommittedState;
  /** Seconds from the entries to a state with its tree, as at a start. */
  readonly loadSeconds: number;
  close(): Promise<void>;
}

export async function seededNode(accounts: number, history: number): Promise<SeededNode> {
  const ledger = settlementLedger();
  const root = await mkdtemp(join(tmpdir(), "mizan-bench-growth-"));
  const { chainId } = ledger;
  const database = await Database.create({ directory: join(root, "db"), chainId });
  const store = await BlockStore.open(database, (bytes) => {
    const header = decode(headerSchema, bytes, undefined, "header");
    return { ...header, digest: headerDigest(header) };
  });
  await store.writeGenesis({ stateRoot: ledger.tree.root, state: ledger.state });
  for (let done = 0; done < history; done += HISTORY_BLOCK) await commitHistory(store, done);
  const entries = new Map(ledger.state);
  for (const entry of accountEntries(accounts)) entries.set(...entry);
  const { height, digest } = store.head;
  const { timestampMs } = ledger;
  entries.set(...chainTable.entry({ chainId, height, timestampMs }));
  await writeState(database, store, entries);
  const stateRoot = StateTree.from(entries).root;
  const started = performance.now();
  const committed = new CommittedState(entries, {
    height,
    digest,
    timestampMs,
    epoch: 0,
    stateRoot,
  });
  const loadSeconds = (performance.now() - started) / 1_000;
  return {
    ledger,
    store,
    committed,
    loadSeconds,
    async close() {
      await database.close();
      await rm(root, { recursive: true, force: true });
    },
  };
}

export function securitiesOf(bank: string, i: number): string {
  return `G-SGLA-${bank}-${i}`;
}

export function cashOf(bank: string, i: number): string {
  return `G-CASH-${bank}-${i}`;
}

/** A quarter of the accounts each: securities and coins of two banks, all of them filled. */
function* accountEntries(accounts: number): Iterable<readonly [string, Uint8Array]> {
  const common = {
    investor: undefined,
    parent: undefined,
    ownership: "OWN",
    window: "CONVENTIONAL",
    status: "OPEN",
  } as const;
  for (let i = 0; i < accounts / 4; i++) {
    for (const member of ["HBL", "UBL"]) {
      const places = [
        { id: securitiesOf(member, i), kind: "SGLA", asset: PIB, units: 1_000n * DENOMINATION },
        { id: cashOf(member, i), kind: "CASH_CBDC", asset: CBDC, units: 3_000n * DENOMINATION },
      ] as const;
      for (const { id, kind, asset, units } of places) {
        yield accountTable.entry({ id, kind, member, ...common });
        const empty = emptyBalance(id, asset);
        yield balanceTable.entry({ ...empty, total: units, available: units });
        yield holdingsTable.entry({ account: id, assets: [asset] });
      }
    }
  }
}

async function writeState(
  database: Database,
  store: BlockStore,
  entries: ReadonlyMap<string, Uint8Array>,
): Promise<void> {
  let chunk: (readonly [string, Uint8Array])[] = [];
  for (const entry of entries) {
    chunk.push(entry);
    if (chunk.length < CHUNK_ENTRIES) continue;
    const full = chunk;
    chunk = [];
    await database.write((batch) => store.state.stage(batch, full), false);
  }
  await database.write((batch) => store.state.stage(batch, chunk));
}

/** A block as large on disk as one of settlements, with ids and references of its own. */
async function commitHistory(store: BlockStore, done: number): Promise<void> {
  const references = Array.from({ length: HISTORY_BLOCK }, (_, i) => `HISTORY-${done + i}`);
  const filled = (size: number, i: number): Uint8Array => {
    const bytes = new Uint8Array(size);
    // Unlike its neighbours, so that compression gains no more than on real records.
    for (let at = 0; at + 32 <= size; at += 64) bytes.set(sha256(utf8(`${done} ${i} ${at}`)), at);
    return bytes;
  };
  const block = blockOn(store, {
    receipts: references.map((_, i) => filled(RECEIPT_BYTES, i)),
    events: references.flatMap((_, i) =>
      Array.from({ length: EVENTS }, (__, e) => ({
        txIndex: i,
        eventIndex: e,
        bytes: filled(EVENT_BYTES, i * EVENTS + e),
      })),
    ),
    stateChanges: [],
    stateRoot: toHex(sha256(utf8(String(done)))),
    references,
    batch: filled(HISTORY_BLOCK * TRANSACTION_BYTES, done),
  });
  await store.commitBlock(block);
}
