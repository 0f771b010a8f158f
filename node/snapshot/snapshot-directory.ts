import { join } from "node:path";
import { isMissing } from "../storage/segment-files.ts";
import { decodeManifest, type Manifest } from "./manifest.ts";
import { checkManifest, type ProvenManifest, type TrustRoot } from "./manifest-check.ts";
import { SnapshotError } from "./snapshot-error.ts";
import type { SnapshotFiles } from "./snapshot-files.ts";
import { checkChunk } from "./state-check.ts";

export const MANIFEST_NAME = "manifest";

export function chunkName(index: number): string {
  return `chunk-${String(index).padStart(5, "0")}`;
}

/** A snapshot on disk whose manifest is proven; its chunks are checked as they are read. */
export interface OpenSnapshot {
  readonly directory: string;
  readonly proven: ProvenManifest;
  readonly manifestBytes: Uint8Array;
}

/** Throws SnapshotError: SNAPSHOT_MISSING, or why the manifest proves nothing. */
export async function openSnapshot(
  files: SnapshotFiles,
  directory: string,
  root: TrustRoot,
): Promise<OpenSnapshot> {
  const manifestBytes = await readManifestFile(files, directory);
  const proven = await checkManifest(decodeManifest(manifestBytes), root);
  return { directory, proven, manifestBytes };
}

/** The chunk, with the hash that the manifest names. Throws SNAPSHOT_CHUNK. */
export async function readChunk(
  files: SnapshotFiles,
  directory: string,
  manifest: Manifest,
  index: number,
): Promise<Uint8Array> {
  let bytes: Uint8Array;
  try {
    bytes = await files.read(join(directory, chunkName(index)));
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw new SnapshotError("SNAPSHOT_CHUNK", `${chunkName(index)} is missing in ${directory}`, {
      height: manifest.height,
      index,
    });
  }
  return checkChunk(manifest, index, bytes);
}

async function readManifestFile(files: SnapshotFiles, directory: string): Promise<Uint8Array> {
  try {
    return await files.read(join(directory, MANIFEST_NAME));
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw new SnapshotError("SNAPSHOT_MISSING", `${directory} holds no manifest`, { directory });
  }
}
