import { join } from "node:path";
import { currentEpochOf } from "../../ledger/closing.ts";
import { InvariantError } from "../../primitives/assert.ts";
import { messageOf } from "../../primitives/errors.ts";
import { nativeSigner } from "../../primitives/native/sodium.ts";
import { type OpsServer, startOpsServer } from "../api/ops-server.ts";
import { FrameKind } from "../net/frame.ts";
import type { Mesh } from "../net/mesh.ts";
import { installSnapshot } from "../snapshot/install.ts";
import { trustRootOf } from "../snapshot/manifest-check.ts";
import { diskFiles } from "../snapshot/snapshot-files.ts";
import { SnapshotServer } from "../snapshot/snapshot-server.ts";
import { readerOf } from "../snapshot/state-entries.ts";
import { StateSync, type SyncedState } from "../snapshot/state-sync.ts";
import { type BootedStorage, installPlace, openStorage } from "./boot.ts";
import { dataPaths } from "./data-paths.ts";
import type { NodeOptions } from "./node-options.ts";
import { type Roster, rosterOf } from "./roster.ts";

/** The mesh of a sync closes before the node opens its own on the same address. */
const MESH_STOP_MS = 1_500;

type MakeMesh = (
  options: NodeOptions,
  roster: Roster,
  onFatal: (error: unknown) => void,
) => Promise<Mesh>;

/**
 * Before a node with an empty database takes part, or one that has found itself far behind: where
 * the peers offer a state that is ahead enough, it takes the place of the data. Otherwise, and where
 * nobody answers, the storage comes back as it was. Takes over `storage`: when this throws, it is
 * closed.
 */
export async function startFromSnapshot(
  storage: BootedStorage,
  options: NodeOptions,
  makeMesh: MakeMesh,
): Promise<BootedStorage> {
  const { height } = storage.committed.head;
  const { syncBehindBlocks } = options.snapshot;
  const isWanted = height === 0 || options.resync === true;
  if (syncBehindBlocks === 0 || !isWanted) return storage;
  const ownEpoch = currentEpochOf(storage.committed).epoch;
  const atLeastHeight = height + 1;
  let synced: SyncedState | undefined;
  try {
    synced = await syncFromPeers(storage, options, atLeastHeight, makeMesh);
    if (synced === undefined) return storage;
  } catch (error) {
    await closeStorage(storage);
    throw error;
  }
  await closeStorage(storage);
  const { proven, entries } = synced;
  const { header } = proven;
  const { epoch } = currentEpochOf(readerOf(entries));
  options.logger.info("snapshot.installing", { height: header.height, epoch });
  await installSnapshot(installPlace(options.dataDir, options.genesis), {
    proven,
    entries,
    epoch,
    createsJournal: epoch > ownEpoch,
  });
  const opened = await openStorage(options.dataDir, options.genesis);
  // Only now: a crash before would have fetched all of it again.
  await diskFiles.remove(incomingDirectory(options.dataDir));
  options.logger.info("snapshot.installed", { height: header.height, epoch });
  return opened;
}

async function closeStorage(storage: BootedStorage): Promise<void> {
  await storage.journal.close();
  await storage.database.close();
}

function incomingDirectory(dataDir: string): string {
  return join(dataPaths(dataDir).snapshots, "incoming");
}

async function syncFromPeers(
  storage: BootedStorage,
  options: NodeOptions,
  atLeastHeight: number,
  makeMesh: MakeMesh,
): Promise<SyncedState | undefined> {
  const { logger, genesis, dataDir } = options;
  const networkKey = nativeSigner(options.networkSeed).publicKey;
  const own = { consensusKey: options.signer.publicKey, networkKey };
  const roster = rosterOf(storage.committed, own);
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined);
  const mesh = await makeMesh(options, roster, failed.reject);
  const weightOf = (peers: ReadonlySet<number>): number =>
    [...peers].reduce((sum, peer) => sum + (roster.weights.get(peer) ?? 0), 0);
  const sync = new StateSync({
    files: diskFiles,
    directory: incomingDirectory(dataDir),
    root: trustRootOf(genesis),
    atLeastHeight,
    hasHonest: (peers) => weightOf(peers) >= roster.set.oneHonest,
    send: (peer, kind, payload) => mesh.send(peer, kind, payload).status === "queued",
    penalise: (peer, reason) => mesh.penalise(peer, reason),
    log: (event, data) => logger.info(event, data),
    now: () => performance.now(),
  });
  serveNothing(mesh, sync);
  let ops: OpsServer | undefined;
  try {
    ops = await startOpsServer({
      ...options.ops,
      metrics: options.metrics,
      log: logger.module("ops"),
      readiness: () => [{ name: "chain", ok: false, reason: "SYNCING" }],
    });
    await mesh.start();
    logger.info("snapshot.looking", { atLeastHeight, peers: roster.peers.length });
    return await Promise.race([sync.run(), failed.promise]);
  } catch (error) {
    if (!(error instanceof InvariantError)) {
      logger.error("snapshot.sync-failed", { message: messageOf(error) });
    }
    throw error;
  } finally {
    sync.stop();
    await mesh.stop(MESH_STOP_MS);
    await ops?.close();
  }
}

/** Peers get an answer to what they ask about snapshots; all else waits for the node itself. */
function serveNothing(mesh: Mesh, sync: StateSync): void {
  const server = new SnapshotServer({
    send: (peer, kind, payload) => void mesh.send(peer, kind, payload),
    penalise: (peer, reason) => mesh.penalise(peer, reason),
    readFailed: () => undefined,
    now: () => performance.now(),
  });
  mesh.onFrame(async (from, kind, payload) => {
    if (kind === FrameKind.snapshotManifest || kind === FrameKind.snapshotChunk) {
      sync.onFrame(from, kind, payload);
    } else if (kind === FrameKind.getSnapshotManifest || kind === FrameKind.getSnapshotChunk) {
      await server.onFrame(from, kind, payload);
    }
  });
  mesh.onPeer((peer, event) => {
    if (event === "connected") sync.peerConnected(peer);
    else sync.peerDisconnected(peer);
  });
}
