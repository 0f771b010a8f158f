import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { encodeRecord } from "../../consensus/journal.ts";
import { digestOf } from "../dissemination/test-transactions.ts";
import { EpochJournals } from "./epoch-journals.ts";
import { journalThatKeeps, separateVotes } from "./observer-journal.ts";

const chainId = digestOf("chain");
let directory: string;
let journals: EpochJournals;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "mizan-journals-"));
  journals = new EpochJournals(directory, chainId);
});

afterEach(() => rm(directory, { recursive: true }));

async function made(epoch: number, ...records: readonly Uint8Array[]): Promise<void> {
  const journal = await journals.create(epoch);
  await journal.append(records);
  await journal.close();
}

const kept = (): Promise<string[]> => readdir(join(directory, "journal"));

test("an epoch's journal is opened with what it holds", async () => {
  await made(3, Uint8Array.of(7));
  const { journal, records } = await journals.open(3, false);
  expect(records).toEqual([Uint8Array.of(7)]);
  await journal.close();
});

test("a missing one is made only where the epoch begins and the one before is there", async () => {
  await expect(journals.open(0, true)).rejects.toMatchObject({ code: "JOURNAL_MISSING" });
  await made(3);
  await expect(journals.open(4, false)).rejects.toMatchObject({ code: "JOURNAL_MISSING" });
  await expect(journals.open(5, true)).rejects.toMatchObject({ code: "JOURNAL_MISSING" });
  const { journal, records } = await journals.open(4, true);
  expect(records).toEqual([]);
  await journal.close();
  expect((await kept()).toSorted()).toEqual(["epoch-3", "epoch-4"]);
});

test("an epoch that begins finds promises of an earlier life in it", async () => {
  const fresh = await journals.begin(1);
  expect(fresh.records).toEqual([]);
  await fresh.journal.append([Uint8Array.of(9)]);
  await fresh.journal.close();
  const again = await journals.begin(1);
  expect(again.records).toEqual([Uint8Array.of(9)]);
  await again.journal.close();
  await journals.ensure(1);
  const { journal, records } = await journals.open(1, false);
  expect(records).toEqual([Uint8Array.of(9)]);
  await journal.close();
});

test("those of earlier epochs go, others and strange names stay", async () => {
  for (const epoch of [0, 1, 2, 10]) await made(epoch);
  await journals.removeBefore(2);
  expect((await kept()).toSorted()).toEqual(["epoch-10", "epoch-2"]);
  await new EpochJournals(join(directory, "nowhere"), chainId).removeBefore(9);
});

test("an observer's core sees no vote of the old key, and its journal keeps the live ones", async () => {
  const target = { parentView: 1, parentDigest: digestOf("p"), blockDigest: digestOf("b") };
  const vote = (view: number) =>
    encodeRecord(chainId, 2, { type: "vote", body: { kind: "notarize", epoch: 2, view, target } });
  const floor = encodeRecord(chainId, 2, {
    type: "floor",
    body: { view: 5, height: 9, digest: digestOf("f") },
  });
  const records = [vote(4), floor, vote(6)];
  const config = { chainId, epoch: 2 };
  expect(separateVotes({ ...config, self: 1 }, records)).toEqual({ records, votes: [] });
  const separated = separateVotes({ ...config, self: undefined }, records);
  expect(separated).toEqual({ records: [floor], votes: [vote(6)] });
  const file = await journals.create(2);
  const journal = journalThatKeeps(file, separated.votes);
  await journal.append([floor]);
  await journal.rotate([Uint8Array.of(1)]);
  expect(journal.bytes).toBeGreaterThan(0);
  await file.close();
  const reopened = await journals.open(2, false);
  expect(reopened.records).toEqual([vote(6), Uint8Array.of(1)]);
  await reopened.journal.close();
});
