import { dirname, join } from "node:path";
import { invariant } from "../../primitives/assert.ts";
import { decode, encode } from "../../primitives/codec/codec.ts";
import { bool, counter, type Infer, record } from "../../primitives/codec/schema.ts";
import { BlockStore } from "../storage/block-store.ts";
import type { ReadHeader, StateEntry } from "../storage/committed-block.ts";
import { Database } from "../storage/database.ts";
import { ProcessLock } from "../storage/process-lock.ts";
import { encodeEpochEnd, malformedUnless } from "./manifest.ts";
import type { ProvenManifest } from "./manifest-check.ts";
import type { SnapshotFiles } from "./snapshot-files.ts";

/** Entries in one write of the new database. */
const ENTRIES_PER_WRITE = 4096;

const markerSchema = record({
  height: counter,
  /** The epoch that goes on from the snapshot. */
  epoch: counter,
  /** Whether this data directory has no journal of that epoch, and must get one. */
  createsJournal: bool,
});
type Marker = Infer<typeof markerSchema>;

export interface InstallPlace {
  readonly files: SnapshotFiles;
  /** Directory of the database; new and old ones stand beside it. */
  readonly database: string;
  readonly readHeader: ReadHeader;
  /** Makes the empty journal of an epoch, durably, unless it is there. */
  readonly ensureJournal: (epoch: number) => Promise<void>;
}

export interface Installation {
  readonly proven: ProvenManifest;
  readonly entries: readonly StateEntry[];
  /** The epoch of the block after the snapshot's. */
  readonly epoch: number;
  /**
   * True where this node has never been in that epoch: then it has promised nothing there. A journal
   * that should be there and is not must be noticed at the start, not made anew.
   */
  readonly createsJournal: boolean;
}

/** The new database while it is being written. */
function draftOf(database: string): string {
  return `${database}.installing`;
}

/** The old database after the new one took its place, until it is gone. */
function replacedOf(database: string): string {
  return `${database}.replaced`;
}

/** Says that the new database is whole: from here on the installation is carried through. */
function markerOf(database: string): string {
  return `${database}.install-ready`;
}

/**
 * Puts a proven snapshot in the place of the database, or where there is none. The new database is
 * written beside the old one, which stays as it is until a marker says that the new one is whole;
 * after a crash `finishInstallation` either forgets the half or carries the whole through. Nobody
 * may have the database open. `lock` keeps others from opening it meanwhile.
 */
export async function installSnapshot(
  place: InstallPlace,
  installation: Installation,
): Promise<void> {
  const { files, database } = place;
  const { manifest } = installation.proven;
  const lock = await ProcessLock.acquire(`${database}.lock`, "DB_LOCKED");
  try {
    await carryThrough(place);
    await writeDatabase(place, installation);
    const { epoch, createsJournal } = installation;
    const marker: Marker = { height: manifest.height, epoch, createsJournal };
    const draft = `${markerOf(database)}.draft`;
    await files.remove(draft);
    await files.write(draft, encode(markerSchema, marker, "marker"));
    await files.rename(draft, markerOf(database));
    await files.syncDirectory(dirname(database));
    await carryThrough(place);
  } finally {
    await lock.release();
  }
}

/**
 * To be called before the database is opened: ends an installation that a crash cut short. Without
 * a marker the new database is half written and goes; with one the rest of the steps are done.
 * Returns whether there was anything to do.
 */
export async function finishInstallation(place: InstallPlace): Promise<boolean> {
  const { files, database } = place;
  const names = await files.list(dirname(database));
  const own = [draftOf, replacedOf, markerOf].map((path) => path(database));
  if (!names.some((name) => own.includes(join(dirname(database), name)))) return false;
  const lock = await ProcessLock.acquire(`${database}.lock`, "DB_LOCKED");
  try {
    await carryThrough(place);
  } finally {
    await lock.release();
  }
  return true;
}

/** Every step can be repeated: which ones are done shows in the names that are there. */
async function carryThrough(place: InstallPlace): Promise<void> {
  const { files, database } = place;
  const parent = dirname(database);
  const names = new Set(await files.list(parent));
  const has = (path: string): boolean => names.has(path.slice(parent.length + 1));
  const draft = draftOf(database);
  if (!has(markerOf(database))) {
    await files.remove(draft);
    await files.remove(`${draft}.lock`);
    invariant(
      !has(replacedOf(database)) || has(database),
      "a database is replaced only by one that is whole",
    );
    await files.remove(replacedOf(database));
    return;
  }
  const bytes = await files.read(markerOf(database));
  const marker = malformedUnless(() => decode(markerSchema, bytes, undefined, "marker"));
  if (marker.createsJournal) await place.ensureJournal(marker.epoch);
  if (has(draft)) {
    if (has(database)) await files.rename(database, replacedOf(database));
    await files.rename(draft, database);
    await files.syncDirectory(parent);
  }
  await files.remove(replacedOf(database));
  await files.remove(markerOf(database));
  await files.syncDirectory(parent);
}

async function writeDatabase(place: InstallPlace, installation: Installation): Promise<void> {
  const { proven, entries } = installation;
  const { manifest } = proven;
  const database = await Database.create({
    directory: draftOf(place.database),
    chainId: manifest.chainId,
  });
  try {
    const blocks = await BlockStore.open(database, place.readHeader);
    await blocks.writeBase({
      header: manifest.header,
      finalization: manifest.finalization,
      epochEnds: manifest.epochTrail.map(encodeEpochEnd),
      state: inPieces(entries),
    });
  } finally {
    await database.close();
  }
}

function* inPieces(entries: readonly StateEntry[]): Generator<readonly StateEntry[]> {
  for (let at = 0; at < entries.length; at += ENTRIES_PER_WRITE) {
    yield entries.slice(at, at + ENTRIES_PER_WRITE);
  }
}
