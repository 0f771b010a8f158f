import { describe, expect, it } from "vitest";
import { ipOf, parseAddress, withPeerId } from "./address.ts";
import { networkIdentity, peerIdOfKey } from "./host.ts";
import { NetError } from "./net-error.ts";
import { networkKeyOf, seedOf } from "./testing/cluster.ts";

describe("parseAddress", () => {
  it.each([
    ["127.0.0.1:7001", "/ip4/127.0.0.1/tcp/7001"],
    ["[::1]:7001", "/ip6/::1/tcp/7001"],
    ["validator-3.mizan.test:0", "/dns/validator-3.mizan.test/tcp/0"],
    ["/ip4/10.0.0.7/tcp/65535", "/ip4/10.0.0.7/tcp/65535"],
    ["/dns4/a.example/tcp/1", "/dns4/a.example/tcp/1"],
  ])("reads %s", (text, expected) => {
    expect(parseAddress(text).toString()).toBe(expected);
  });

  it.each([
    "",
    "host",
    "host:",
    "host:70000",
    "::1:7001",
    "[10.0.0.1]:1",
    "/ip4/10.0.0.7",
    "/ip4/10.0.0.7/udp/1",
    "/ip4/10.0.0.7/tcp/1/ws",
    "/ip4/999.0.0.7/tcp/1",
    "/unix/tmp%2fsocket",
    `${"a".repeat(400)}:1`,
  ])("refuses %j", (text) => {
    expect(() => parseAddress(text)).toThrow(NetError);
    expect(() => parseAddress(text)).toThrow(/^address /);
  });
});

describe("identity", () => {
  it("is the same from the seed and from the registered key", async () => {
    const { peerId } = await networkIdentity(seedOf(0));
    expect(peerIdOfKey(await networkKeyOf(0)).toString()).toBe(peerId.toString());
    expect(peerId.toString()).toMatch(/^12D3KooW/);
  });

  it("is added to an address once, and must not be another's", () => {
    const [zero, one] = [
      "12D3KooWAwbZ33Fyfx5RsebtHTdTRT8veYzVvbNPkwoi6xZEUjr2",
      "12D3KooWHkPySdGySfiQ4kghB5FYcB7iQN35DMEqPKKFapTf7qeB",
    ] as const;
    const named = withPeerId(parseAddress("10.0.0.1:1"), zero);
    expect(named.toString()).toBe(`/ip4/10.0.0.1/tcp/1/p2p/${zero}`);
    expect(withPeerId(parseAddress(named.toString()), zero).toString()).toBe(named.toString());
    expect(() => withPeerId(named, one)).toThrow(NetError);
  });

  it("knows the IP address of an address that has one", () => {
    expect(ipOf(parseAddress("10.0.0.1:1"))).toBe("10.0.0.1");
    expect(ipOf(parseAddress("[::1]:1"))).toBe("::1");
    expect(ipOf(parseAddress("host:1"))).toBeUndefined();
  });
});
