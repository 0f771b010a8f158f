import { readdir, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import type { Command } from "commander";
import { currentEpochOf } from "../../ledger/closing.ts";
import type { Genesis } from "../../ledger/genesis.ts";
import { messageOf } from "../../primitives/errors.ts";
import { installNativeHashing } from "../../primitives/native/hashing.ts";
import { installPlace, openStorage } from "../runtime/boot.ts";
import { dataPaths } from "../runtime/data-paths.ts";
import { certifiedBlock } from "../snapshot/epoch-trail.ts";
import { finishInstallation, installSnapshot } from "../snapshot/install.ts";
import { trustRootOf } from "../snapshot/manifest-check.ts";
import { type OpenSnapshot, openSnapshot, readChunk } from "../snapshot/snapshot-directory.ts";
import { SnapshotError } from "../snapshot/snapshot-error.ts";
import { diskFiles } from "../snapshot/snapshot-files.ts";
import { snapshotHeights } from "../snapshot/snapshot-store.ts";
import { writeSnapshot } from "../snapshot/snapshot-writer.ts";
import { checkState } from "../snapshot/state-check.ts";
import { readerOf } from "../snapshot/state-entries.ts";
import { isMissing } from "../storage/segment-files.ts";
import { Output, table } from "./output.ts";
import { addConfigOptions, configFrom, pinnedGenesis } from "./start.ts";

type ConfigFlags = Parameters<typeof configFrom>[0];

/** One line of `snapshot list`. */
interface Listed {
  readonly height: number;
  readonly epoch: number;
  readonly entries: number;
  readonly chunks: number;
  readonly bytes: number;
  /** Why it is not offered to peers. */
  readonly damage?: string;
}

export function addSnapshotCommands(program: Command): void {
  const snapshot = program
    .command("snapshot")
    .description("snapshots of the state, proven from the genesis on");
  addConfigOptions(snapshot.command("list"))
    .description("the snapshots in the data directory")
    .action(async (flags: ConfigFlags, command: Command) => {
      const { dataDir, genesis } = await dataOf(flags);
      const snapshots = await listSnapshots(dataDir, genesis);
      Output.of(command).result({ snapshots }, () => listText(snapshots));
    });
  addConfigOptions(snapshot.command("create"))
    .description("snapshot of the head; the node must not be running")
    .action(async (flags: ConfigFlags, command: Command) => {
      const { dataDir, genesis } = await dataOf(flags);
      const created = await createSnapshot(dataDir, genesis);
      Output.of(command).result(facts(created), () => `created ${created.directory}`);
    });
  addConfigOptions(snapshot.command("verify"))
    .argument("<snapshot>", "directory of a snapshot, or a height in the data directory")
    .description("prove a snapshot: certificates, chunks, state root, books")
    .action(async (which: string, flags: ConfigFlags, command: Command) => {
      const { dataDir, genesis } = await dataOf(flags);
      const { opened } = await verified(directoryOf(which, dataDir), genesis);
      Output.of(command).result({ ...facts(opened), verified: true }, () => verifiedText(opened));
    });
  addConfigOptions(snapshot.command("restore"))
    .argument("<directory>", "directory of a snapshot")
    .description("begin an empty data directory with a snapshot; never over existing data")
    .action(async (which: string, flags: ConfigFlags, command: Command) => {
      const { dataDir, genesis } = await dataOf(flags);
      const opened = await restoreSnapshot(resolve(which), dataDir, genesis);
      Output.of(command).result({ ...facts(opened), dataDir }, () => restoredText(opened, dataDir));
    });
}

async function dataOf(flags: ConfigFlags): Promise<{ dataDir: string; genesis: Genesis }> {
  installNativeHashing();
  const loaded = await configFrom(flags);
  const { genesis } = await pinnedGenesis(loaded);
  return { dataDir: loaded.config.node.dataDir, genesis };
}

function directoryOf(which: string, dataDir: string): string {
  return /^[0-9]+$/.test(which) ? join(dataPaths(dataDir).snapshots, which) : resolve(which);
}

async function listSnapshots(dataDir: string, genesis: Genesis): Promise<readonly Listed[]> {
  const { snapshots } = dataPaths(dataDir);
  const listed: Listed[] = [];
  for (const height of await snapshotHeights(diskFiles, snapshots)) {
    const directory = join(snapshots, String(height));
    const bytes = await sizeOf(directory);
    try {
      const opened = await openSnapshot(diskFiles, directory, trustRootOf(genesis));
      const { header, manifest } = opened.proven;
      const { entryCount, chunkHashes } = manifest;
      const counts = { entries: entryCount, chunks: chunkHashes.length };
      listed.push({ height, epoch: header.epoch, ...counts, bytes });
    } catch (error) {
      if (!(error instanceof SnapshotError)) throw error;
      const damage = `${error.code}: ${messageOf(error)}`;
      listed.push({ height, epoch: 0, entries: 0, chunks: 0, bytes, damage });
    }
  }
  return listed;
}

async function sizeOf(directory: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(directory)) bytes += (await stat(join(directory, name))).size;
  return bytes;
}

function listText(snapshots: readonly Listed[]): string {
  if (snapshots.length === 0) return "no snapshots";
  const rows = snapshots.map(({ height, epoch, entries, chunks, bytes, damage }) => [
    ...[height, epoch, entries, chunks, bytes].map(String),
    damage ?? "",
  ]);
  return table([["height", "epoch", "entries", "chunks", "bytes", ""], ...rows], [0, 1, 2, 3, 4]);
}

/** Throws DB_LOCKED while the node runs: it makes its snapshots itself. */
async function createSnapshot(dataDir: string, genesis: Genesis): Promise<OpenSnapshot> {
  const storage = await openStorage(dataDir, genesis);
  try {
    const { blocks, committed } = storage;
    const { height } = committed.head;
    if (height === 0) {
      throw new SnapshotError("SNAPSHOT_NOT_CERTIFIED", "the genesis is its own snapshot");
    }
    const source = {
      block: certifiedBlock(blocks, committed, height),
      entries: blocks.state.entries(),
    };
    const { snapshots } = dataPaths(dataDir);
    await diskFiles.makeDirectory(snapshots);
    return await writeSnapshot(diskFiles, snapshots, source, trustRootOf(genesis));
  } finally {
    await storage.journal.close();
    await storage.database.close();
  }
}

async function verified(directory: string, genesis: Genesis) {
  const opened = await openSnapshot(diskFiles, directory, trustRootOf(genesis));
  const { manifest } = opened.proven;
  const entries = await checkState(manifest, (index) =>
    readChunk(diskFiles, directory, manifest, index),
  );
  return { opened, entries };
}

/**
 * Throws DATA_EXISTS where the data directory holds anything but what an earlier restore left half
 * done: that is done anew, or carried through where it was whole.
 */
export async function restoreSnapshot(
  directory: string,
  dataDir: string,
  genesis: Genesis,
): Promise<OpenSnapshot> {
  const place = installPlace(dataDir, genesis);
  const { opened, entries } = await verified(directory, genesis);
  await refuseData(dataDir, place.database);
  await diskFiles.makeDirectory(dataDir);
  const { epoch } = currentEpochOf(readerOf(entries));
  await finishInstallation(place);
  await refuseData(dataDir, place.database);
  await installSnapshot(place, { proven: opened.proven, entries, epoch, createsJournal: true });
  return opened;
}

async function refuseData(dataDir: string, database: string): Promise<void> {
  let names: readonly string[];
  try {
    names = await readdir(dataDir);
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  const ready = `${basename(database)}.install-ready`;
  const isOurs = (name: string): boolean =>
    name.startsWith(`${basename(database)}.`) || (name === "journal" && names.includes(ready));
  const others = names.filter((name) => !isOurs(name));
  if (others.length === 0) return;
  throw new SnapshotError(
    "DATA_EXISTS",
    `${dataDir} holds ${others.slice(0, 4).join(", ")}: a snapshot is restored into an empty directory`,
    { directory: dataDir },
  );
}

function facts({ directory, proven }: OpenSnapshot) {
  const { manifest, header, digest } = proven;
  return {
    directory,
    chainId: manifest.chainId,
    height: manifest.height,
    epoch: header.epoch,
    digest,
    stateRoot: manifest.stateRoot,
    entries: manifest.entryCount,
    chunks: manifest.chunkHashes.length,
    finalView: proven.finalization.view,
  };
}

function verifiedText({ proven }: OpenSnapshot): string {
  const { manifest, header, validators } = proven;
  return [
    `height ${manifest.height} of epoch ${header.epoch}, ${manifest.entryCount} entries`,
    `state root ${manifest.stateRoot}`,
    `finalized by validators of ${validators.map(({ name }) => name).join(", ")}`,
    "certificates, chunks, state root and books verified from the genesis on",
  ].join("\n");
}

function restoredText(opened: OpenSnapshot, dataDir: string): string {
  const { manifest } = opened.proven;
  return [
    `${dataDir} begins at height ${manifest.height} of chain ${manifest.chainId}`,
    "Its journal of votes is empty. If this validator's key has voted before, and that journal is",
    "lost, rotate the key: the start gate stops a node whose peers show votes that it forgot.",
  ].join("\n");
}
