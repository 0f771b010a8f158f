import { join } from "node:path";
import { headerSchema } from "../../consensus/header.ts";
import { decode } from "../../primitives/codec/codec.ts";
import type { StateEntry } from "../storage/committed-block.ts";
import { ChunkPacker, chunkHash } from "./chunk.ts";
import { MAX_CHUNKS } from "./limits.ts";
import { encodeManifest, type Manifest, SNAPSHOT_VERSION } from "./manifest.ts";
import type { CertifiedBlock, TrustRoot } from "./manifest-check.ts";
import {
  chunkName,
  MANIFEST_NAME,
  type OpenSnapshot,
  openSnapshot,
  readChunk,
} from "./snapshot-directory.ts";
import { SnapshotError } from "./snapshot-error.ts";
import type { SnapshotFiles } from "./snapshot-files.ts";
import { checkRoot } from "./state-check.ts";

/** Ends the name of a directory that is still being written; a crash leaves it, a start removes it. */
export const UNFINISHED = ".unfinished";

export interface SnapshotSource {
  readonly block: CertifiedBlock;
  /** The state after the block, in key order. */
  readonly entries: AsyncIterable<StateEntry> | Iterable<StateEntry>;
}

/**
 * Writes `<parent>/<height>`: every file synced, all of it read back and proven to the genesis, and
 * only then given its name. So a directory of a final name is always a whole, proven snapshot.
 * Throws SnapshotError and errors of the disk, and leaves nothing of a final name then. `signal`
 * ends the work with SNAPSHOT_STOPPED.
 */
export async function writeSnapshot(
  files: SnapshotFiles,
  parent: string,
  source: SnapshotSource,
  root: TrustRoot,
  signal?: AbortSignal,
): Promise<OpenSnapshot> {
  const header = decode(headerSchema, source.block.header, undefined, "header");
  const final = join(parent, String(header.height));
  const draft = `${final}${UNFINISHED}`;
  if ((await files.list(final)).length > 0) {
    throw new SnapshotError("SNAPSHOT_EXISTS", `${final} exists`, { height: header.height });
  }
  await files.remove(draft);
  await files.makeDirectory(draft);
  const { chunkHashes, entryCount } = await writeChunks(files, draft, source.entries, signal);
  const manifest: Manifest = {
    version: SNAPSHOT_VERSION,
    chainId: root.chainId,
    height: header.height,
    header: source.block.header,
    finalization: source.block.finalization,
    epochTrail: source.block.epochTrail,
    stateRoot: header.stateRoot,
    entryCount,
    chunkHashes,
  };
  await files.write(join(draft, MANIFEST_NAME), encodeManifest(manifest));
  await files.syncDirectory(draft);
  const written = await openSnapshot(files, draft, root);
  await checkRoot(manifest, (index) => {
    stopIf(signal);
    return readChunk(files, draft, manifest, index);
  });
  await files.rename(draft, final);
  await files.syncDirectory(parent);
  return { ...written, directory: final };
}

async function writeChunks(
  files: SnapshotFiles,
  directory: string,
  entries: SnapshotSource["entries"],
  signal: AbortSignal | undefined,
): Promise<{ readonly chunkHashes: readonly string[]; readonly entryCount: number }> {
  const packer = new ChunkPacker();
  const chunkHashes: string[] = [];
  let entryCount = 0;
  const write = async (chunk: Uint8Array | undefined): Promise<void> => {
    if (chunk === undefined) return;
    stopIf(signal);
    if (chunkHashes.length === MAX_CHUNKS) {
      throw new SnapshotError("SNAPSHOT_TOO_LARGE", "the state has more chunks than a snapshot", {
        limit: MAX_CHUNKS,
      });
    }
    await files.write(join(directory, chunkName(chunkHashes.length)), chunk);
    chunkHashes.push(chunkHash(chunk));
  };
  for await (const entry of entries) {
    entryCount += 1;
    await write(packer.add(entry));
  }
  await write(packer.end());
  return { chunkHashes, entryCount };
}

function stopIf(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new SnapshotError("SNAPSHOT_STOPPED", "the snapshot was given up");
}
