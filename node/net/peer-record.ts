import type { PeerId } from "@libp2p/interface";
import type { Multiaddr } from "@multiformats/multiaddr";
import { compareBytes } from "../../primitives/bytes.ts";
import { parseAddress, withPeerId } from "./address.ts";
import type { Dialer } from "./dialer.ts";
import type { FrameClass } from "./frame.ts";
import type { Hello } from "./hello.ts";
import { peerIdOfKey } from "./host.ts";
import { HOST_LIMITS } from "./limits.ts";
import type { ClassStatus, MeshPeer, PeerStatus } from "./mesh-api.ts";
import { type NetCode, NetError } from "./net-error.ts";
import type { PeerLink } from "./peer-link.ts";
import { type PenaltyReason, PenaltyRecord } from "./penalty.ts";
import { PeerTraffic, Tally } from "./traffic.ts";

/** What decides who of two dials: see MeshOptions.founders. */
export interface OwnPlace {
  readonly number: number;
  readonly founders: number;
  readonly networkKey: Uint8Array;
}

/** Everything the mesh knows of one other validator, over all of its links. */
export class PeerRecord {
  readonly index: number;
  readonly name: string;
  readonly networkKey: Uint8Array;
  readonly peerId: PeerId;
  readonly weDial: boolean;
  readonly traffic = new PeerTraffic();
  readonly penalty = new PenaltyRecord();
  readonly ends = new Tally<NetCode>();
  addresses: readonly Multiaddr[] = [];
  link: PeerLink | undefined;
  dialer: Dialer | undefined;
  hello: Hello | undefined;
  sinceMs: number | undefined;
  dials = 0;
  links = 0;
  lastError: PeerStatus["lastError"];

  /** Throws NetError BAD_ADDRESS or BAD_OPTIONS. */
  constructor(peer: MeshPeer, own: OwnPlace) {
    this.index = peer.index;
    this.name = peer.name;
    this.networkKey = peer.networkKey;
    this.peerId = peerIdOfKey(peer.networkKey);
    // Of two Ed25519 peer ids the lower is the one with the lower key.
    const isAmongFounders = Math.max(own.number, peer.index) < own.founders;
    this.weDial = isAmongFounders
      ? compareBytes(own.networkKey, peer.networkKey) < 0
      : own.number > peer.index;
    this.setAddresses(peer.addresses);
  }

  /** Throws NetError BAD_ADDRESS and changes nothing when one of them is no address. */
  setAddresses(addresses: readonly string[]): void {
    if (addresses.length > HOST_LIMITS.maxAddressesPerPeer) {
      throw new NetError("BAD_ADDRESS", `${this.name}: ${addresses.length} addresses`);
    }
    const peerId = this.peerId.toString();
    this.addresses = addresses.map((address) => withPeerId(parseAddress(address), peerId));
  }

  /** Keeps the end of a link or the failure of a dial; true when it is news. */
  note(error: NetError): boolean {
    const isNews = this.lastError?.code !== error.code || this.lastError.message !== error.message;
    this.ends.add(error.code);
    this.lastError = { code: error.code, message: error.message, atMs: Date.now() };
    return isNews;
  }

  status(nowMs: number): PeerStatus {
    const penalties: Partial<Record<PenaltyReason, number>> = {};
    for (const [reason, count] of this.penalty.counts()) penalties[reason] = count;
    return {
      index: this.index,
      name: this.name,
      peerId: this.peerId.toString(),
      connected: this.link !== undefined,
      sinceMs: this.sinceMs,
      dialer: this.weDial ? "self" : "peer",
      rttMs: this.link?.rttMs,
      software: this.hello?.software,
      protocolVersion: this.hello?.protocolVersion,
      remoteAddress: this.link?.remoteAddress,
      traffic: { priority: this.#classStatus("priority"), bulk: this.#classStatus("bulk") },
      drops: this.traffic.drops.toRecord(),
      ends: this.ends.toRecord(),
      penalties,
      penaltyPoints: this.penalty.points(nowMs),
      banLeftMs: this.penalty.banLeftMs(nowMs),
      dials: this.dials,
      links: this.links,
      lastError: this.lastError,
    };
  }

  #classStatus(frameClass: FrameClass): ClassStatus {
    const queued = this.link?.queued(frameClass);
    return {
      ...this.traffic.classes[frameClass],
      queuedFrames: queued?.frames ?? 0,
      queuedBytes: queued?.bytes ?? 0,
      inFlightBytes: queued?.inFlightBytes ?? 0,
    };
  }
}
