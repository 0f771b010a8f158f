import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Libp2p, Stream } from "@libp2p/interface";
import { multiaddr } from "@multiformats/multiaddr";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { present } from "../../primitives/assert.ts";
import { compareBytes } from "../../primitives/bytes.ts";
import { readPassphrase, unlockKeyFile } from "../../primitives/keystore.ts";
import { encodeFrame, type FrameClass, FrameKind } from "../net/frame.ts";
import { encodeHello, encodeVerdict } from "../net/hello.ts";
import { createHost, networkIdentity, STREAM_PROTOCOLS } from "../net/host.ts";
import { PROTOCOL_VERSION } from "../runtime/chain-queries.ts";
import { mint, openCashAccounts, outcomeOf } from "./testing/test-market.ts";
import { TestNetwork, until } from "./testing/test-network.ts";

/** A validator process that meets a stranger, and a registered peer that breaks the rules. */
let running: TestNetwork | undefined;
let host: Libp2p | undefined;

beforeAll(async () => {
  running = await TestNetwork.create("hostile-peers");
  await running.start();
  await openCashAccounts(await running.participants());
}, 180_000);

afterEach(async () => {
  for (const connection of host?.getConnections() ?? []) connection.abort(new Error("test ends"));
  await host?.stop();
  host = undefined;
});

afterAll(async () => {
  await running?.close();
}, 60_000);

function network(): TestNetwork {
  return present(running, "the network");
}

/** A libp2p host of this process that admits everybody. */
async function hostWith(seed: Uint8Array): Promise<Libp2p> {
  host = await createHost({
    identity: await networkIdentity(seed),
    listen: [],
    gater: { denyDialMultiaddr: () => false },
    now: () => performance.now(),
  });
  await host.start();
  return host;
}

function addressOf(index: number) {
  return multiaddr(`/ip4/127.0.0.1/tcp/${network().validator(index).peerPort}`);
}

interface NetworkKey {
  readonly index: number;
  readonly seed: Uint8Array;
  readonly publicKey: Uint8Array;
}

async function networkKeys(): Promise<readonly NetworkKey[]> {
  const passphrase = await readPassphrase({ file: network().network.passphraseFile });
  return Promise.all(
    network().validators.map(async ({ directory }, index) => {
      const file = join(directory, "network.key.json");
      const { seed, publicKey } = await unlockKeyFile(file, passphrase, "network");
      return { index, seed, publicKey };
    }),
  );
}

/** Opens a stream and says hello as the validator would. */
function greet(stream: Stream, validator: number, frameClass: FrameClass): void {
  const hello = {
    protocolVersion: PROTOCOL_VERSION,
    chainId: network().network.chainId,
    validator,
    stream: frameClass,
    software: "impostor/1",
    clockMs: 0,
  };
  stream.send(encodeFrame(FrameKind.hello, encodeHello(hello)));
  stream.send(encodeFrame(FrameKind.helloAck, encodeVerdict("ACCEPTED")));
}

async function stillSettles(reserveRef: string, index: number): Promise<void> {
  const parties = await network().participants(index);
  const receipt = await outcomeOf(parties, ["SBP"], "mint-cbdc", mint(1n, reserveRef));
  expect(receipt.outcome.code).toBe("APPLIED");
}

describe("a stranger", () => {
  test("is refused as UNKNOWN_PEER before it has a stream, and counted", async () => {
    const series = 'mizan_connections_refused_total{reason="UNKNOWN_PEER"}';
    const before = await network().metric(0, series);
    const stranger = await hostWith(new Uint8Array(randomBytes(32)));
    // Either the dial fails, or the connection it made carries no stream.
    const attempt = stranger
      .dial(addressOf(0))
      .then((connection) => connection.newStream(STREAM_PROTOCOLS.priority));
    await expect(attempt).rejects.toThrow();
    await until("it is counted", async () => (await network().metric(0, series)) > before);
    const refused = (await network().log(0)).filter(({ code }) => code === "UNKNOWN_PEER");
    expect(refused.at(-1)).toMatchObject({
      event: "net.link",
      level: "warn",
      direction: "inbound",
      peerId: stranger.peerId.toString(),
    });
    await stillSettles("AFTER-STRANGER", 0);
  });
});

describe("a registered validator", () => {
  test("that sends an oversize frame is reset with FRAME_TOO_LARGE; the node goes on", async () => {
    // The lower key dials. The lowest of all is the peer that everybody awaits.
    const keys = (await networkKeys()).toSorted((a, b) => compareBytes(a.publicKey, b.publicKey));
    const impostor = present(keys[0], "lowest key");
    const target = present(keys[1], "another key").index;
    await network().terminate(impostor.index);
    const dialer = await hostWith(impostor.seed);
    const connection = await dialer.dial(addressOf(target), { force: true });
    const priority = await connection.newStream(STREAM_PROTOCOLS.priority);
    greet(priority, impostor.index, "priority");
    const bulk = await connection.newStream(STREAM_PROTOCOLS.bulk);
    greet(bulk, impostor.index, "bulk");
    await until("the link is up", async () =>
      (await network().log(target)).some(
        (line) => line["msg"] === "peer connected" && line["software"] === "impostor/1",
      ),
    );
    // 2^31 bytes announced, none of them sent.
    priority.send(new Uint8Array([0x80, 0, 0, 0, FrameKind.vote]));
    await until("the stream is reset", async () => priority.status !== "open");
    await until("the reason is logged", async () =>
      (await network().log(target)).some((line) => line["code"] === "FRAME_TOO_LARGE"),
    );
    const line = (await network().log(target)).find(({ code }) => code === "FRAME_TOO_LARGE");
    expect(line).toMatchObject({ event: "net.link", level: "warn", validator: impostor.index });
    const ended = 'mizan_links_ended_total{reason="FRAME_TOO_LARGE"}';
    expect(await network().metric(target, ended)).toBe(1);
    await stillSettles("AFTER-OVERSIZE", target);
    await network().start(impostor.index);
    const heads = await network().equalHeads();
    expect(new Set(heads.map(({ stateRoot }) => stateRoot)).size).toBe(1);
  });
});
