import { createServer, type Server } from "node:http";
import { afterEach, expect, test } from "vitest";
import type { ResultOf } from "../../client/rpc/methods.ts";
import { ChainWatch, type WatchedNetwork } from "./chain-watch.ts";

/** A node that answers with one head, or not at all. */
let server: Server | undefined;
let watch: ChainWatch | undefined;
let height: number | undefined;

afterEach(async () => {
  await watch?.close();
  server?.close();
});

const HASH = "ab".repeat(32);

function infoAt(at: number): ResultOf<"chain.info"> {
  return {
    chainId: HASH,
    genesisHash: HASH,
    protocol: 1,
    software: "test/1",
    height: String(at),
    blockHash: HASH,
    stateRoot: HASH,
    blockTime: "0",
    epoch: "0",
    syncing: false,
    earliestHeight: "1",
    limits: { maxBody: 1, maxBatch: 1, maxPage: 1, maxTxBytes: 1, maxExpiryBlocks: 1 },
  };
}

async function start(): Promise<ChainWatch> {
  const listening = createServer((request, response) => {
    if (height === undefined) {
      request.socket.destroy();
      return;
    }
    const result = infoAt(height);
    response.setHeader("content-type", "application/json");
    let body = "";
    request.on("data", (piece) => (body += String(piece)));
    request.on("end", () => {
      const { id } = JSON.parse(body) as { id: unknown };
      response.end(JSON.stringify({ jsonrpc: "2.0", id, result }));
    });
  });
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  const address = listening.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const folder = "/nowhere";
  const network: WatchedNetwork = {
    indices: () => [0],
    name: () => "node",
    validator: () => ({
      name: "node",
      member: "SBP",
      directory: folder,
      configFile: folder,
      peerPort: 0,
      rpcUrl: `http://127.0.0.1:${port}`,
      opsUrl: "",
    }),
  };
  watch = new ChainWatch(network);
  return watch;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

test("what a process said does not count for the one that comes after it", async () => {
  height = 7;
  const watching = await start();
  await until(() => watching.isAtTip(0));
  height = undefined;
  watching.forget(0);
  expect(watching.isAtTip(0)).toBe(false);
  expect(watching.tip).toBe(7);
  await until(() => watching.head(0) === undefined);
  height = 3;
  await until(() => watching.head(0) !== undefined);
  expect(watching.isAtTip(0)).toBe(false);
  height = 8;
  await until(() => watching.isAtTip(0));
  expect(watching.tip).toBe(8);
});
