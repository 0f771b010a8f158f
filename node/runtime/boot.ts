import { type BlockHeader, headerDigest, headerSchema } from "../../consensus/header.ts";
import { currentEpochOf } from "../../ledger/closing.ts";
import { chainIdOf, type Genesis, genesisEntries } from "../../ledger/genesis.ts";
import { checkWholeState } from "../../ledger/whole-state.ts";
import { present } from "../../primitives/assert.ts";
import { decode } from "../../primitives/codec/codec.ts";
import { StateTree } from "../../primitives/merkle/state-tree.ts";
import { finishInstallation, type InstallPlace } from "../snapshot/install.ts";
import { proveBase } from "../snapshot/prove-base.ts";
import { diskFiles } from "../snapshot/snapshot-files.ts";
import { BlockStore } from "../storage/block-store.ts";
import { type BootReport, verifyAtBoot } from "../storage/boot-check.ts";
import type { HeaderFacts } from "../storage/committed-block.ts";
import { Database } from "../storage/database.ts";
import type { JournalFile } from "../storage/journal-file.ts";
import { CommittedState, type Head } from "./committed-state.ts";
import { dataPaths } from "./data-paths.ts";
import { EpochJournals } from "./epoch-journals.ts";

export interface BootedStorage {
  readonly database: Database;
  readonly blocks: BlockStore;
  readonly journals: EpochJournals;
  /** Of the current epoch, and its records. */
  readonly journal: JournalFile;
  readonly records: readonly Uint8Array[];
  readonly committed: CommittedState;
  readonly report: BootReport;
}

export function readHeader(bytes: Uint8Array): BlockHeader {
  return decode(headerSchema, bytes, undefined, "header");
}

function headerFacts(bytes: Uint8Array): HeaderFacts {
  const header = readHeader(bytes);
  const { height, parentDigest, stateRoot, batchDigests } = header;
  return { digest: headerDigest(header), height, parentDigest, stateRoot, batchDigests };
}

/** Creates the data of a new node: database at genesis and an empty journal. Never overwrites. */
export async function createStorage(
  dataDir: string,
  genesis: Genesis,
  createdAtMs: number,
): Promise<void> {
  const chainId = chainIdOf(genesis);
  const paths = dataPaths(dataDir);
  const database = await Database.create({ directory: paths.database, chainId, createdAtMs });
  try {
    const blocks = await BlockStore.open(database, headerFacts);
    const state = genesisEntries(genesis);
    await blocks.writeGenesis({ stateRoot: StateTree.from(state).root, state });
  } finally {
    await database.close();
  }
  const journal = await new EpochJournals(dataDir, chainId).create(0);
  await journal.close();
}

/** Where a snapshot is installed in this data directory. */
export function installPlace(dataDir: string, genesis: Genesis): InstallPlace {
  const journals = new EpochJournals(dataDir, chainIdOf(genesis));
  return {
    files: diskFiles,
    database: dataPaths(dataDir).database,
    readHeader: headerFacts,
    ensureJournal: (epoch) => journals.ensure(epoch),
  };
}

/**
 * Opens the data of a node and believes nothing of it: the chain of headers is walked, the root
 * over all state entries recomputed and compared with the head's header, and the books checked. A
 * chain that a snapshot began is proven to the genesis by the certificates that came with it. An
 * installation of a snapshot that a crash cut short is ended first.
 */
export async function openStorage(dataDir: string, genesis: Genesis): Promise<BootedStorage> {
  const chainId = chainIdOf(genesis);
  const paths = dataPaths(dataDir);
  await finishInstallation(installPlace(dataDir, genesis));
  const database = await Database.open({ directory: paths.database, chainId });
  try {
    const blocks = await BlockStore.open(database, headerFacts);
    const report = await verifyAtBoot(blocks);
    await proveBase(blocks, genesis);
    const head = headOf(blocks, genesis);
    const committed = new CommittedState(report.state, head);
    checkWholeState(report.state);
    const { epoch, startHeight } = currentEpochOf(committed);
    const journals = new EpochJournals(dataDir, chainId);
    // Last: whatever fails before needs no journal closed.
    const begins = head.height < startHeight;
    const { journal, records } = await journals.open(epoch, begins);
    return { database, blocks, journals, journal, records, committed, report };
  } catch (error) {
    await database.close();
    throw error;
  }
}

function headOf(blocks: BlockStore, genesis: Genesis): Head {
  const { height, digest, stateRoot } = blocks.head;
  if (height === 0) {
    return { height, digest, stateRoot, timestampMs: genesis.genesisTimeMs, epoch: 0 };
  }
  const header = readHeader(present(blocks.header(height), "header of the head"));
  return { height, digest, stateRoot, timestampMs: header.timestampMs, epoch: header.epoch };
}
