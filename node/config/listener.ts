import { BlockList, isIPv4, isIPv6 } from "node:net";
import type { Listener } from "./options.ts";

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/**
 * `host:port`, with brackets around an IPv6 host. The host is an IP address or `localhost`, which
 * means 127.0.0.1 whatever the system's host table says. Undefined for anything else.
 */
export function parseListener(text: string): Listener | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+)):([0-9]{1,5})$/.exec(text);
  if (match === null) return undefined;
  const [, bracketed, plain, digits] = match;
  const port = Number(digits);
  if (port > 0xffff) return undefined;
  if (bracketed !== undefined) return isIPv6(bracketed) ? { host: bracketed, port } : undefined;
  if (plain === "localhost") return { host: "127.0.0.1", port };
  return plain !== undefined && isIPv4(plain) ? { host: plain, port } : undefined;
}

export function isLoopback(host: string): boolean {
  return loopback.check(host, isIPv6(host) ? "ipv6" : "ipv4");
}
