import { setImmediate as nextTurn } from "node:timers/promises";
import { checkWholeState } from "../../ledger/whole-state.ts";
import { InvariantError } from "../../primitives/assert.ts";
import { CodedError } from "../../primitives/errors.ts";
import { StateTree } from "../../primitives/merkle/state-tree.ts";
import type { StateEntry } from "../storage/committed-block.ts";
import { chunkHash, decodeChunk } from "./chunk.ts";
import type { Manifest } from "./manifest.ts";
import { SnapshotError } from "./snapshot-error.ts";

/** Entries hashed in one turn of the event loop: about five milliseconds. */
const ENTRIES_PER_TURN = 1024;

/** Where chunks are read from, by their place in the manifest. */
export type ReadChunk = (index: number) => Promise<Uint8Array>;

/** The chunk if it has the hash that the manifest names, else SNAPSHOT_CHUNK. */
export function checkChunk(manifest: Manifest, index: number, bytes: Uint8Array): Uint8Array {
  const expected = manifest.chunkHashes[index];
  if (expected !== undefined && chunkHash(bytes) === expected) return bytes;
  throw new SnapshotError("SNAPSHOT_CHUNK", `chunk ${index} is not the one of the manifest`, {
    height: manifest.height,
    index,
  });
}

/**
 * All entries of a snapshot, chunk by chunk. The walk ends with an error unless every chunk has its
 * hash, keys rise, the number is right and the entries have the root of the header; so whatever is
 * done with them before the walk has ended is done with unproven data. Throws SnapshotError. Leaves
 * the event loop free every few milliseconds.
 */
export async function* provenEntries(
  manifest: Manifest,
  read: ReadChunk,
): AsyncGenerator<readonly StateEntry[]> {
  let tree = StateTree.empty;
  let lastKey: string | undefined;
  for (const index of manifest.chunkHashes.keys()) {
    const bytes = checkChunk(manifest, index, await read(index));
    const entries = decodeChunk(bytes, lastKey);
    lastKey = entries.at(-1)?.[0];
    for (let at = 0; at < entries.length; at += ENTRIES_PER_TURN) {
      tree = tree.update(entries.slice(at, at + ENTRIES_PER_TURN));
      await nextTurn();
    }
    yield entries;
  }
  const { height, entryCount, stateRoot } = manifest;
  if (tree.size !== entryCount) {
    throw new SnapshotError("SNAPSHOT_CONTRADICTION", "the chunks hold another number of entries", {
      height,
      got: tree.size,
      expected: entryCount,
    });
  }
  if (tree.root !== stateRoot) {
    throw new SnapshotError("SNAPSHOT_ROOT", "the entries have another root than the header says", {
      height,
      got: tree.root,
      expected: stateRoot,
    });
  }
}

/** Walks a snapshot for its proof alone; memory holds one chunk and the tree. Throws SnapshotError. */
export async function checkRoot(manifest: Manifest, read: ReadChunk): Promise<void> {
  for await (const _ of provenEntries(manifest, read)) {
    // Nothing to do: the walk is the proof.
  }
}

/**
 * Root and books: the whole state as the ledger would be given it. A root that the network certified
 * with books that do not balance here means that this software is not the network's. Throws
 * SnapshotError.
 */
export async function checkState(
  manifest: Manifest,
  read: ReadChunk,
): Promise<readonly StateEntry[]> {
  const entries: StateEntry[] = [];
  for await (const chunk of provenEntries(manifest, read)) {
    for (const entry of chunk) entries.push(entry);
  }
  try {
    checkWholeState(entries);
  } catch (error) {
    const isOfTheBooks = error instanceof InvariantError || error instanceof CodedError;
    if (!isOfTheBooks) throw error;
    const { height } = manifest;
    throw new SnapshotError("SNAPSHOT_STATE", error.message, { height }, error);
  }
  return entries;
}
