import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { headerDigest, headerSchema } from "../../consensus/header.ts";
import { decode } from "../../primitives/codec/codec.ts";
import { StateTree } from "../../primitives/merkle/state-tree.ts";
import { BlockStore } from "../storage/block-store.ts";
import { verifyAtBoot } from "../storage/boot-check.ts";
import type { HeaderFacts, StateEntry } from "../storage/committed-block.ts";
import { Database } from "../storage/database.ts";
import { finishInstallation, type InstallPlace, installSnapshot } from "./install.ts";
import { decodeEpochEnd } from "./manifest.ts";
import { checkManifest } from "./manifest-check.ts";
import { diskFiles, type SnapshotFiles } from "./snapshot-files.ts";
import { writeSnapshot } from "./snapshot-writer.ts";
import {
  CHAIN,
  certified,
  closing,
  finalize,
  headerBytes,
  headerOf,
  ROOT,
  registryOf,
  stateOf,
} from "./testing/certified-chain.ts";
import { failingFiles } from "./testing/failing-files.ts";
import { temporaryDirectory } from "./testing/temporary.ts";

function readHeader(bytes: Uint8Array): HeaderFacts {
  const header = decode(headerSchema, bytes, undefined, "header");
  return { ...header, digest: headerDigest(header) };
}

const STATE = stateOf(9_000);
const OLD_STATE = stateOf(3, 40, "old");

async function snapshotAt(height: number, entries: readonly StateEntry[] = STATE) {
  const second = registryOf("V1", "V2", "V3", "V4");
  const header = headerOf(height, entries, { epoch: 1 });
  const trail = [closing(0, height - 5, second)];
  const block = certified(header, trail, finalize(header, ["V1", "V2", "V3"], second));
  const source = { block, entries };
  const { proven } = await writeSnapshot(diskFiles, await temporaryDirectory(), source, ROOT);
  return { proven: await checkManifest(proven.manifest, ROOT), entries, epoch: 1 };
}

function placeIn(dataDir: string, files: SnapshotFiles = diskFiles): InstallPlace {
  return {
    files,
    database: join(dataDir, "db"),
    readHeader,
    async ensureJournal(epoch) {
      await mkdir(join(dataDir, `journal-${epoch}`), { recursive: true });
    },
  };
}

/** A database at the genesis, as `mizan init` makes it. */
async function initialised(dataDir: string): Promise<void> {
  const database = await Database.create({ directory: join(dataDir, "db"), chainId: CHAIN });
  const blocks = await BlockStore.open(database, readHeader);
  await blocks.writeGenesis({ stateRoot: StateTree.from(OLD_STATE).root, state: OLD_STATE });
  await database.close();
}

/** Opens the database after whatever happened, as a start does; returns what is in it. */
async function open(dataDir: string) {
  await finishInstallation(placeIn(dataDir));
  const database = await Database.open({ directory: join(dataDir, "db"), chainId: CHAIN });
  try {
    const blocks = await BlockStore.open(database, readHeader);
    const report = await verifyAtBoot(blocks);
    const { head } = blocks;
    expect(StateTree.from(report.state).root).toBe(head.stateRoot);
    return {
      height: head.height,
      earliest: blocks.earliestHeight,
      state: report.state,
      header: blocks.header(head.height),
      epochEnd: blocks.epochEnd(0),
      complete: report.complete,
    };
  } finally {
    await database.close();
  }
}

test("a snapshot takes the place of the genesis, with its certificate and its trail", async () => {
  const dataDir = await temporaryDirectory();
  await initialised(dataDir);
  const snapshot = await snapshotAt(40);
  await installSnapshot(placeIn(dataDir), { ...snapshot, createsJournal: true });
  const found = await open(dataDir);
  expect(found).toMatchObject({ height: 40, earliest: 41, complete: true });
  expect(found.state).toEqual(STATE);
  expect(found.header).toEqual(headerBytes(snapshot.proven.header));
  expect(decodeEpochEnd(found.epochEnd ?? new Uint8Array())).toEqual(
    snapshot.proven.manifest.epochTrail[0],
  );
  expect((await readdir(dataDir)).sort()).toEqual(["db", "journal-1"]);
});

test("no journal is made in an epoch in which the node may have promised something", async () => {
  const dataDir = await temporaryDirectory();
  await initialised(dataDir);
  const snapshot = await snapshotAt(40);
  await installSnapshot(placeIn(dataDir), { ...snapshot, createsJournal: false });
  expect(await readdir(dataDir)).toEqual(["db"]);
});

test.each([
  ["over a database", true],
  ["where there is none", false],
])(
  "a crash at every step of an installation %s leaves the old state or the new",
  async (_, over) => {
    const snapshot = { ...(await snapshotAt(40)), createsJournal: true };
    const prepared = async (): Promise<string> => {
      const dataDir = await temporaryDirectory();
      if (over) await initialised(dataDir);
      return dataDir;
    };
    const whole = failingFiles();
    await installSnapshot(placeIn(await prepared(), whole), snapshot);
    const ready = whole.steps.indexOf("rename db.install-ready");
    expect(ready).toBeGreaterThan(0);
    for (let step = 0; step < whole.steps.length; step++) {
      const dataDir = await prepared();
      const dying = placeIn(dataDir, failingFiles(step, true));
      await expect(installSnapshot(dying, snapshot)).rejects.toMatchObject({ name: "Crash" });
      // The process may die again while it cleans up.
      for (let again = 0; again < 3; again++) {
        await finishInstallation(placeIn(dataDir, failingFiles(again))).catch((error: unknown) => {
          expect(error).toMatchObject({ name: "Crash" });
        });
      }
      await finishInstallation(placeIn(dataDir));
      if (step <= ready) {
        if (over) expect((await open(dataDir)).height).toBe(0);
        else expect(await readdir(dataDir)).not.toContain("db");
        await installSnapshot(placeIn(dataDir), snapshot);
      }
      expect((await open(dataDir)).height).toBe(40);
      const leftovers = (await readdir(dataDir)).filter((name) => name.startsWith("db."));
      expect(leftovers).toEqual([]);
    }
  },
);

test("a half written database without a marker is forgotten", async () => {
  const dataDir = await temporaryDirectory();
  await initialised(dataDir);
  await mkdir(join(dataDir, "db.installing"));
  await writeFile(join(dataDir, "db.installing", "000003.log"), "half");
  expect(await finishInstallation(placeIn(dataDir))).toBe(true);
  expect(await finishInstallation(placeIn(dataDir))).toBe(false);
  expect((await open(dataDir)).height).toBe(0);
});

test("nothing is installed while somebody has the database open", async () => {
  const dataDir = await temporaryDirectory();
  await initialised(dataDir);
  const database = await Database.open({ directory: join(dataDir, "db"), chainId: CHAIN });
  const snapshot = { ...(await snapshotAt(40)), createsJournal: true };
  await expect(installSnapshot(placeIn(dataDir), snapshot)).rejects.toMatchObject({
    code: "DB_LOCKED",
  });
  await database.close();
  expect((await open(dataDir)).height).toBe(0);
});
