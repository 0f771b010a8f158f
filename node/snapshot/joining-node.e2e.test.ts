import { appendFile, cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { chainIdOf, type Genesis } from "../../ledger/genesis.ts";
import { present } from "../../primitives/assert.ts";
import { runProgram } from "../cli/program.ts";
import { restoreSnapshot } from "../cli/snapshot.ts";
import {
  createLocalNetwork,
  type LocalNetwork,
  type LocalValidator,
  readGenesisFile,
} from "../local-network/network-files.ts";
import {
  killValidator,
  logFile,
  startValidator,
  stopValidator,
  waitUntilReady,
} from "../local-network/validator-process.ts";
import { openStorage } from "../runtime/boot.ts";
import { diskFiles } from "./snapshot-files.ts";
import { snapshotHeights } from "./snapshot-store.ts";

/** Four real processes make blocks and snapshots; a fifth one with an empty database joins them. */
let network: LocalNetwork;
let genesis: Genesis;
let directory: string;

interface ChainInfo {
  readonly height: string;
  readonly earliestHeight: string;
  readonly stateRoot: string;
}

async function rpc<T>(validator: LocalValidator, method: string, params: object): Promise<T> {
  const response = await fetch(`${validator.rpcUrl}/v1/rpc`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
  });
  const body = (await response.json()) as { result: T; error?: { data: T } };
  return body.error === undefined ? body.result : body.error.data;
}

function infoOf(validator: LocalValidator): Promise<ChainInfo> {
  return rpc(validator, "chain.info", {});
}

function snapshotsOf(validator: LocalValidator): Promise<readonly number[]> {
  return snapshotHeights(diskFiles, join(validator.directory, "data", "snapshots"));
}

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 120_000;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`did not happen: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function logOf(validator: LocalValidator): Promise<string> {
  return readFile(logFile(validator), "utf8");
}

const [one, two, joiner] = [0, 1, 4].map((place) => () => validatorAt(place)) as [
  () => LocalValidator,
  () => LocalValidator,
  () => LocalValidator,
];

function validatorAt(place: number): LocalValidator {
  return present(network.validators[place], "a validator");
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "mizan-joining-"));
  network = await createLocalNetwork({
    directory: join(directory, "net"),
    validators: 5,
    networkName: "joining",
    genesisTimeMs: Date.now(),
    clockOffsetMs: 0,
    consensus: { heartbeatMs: 300 },
    epochLengthBlocks: 16,
  });
  for (const validator of network.validators) {
    await appendFile(
      validator.configFile,
      "\n[snapshot]\neveryBlocks = 10\nsyncBehindBlocks = 25\n",
    );
  }
  genesis = (await readGenesisFile(network.genesisFile)).genesis;
  const founders = network.validators.slice(0, 4);
  await Promise.all(founders.map((validator) => startValidator(validator)));
  await Promise.all(founders.map((validator) => waitUntilReady(validator)));
  await until("snapshots of the third epoch on two nodes", async () => {
    const found = await Promise.all([snapshotsOf(one()), snapshotsOf(two())]);
    return found.every((heights) => (heights.at(-1) ?? 0) > 34);
  });
}, 240_000);

afterAll(async () => {
  await Promise.all(network.validators.map((validator) => killValidator(validator)));
  await rm(directory, { recursive: true });
}, 60_000);

/** Both nodes have the same block there, and so the same state. */
async function expectSameBlock(height: number): Promise<void> {
  const blocks = await Promise.all(
    [one(), joiner()].map((node) =>
      rpc<{ hash: string; stateRoot: string }>(node, "chain.block", { height: String(height) }),
    ),
  );
  expect(blocks[0]?.hash).toMatch(/^[0-9a-f]{64}$/);
  expect(blocks[1]?.hash).toBe(blocks[0]?.hash);
  expect(blocks[1]?.stateRoot).toBe(blocks[0]?.stateRoot);
}

test("an empty node takes a snapshot of a later epoch, follows to the same roots, and votes", async () => {
  await startValidator(joiner());
  await waitUntilReady(joiner());
  const { earliestHeight } = await infoOf(joiner());
  const earliest = Number(earliestHeight);
  expect(earliest).toBeGreaterThan(34);
  expect(await logOf(joiner())).toContain("snapshot.installed");
  await until("the joiner follows", async () => Number((await infoOf(joiner())).height) > earliest);
  await expectSameBlock(earliest);
  expect(await rpc(joiner(), "chain.block", { height: String(earliest - 1) })).toMatchObject({
    reason: "PRUNED",
    earliest: earliestHeight,
  });
  expect(await rpc(joiner(), "events.list", { cursor: "genesis" })).toMatchObject({
    reason: "PRUNED",
  });
  expect(await rpc(joiner(), "tx.get", { txId: "ab".repeat(32) })).toMatchObject({
    status: "unknown",
    searched: { from: earliestHeight },
  });
  // It makes snapshots of its own, whose proof goes on from the one that it began with.
  await until("a snapshot of the joiner", async () => (await snapshotsOf(joiner())).length > 0);
}, 240_000);

test("a restart walks from the snapshot's certified header and goes on", async () => {
  await stopValidator(joiner());
  await startValidator(joiner());
  await waitUntilReady(joiner());
  const { earliestHeight, height } = await infoOf(joiner());
  expect(Number(earliestHeight)).toBeGreaterThan(34);
  await until("it follows", async () => Number((await infoOf(joiner())).height) > Number(height));
}, 240_000);

test("a running node that is far behind starts over from a snapshot", async () => {
  await stopValidator(joiner());
  const before = Number((await infoOf(one())).height);
  // Twice as far as it takes: blocks alone would need a hundred writes to come within bounds.
  await until("the others are far ahead", async () => {
    const newest = await Promise.all(network.validators.slice(0, 4).map(snapshotsOf));
    return newest.every((heights) => (heights.at(-1) ?? 0) > before + 60);
  });
  await startValidator(joiner());
  await until("it has begun anew", async () => {
    const info = await infoOf(joiner()).catch(() => undefined);
    return Number(info?.earliestHeight ?? 0) > before;
  });
  await waitUntilReady(joiner());
  expect(await logOf(joiner())).toContain("snapshot.far-behind");
  const { height } = await infoOf(joiner());
  await until("it follows", async () => Number((await infoOf(joiner())).height) > Number(height));
  await expectSameBlock(Number(height) + 1);
}, 240_000);

test("the command line lists, verifies and restores, never over existing data", async () => {
  const written: string[] = [];
  const spy = vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    written.push(String(text));
    return true;
  });
  const run = async (...args: readonly string[]) => {
    written.length = 0;
    await runProgram(["node", "mizan", "--json", "snapshot", ...args]);
    return JSON.parse(written.join("")) as Record<string, unknown>;
  };
  try {
    const config = ["--config", one().configFile];
    const listed = await run("list", ...config);
    const snapshots = listed["snapshots"] as readonly { readonly epoch: number }[];
    expect(snapshots.length).toBeGreaterThanOrEqual(2);
    expect(snapshots.every(({ epoch }) => epoch >= 2)).toBe(true);
    const copy = join(directory, "copy");
    const newest = present((await snapshotsOf(one())).at(-1), "a snapshot");
    await cp(join(one().directory, "data", "snapshots", String(newest)), copy, { recursive: true });
    expect(await run("verify", copy, ...config)).toMatchObject({ verified: true, height: newest });
    const dataDir = join(directory, "restored");
    const fresh = [...config, "--set", `node.dataDir=${dataDir}`];
    expect(await run("restore", copy, ...fresh)).toMatchObject({ height: newest });
    const again = await run("restore", copy, ...fresh);
    expect(again).toMatchObject({ error: { code: "DATA_EXISTS" } });
    const created = await run("create", ...fresh);
    expect(created).toMatchObject({ height: newest });
    const storage = await openStorage(dataDir, genesis);
    expect(storage.blocks.baseHeight).toBe(newest);
    expect(storage.committed.tree.root).toBe(created["stateRoot"]);
    expect(storage.records).toEqual([]);
    await storage.journal.close();
    await storage.database.close();
  } finally {
    spy.mockRestore();
    process.exitCode = 0;
  }
}, 120_000);

test("a damaged snapshot, and one of another chain, is not restored", async () => {
  const copy = join(directory, "damaged");
  const newest = present((await snapshotsOf(two())).at(-1), "a snapshot");
  await cp(join(two().directory, "data", "snapshots", String(newest)), copy, { recursive: true });
  const dataDir = join(directory, "never");
  const foreign = { ...genesis, networkName: "other" };
  await expect(restoreSnapshot(copy, dataDir, foreign)).rejects.toMatchObject({
    code: "SNAPSHOT_WRONG_CHAIN",
  });
  const chunk = join(copy, "chunk-00000");
  const bytes = await readFile(chunk);
  bytes[100] = (bytes[100] ?? 0) ^ 1;
  await writeFile(chunk, bytes);
  await expect(restoreSnapshot(copy, dataDir, genesis)).rejects.toMatchObject({
    code: "SNAPSHOT_CHUNK",
  });
  await expect(readdir(dataDir)).rejects.toMatchObject({ code: "ENOENT" });
  expect(chainIdOf(genesis)).toBe(network.chainId);
});
