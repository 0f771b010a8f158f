import { BlockList, isIPv4, isIPv6 } from "node:net";
import type { ConnectionGater, PeerId } from "@libp2p/interface";
import { ipOf } from "./address.ts";
import { HOST_LIMITS } from "./limits.ts";
import type { NetLogger } from "./mesh-api.ts";
import { NetError, type RefusalCode } from "./net-error.ts";
import type { Tally } from "./traffic.ts";

/** One log line per code in this time; the line says how many were left out. */
const LOG_EVERY_MS = 1_000;

export interface AdmissionView {
  /** The validator with this identity, or undefined for a stranger. */
  memberOf(peer: PeerId): AdmittedPeer | undefined;
  /** Open connections with this peer. */
  connectionsWith(peer: PeerId): number;
}

export interface AdmittedPeer {
  readonly index: number;
  /** The one with the lower peer id dials; a connection from the other side is refused. */
  readonly weDial: boolean;
  readonly banned: boolean;
}

export interface GaterOptions {
  readonly view: AdmissionView;
  readonly inboundAddresses: readonly string[] | undefined;
  readonly refusals: Tally<RefusalCode>;
  /** Told of a refusal of a registered validator, for its status. */
  readonly onRefused: (index: number, error: NetError<RefusalCode>) => void;
  readonly logger: NetLogger;
  readonly now: () => number;
}

/**
 * Who may connect. Strangers are turned away as soon as the Noise handshake has shown their
 * identity, before a muxer exists, so before any stream. Every refusal is counted by code and
 * logged at most once a second per code.
 */
export class Gater {
  readonly #options: GaterOptions;
  readonly #addresses: BlockList | undefined;
  readonly #logged = new Map<RefusalCode, { atMs: number; leftOut: number }>();

  /** Throws NetError BAD_ADDRESS on an entry that is neither an address nor a range. */
  constructor(options: GaterOptions) {
    this.#options = options;
    this.#addresses =
      options.inboundAddresses === undefined ? undefined : allowList(options.inboundAddresses);
  }

  /** The hooks for libp2p. */
  hooks(): ConnectionGater {
    return {
      denyDialPeer: (peer) => this.#denyStranger(peer),
      denyDialMultiaddr: () => false,
      denyInboundConnection: (connection) => this.#denyAddress(ipOf(connection.remoteAddr)),
      denyInboundEncryptedConnection: (peer, connection) =>
        this.#denyInbound(peer, ipOf(connection.remoteAddr)),
      denyOutboundEncryptedConnection: (peer) => this.#denyStranger(peer),
    };
  }

  #denyAddress(ip: string | undefined): boolean {
    if (this.#addresses === undefined) return false;
    const allowed = ip !== undefined && this.#addresses.check(ip, isIPv6(ip) ? "ipv6" : "ipv4");
    if (!allowed) this.#refuse("ADDRESS_NOT_ALLOWED", { ip: ip ?? "unknown" });
    return !allowed;
  }

  #denyStranger(peer: PeerId): boolean {
    const known = this.#options.view.memberOf(peer) !== undefined;
    if (!known) this.#refuse("UNKNOWN_PEER", { peerId: peer.toString(), direction: "outbound" });
    return !known;
  }

  #denyInbound(peer: PeerId, ip: string | undefined): boolean {
    const peerId = peer.toString();
    const data = { peerId, direction: "inbound", ip: ip ?? "unknown" };
    const member = this.#options.view.memberOf(peer);
    if (member === undefined) return this.#refuse("UNKNOWN_PEER", data);
    const code = this.#refusalOf(member, peer);
    if (code === undefined) return false;
    this.#options.onRefused(member.index, new NetError(code, "connection refused", data));
    return this.#refuse(code, { ...data, validator: member.index });
  }

  #refusalOf(member: AdmittedPeer, peer: PeerId): RefusalCode | undefined {
    if (member.banned) return "PEER_BANNED";
    if (member.weDial) return "WRONG_DIALER";
    const open = this.#options.view.connectionsWith(peer);
    return open >= HOST_LIMITS.maxConnectionsPerPeer ? "TOO_MANY_CONNECTIONS" : undefined;
  }

  #refuse(code: RefusalCode, data: Readonly<Record<string, string | number>>): true {
    const { refusals, logger, now } = this.#options;
    refusals.add(code);
    const nowMs = now();
    const last = this.#logged.get(code);
    if (last !== undefined && nowMs - last.atMs < LOG_EVERY_MS) {
      last.leftOut += 1;
      return true;
    }
    this.#logged.set(code, { atMs: nowMs, leftOut: 0 });
    logger.warn({ code, ...data, leftOut: last?.leftOut ?? 0 }, "connection refused");
    return true;
  }
}

function allowList(entries: readonly string[]): BlockList {
  const list = new BlockList();
  for (const entry of entries) {
    const [ip = "", prefix, ...rest] = entry.split("/");
    const family = isIPv4(ip) ? "ipv4" : isIPv6(ip) ? "ipv6" : undefined;
    const widest = family === "ipv4" ? 32 : 128;
    const bits = prefix === undefined ? widest : /^[0-9]{1,3}$/.test(prefix) ? Number(prefix) : -1;
    if (family === undefined || rest.length > 0 || bits < 0 || bits > widest) {
      throw new NetError("BAD_ADDRESS", `inbound address ${JSON.stringify(entry)}`, { entry });
    }
    list.addSubnet(ip, bits, family);
  }
  return list;
}
