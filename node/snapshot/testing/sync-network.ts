import { present } from "../../../primitives/assert.ts";
import type { MessageKind } from "../../net/frame.ts";
import type { StateEntry } from "../../storage/committed-block.ts";
import { diskFiles } from "../snapshot-files.ts";
import { SnapshotServer } from "../snapshot-server.ts";
import { SnapshotStore } from "../snapshot-store.ts";
import { StateSync, type SyncOptions } from "../state-sync.ts";
import { certified, headerOf, ROOT } from "./certified-chain.ts";

/** What one peer of the joiner does with a request: answer it, through `reply`, or not. */
export type PeerBehaviour = (
  kind: MessageKind,
  payload: Uint8Array,
  reply: (kind: MessageKind, payload: Uint8Array) => void,
) => void | Promise<void>;

/** A peer that keeps snapshots as a node does. */
export async function servingPeer(
  directory: string,
  snapshots: readonly (readonly [height: number, entries: readonly StateEntry[]])[],
): Promise<{ readonly behaviour: PeerBehaviour; readonly store: SnapshotStore }> {
  const store = await SnapshotStore.open({
    files: diskFiles,
    directory,
    root: ROOT,
    now: () => 0,
    damaged: () => undefined,
  });
  for (const [height, entries] of snapshots) {
    await store.create({ block: certified(headerOf(height, entries)), entries });
  }
  const clock = { nowMs: 0 };
  const behaviour: PeerBehaviour = (kind, payload, reply) => {
    // Time runs fast enough that quotas never bind here.
    clock.nowMs += 1_000;
    const server = new SnapshotServer({
      send: (_, answerKind, answer) => reply(answerKind, answer),
      penalise: () => undefined,
      readFailed: () => undefined,
      now: () => clock.nowMs,
    });
    server.store = store;
    return server.onFrame(0, kind, payload);
  };
  return { behaviour, store };
}

/** A joiner among peers of any behaviour; messages take a turn of the event loop each. */
export function joiner(
  directory: string,
  peers: readonly PeerBehaviour[],
  changes: Partial<SyncOptions> = {},
) {
  const penalties: string[] = [];
  const log: string[] = [];
  const requests: number[] = peers.map(() => 0);
  let inFlight = 0;
  let mostInFlight = 0;
  const sync = new StateSync({
    files: diskFiles,
    directory,
    root: ROOT,
    atLeastHeight: 1,
    hasHonest: (answered) => answered.size >= 2,
    send: (peer, kind, payload) => {
      requests[peer] = (requests[peer] ?? 0) + 1;
      inFlight += 1;
      mostInFlight = Math.max(mostInFlight, inFlight);
      const reply = (answerKind: MessageKind, answer: Uint8Array): void => {
        inFlight -= 1;
        setImmediate(() => sync.onFrame(peer, answerKind, answer));
      };
      setImmediate(() => void present(peers[peer], "a peer")(kind, payload, reply));
      return true;
    },
    penalise: (peer, reason) => penalties.push(`${peer} ${reason}`),
    log: (event, data) => log.push(`${event} ${data["height"] ?? data["peer"] ?? ""}`),
    now: () => performance.now(),
    offerWaitMs: 30_000,
    offerSettleMs: 30,
    requestTimeoutMs: 30_000,
    ...changes,
  });
  for (const peer of peers.keys()) sync.peerConnected(peer);
  return { sync, penalties, log, requests, mostInFlight: () => mostInFlight };
}
