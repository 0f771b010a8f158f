import { isIPv4, isIPv6 } from "node:net";
import { type Multiaddr, multiaddr } from "@multiformats/multiaddr";
import { messageOf } from "../../primitives/errors.ts";
import { NetError } from "./net-error.ts";

/** 253 characters of a host name, a port and brackets; multiaddrs with a peer id are shorter. */
const MAX_ADDRESS_LENGTH = 320;

/**
 * A TCP address as operators write it: a multiaddr (`/ip4/10.0.0.7/tcp/7001`, with or without the
 * peer id) or `host:port`, with brackets around an IPv6 host. Throws NetError BAD_ADDRESS.
 */
export function parseAddress(address: string): Multiaddr {
  if (address.length > MAX_ADDRESS_LENGTH) throw bad(address.slice(0, 64), "too long");
  if (address.startsWith("/")) return parseMultiaddr(address);
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+)):([0-9]{1,5})$/.exec(address);
  if (match === null) throw bad(address, "neither a multiaddr nor host:port");
  const [, bracketed, plain, port] = match;
  if (Number(port) > 0xffff) throw bad(address, "port above 65535");
  const host = bracketed ?? plain ?? "";
  if (bracketed !== undefined && !isIPv6(bracketed)) throw bad(address, "not an IPv6 address");
  const family = isIPv4(host) ? "ip4" : isIPv6(host) ? "ip6" : "dns";
  return parseMultiaddr(`/${family}/${host}/tcp/${Number(port)}`);
}

function parseMultiaddr(text: string): Multiaddr {
  let parsed: Multiaddr;
  let names: readonly string[];
  try {
    parsed = multiaddr(text);
    names = parsed.getComponents().map((component) => component.name);
  } catch (cause) {
    throw bad(text, messageOf(cause));
  }
  const [host = "", transport, identity, ...rest] = names;
  const isHost = ["ip4", "ip6", "dns", "dns4", "dns6"].includes(host);
  const isIdentity = identity === undefined || identity === "p2p";
  if (!isHost || transport !== "tcp" || !isIdentity || rest.length > 0) {
    throw bad(text, "only TCP over IP or DNS is spoken");
  }
  return parsed;
}

/** The IP address that a multiaddr starts with, if it starts with one. */
export function ipOf(address: Multiaddr): string | undefined {
  const [first] = address.getComponents();
  if (first === undefined || (first.name !== "ip4" && first.name !== "ip6")) return undefined;
  return first.value;
}

/** Appends the peer id, or checks it where the address has one. Throws NetError BAD_ADDRESS. */
export function withPeerId(address: Multiaddr, peerId: string): Multiaddr {
  const named = address.getComponents().find((component) => component.name === "p2p")?.value;
  if (named === undefined) return address.encapsulate(`/p2p/${peerId}`);
  if (named !== peerId) throw bad(address.toString(), `names another peer than ${peerId}`);
  return address;
}

function bad(address: string, why: string): NetError {
  return new NetError("BAD_ADDRESS", `address ${JSON.stringify(address)}: ${why}`, { address });
}
