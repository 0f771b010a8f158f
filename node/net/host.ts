import { noise } from "@chainsafe/libp2p-noise";
import { generateKeyPairFromSeed, publicKeyFromRaw } from "@libp2p/crypto/keys";
import type { ConnectionGater, Ed25519PrivateKey, Libp2p, PeerId } from "@libp2p/interface";
import { peerIdFromPrivateKey, peerIdFromPublicKey } from "@libp2p/peer-id";
import { tcp } from "@libp2p/tcp";
import type { Multiaddr } from "@multiformats/multiaddr";
import { createLibp2p } from "libp2p";
import { messageOf } from "../../primitives/errors.ts";
import { withinMs } from "./deadline.ts";
import type { FrameClass } from "./frame.ts";
import { HOST_LIMITS } from "./limits.ts";
import { guardedYamux } from "./muxer-guard.ts";
import { NetError } from "./net-error.ts";

/**
 * Protocol names of the two streams. The number changes only with the layout of the hello; versions
 * of the messages are settled inside it, so that a mismatch gets a code and not a missing protocol.
 */
export const STREAM_PROTOCOLS: Readonly<Record<FrameClass, string>> = {
  priority: "/mizan/priority/1",
  bulk: "/mizan/bulk/1",
};

export interface NetworkIdentity {
  readonly privateKey: Ed25519PrivateKey;
  readonly peerId: PeerId;
}

/** The libp2p identity of a 32-byte seed. Throws NetError BAD_OPTIONS. */
export async function networkIdentity(seed: Uint8Array): Promise<NetworkIdentity> {
  if (seed.length !== 32) {
    throw new NetError("BAD_OPTIONS", `network seed: got ${seed.length} bytes, expected 32`);
  }
  const privateKey = await generateKeyPairFromSeed("Ed25519", seed);
  return { privateKey, peerId: peerIdFromPrivateKey(privateKey) };
}

/** The peer id of a registered Ed25519 network key. Throws NetError BAD_OPTIONS. */
export function peerIdOfKey(networkKey: Uint8Array): PeerId {
  if (networkKey.length !== 32) {
    throw new NetError("BAD_OPTIONS", `network key: got ${networkKey.length} bytes, expected 32`);
  }
  try {
    return peerIdFromPublicKey(publicKeyFromRaw(networkKey));
  } catch (cause) {
    throw new NetError("BAD_OPTIONS", `network key: ${messageOf(cause)}`, {}, { cause });
  }
}

export interface HostOptions {
  readonly identity: NetworkIdentity;
  readonly listen: readonly Multiaddr[];
  readonly gater: ConnectionGater;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/**
 * A libp2p host that speaks TCP, Noise and yamux and nothing more: no identify, no ping, no
 * discovery, no relay. It is not started. libp2p's connection monitor is off, because it cuts a
 * healthy link for one late ping; so are its reconnects, which give up after five tries.
 */
export function createHost(options: HostOptions): Promise<Libp2p> {
  const muxer = guardedYamux(
    {
      enableKeepAlive: true,
      keepAliveInterval: HOST_LIMITS.keepAliveMs,
      maxInboundStreams: HOST_LIMITS.maxStreamsPerConnection,
      maxOutboundStreams: HOST_LIMITS.maxStreamsPerConnection,
      streamOptions: {
        maxStreamWindowSize: HOST_LIMITS.maxStreamWindowBytes,
        maxReadBufferLength: HOST_LIMITS.maxReadBufferBytes,
        maxWriteBufferLength: HOST_LIMITS.maxWriteBufferBytes,
      },
    },
    options.now,
  );
  return createLibp2p({
    start: false,
    privateKey: options.identity.privateKey,
    addresses: { listen: options.listen.map((address) => address.toString()) },
    transports: [
      tcp({
        inboundSocketInactivityTimeout: HOST_LIMITS.socketInactivityMs,
        outboundSocketInactivityTimeout: HOST_LIMITS.socketInactivityMs,
        maxConnections: HOST_LIMITS.maxConnections + HOST_LIMITS.maxPendingInbound,
      }),
    ],
    connectionEncrypters: [noise()],
    streamMuxers: [muxer],
    connectionGater: options.gater,
    connectionMonitor: { enabled: false },
    connectionManager: {
      maxConnections: HOST_LIMITS.maxConnections,
      maxIncomingPendingConnections: HOST_LIMITS.maxPendingInbound,
      inboundConnectionThreshold: HOST_LIMITS.inboundPerSecondPerAddress,
      inboundUpgradeTimeout: HOST_LIMITS.inboundUpgradeTimeoutMs,
      inboundStreamProtocolNegotiationTimeout: HOST_LIMITS.negotiationTimeoutMs,
      outboundStreamProtocolNegotiationTimeout: HOST_LIMITS.negotiationTimeoutMs,
      maxPeerAddrsToDial: HOST_LIMITS.maxAddressesPerPeer,
      reconnectRetries: 0,
    },
  });
}

/**
 * Stops the host, or gives up after `deadlineMs`: libp2p waits for sockets that may never say that
 * they are closed. True when it stopped in time.
 */
export async function stopHost(host: Libp2p, deadlineMs: number): Promise<boolean> {
  return (await withinMs(Promise.resolve(host.stop()), deadlineMs)) !== "late";
}
