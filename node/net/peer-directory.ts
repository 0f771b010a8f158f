import type { PeerId } from "@libp2p/interface";
import { present } from "../../primitives/assert.ts";
import { equalBytes } from "../../primitives/bytes.ts";
import type { AdmittedPeer } from "./gater.ts";
import { MAX_PEERS, UNKNOWN_NUMBER } from "./limits.ts";
import type { MeshOptions, MeshPeer } from "./mesh-api.ts";
import { NetError } from "./net-error.ts";
import { type OwnPlace, PeerRecord } from "./peer-record.ts";

/** The peers, by number and by peer id. They come and go with the validator set. */
export class PeerDirectory {
  readonly #byIndex = new Map<number, PeerRecord>();
  readonly #byPeerId = new Map<string, PeerRecord>();
  readonly #own: OwnPlace;
  readonly #now: () => number;

  /** Throws NetError BAD_OPTIONS or BAD_ADDRESS. `ownKey` is the public key of the seed. */
  constructor(options: MeshOptions, ownKey: Uint8Array, now: () => number) {
    this.#now = now;
    const { self, founders } = options;
    this.#own = {
      number: self,
      founders: founders ?? UNKNOWN_NUMBER + 1,
      networkKey: ownKey,
    };
    checkOptions(options, ownKey);
    for (const peer of options.peers) if (peer.index !== options.self) this.add(peer);
  }

  /** Throws NetError BAD_OPTIONS or BAD_ADDRESS and changes nothing then. */
  add(peer: MeshPeer): PeerRecord {
    checkIndex(peer);
    if (this.#byIndex.size >= MAX_PEERS) {
      throw new NetError("BAD_OPTIONS", `peers: at most ${MAX_PEERS}`);
    }
    const record = new PeerRecord(peer, this.#own);
    const peerId = record.peerId.toString();
    const isOwn = equalBytes(peer.networkKey, this.#own.networkKey);
    if (isOwn || this.#byIndex.has(peer.index) || this.#byPeerId.has(peerId)) {
      throw new NetError("BAD_OPTIONS", `validator ${peer.index} is registered twice`);
    }
    this.#byIndex.set(peer.index, record);
    this.#byPeerId.set(peerId, record);
    return record;
  }

  remove(record: PeerRecord): void {
    this.#byIndex.delete(record.index);
    this.#byPeerId.delete(record.peerId.toString());
  }

  /** The record of a peer that must exist: asking for another is our own mistake. */
  at(index: number): PeerRecord {
    return present(this.#byIndex.get(index), `peer ${index} of the mesh`);
  }

  /** Undefined for one that has gone. */
  find(index: number): PeerRecord | undefined {
    return this.#byIndex.get(index);
  }

  of(peerId: PeerId): PeerRecord | undefined {
    return this.#byPeerId.get(peerId.toString());
  }

  all(): IterableIterator<PeerRecord> {
    return this.#byIndex.values();
  }

  /** How the gater sees a peer id. */
  admitted(peerId: PeerId): AdmittedPeer | undefined {
    const record = this.of(peerId);
    if (record === undefined) return undefined;
    const banned = record.penalty.banLeftMs(this.#now()) > 0;
    // Who doesn't know its own number may be wrong about whose part it is.
    const weDial = record.weDial && this.#own.number !== UNKNOWN_NUMBER;
    return { index: record.index, weDial, banned };
  }
}

function checkOptions(options: MeshOptions, ownKey: Uint8Array): void {
  const bad = (message: string) => new NetError("BAD_OPTIONS", message);
  const { chainId, software, protocolVersion, peers, self } = options;
  if (!/^[0-9a-f]{64}$/.test(chainId)) throw bad("chainId: expected 64 hex digits");
  if (!/^[\x20-\x7e]{1,64}$/.test(software)) throw bad("software: 1..64 printable ASCII");
  if (!isBelow(protocolVersion, 0x1_0000)) throw bad("protocolVersion: expected 0..65535");
  if (!isBelow(self, UNKNOWN_NUMBER + 1)) throw bad(`self: expected 0..${UNKNOWN_NUMBER}`);
  if (peers.length > MAX_PEERS) throw bad(`peers: at most ${MAX_PEERS}`);
  for (const peer of peers) checkIndex(peer);
  const own = peers.find((peer) => peer.index === self);
  if (own !== undefined && !equalBytes(own.networkKey, ownKey)) {
    throw bad("the network seed is not the one of our registered network key");
  }
}

function checkIndex({ index, name }: MeshPeer): void {
  if (isBelow(index, UNKNOWN_NUMBER)) return;
  throw new NetError("BAD_OPTIONS", `${name}: index 0..${UNKNOWN_NUMBER - 1}`);
}

function isBelow(value: number, end: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < end;
}
