import { cp, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { present } from "../../primitives/assert.ts";
import { utf8 } from "../../primitives/bytes.ts";
import { JournalFile, type JournalOptions } from "./journal-file.ts";
import { SEGMENT_HEADER_BYTES } from "./journal-segment.ts";

const CHAIN = "11".repeat(32);
const OTHER_CHAIN = "22".repeat(32);
const FIRST = "journal-0000000000000001.seg";

let root: string;
let directory: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "mizan-journal-"));
  directory = join(root, "journal");
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

function options(extra: Partial<JournalOptions> = {}): JournalOptions {
  return { directory, chainId: CHAIN, ...extra };
}

function record(i: number): Uint8Array {
  return utf8(`record ${i} ${"x".repeat((i * 7) % 23)}`);
}

async function written(count: number): Promise<void> {
  const journal = await JournalFile.create(options());
  for (let i = 0; i < count; i++) await journal.append([record(i)]);
  await journal.close();
}

/** Records of the journal in `at`, or the code with which it refuses. */
async function outcome(at: string = directory): Promise<readonly Uint8Array[] | string> {
  try {
    const { journal, records } = await JournalFile.open(options({ directory: at }));
    await journal.close();
    return records;
  } catch (error) {
    if (error instanceof Error && "code" in error) return String(error.code);
    throw error;
  }
}

async function withContent(bytes: Uint8Array): Promise<readonly Uint8Array[] | string> {
  const at = join(root, "variant");
  await rm(at, { recursive: true, force: true });
  await mkdir(at);
  await writeFile(join(at, FIRST), bytes);
  return outcome(at);
}

function plain(records: readonly Uint8Array[] | string): readonly string[] | string {
  return typeof records === "string" ? records : records.map((r) => Buffer.from(r).toString());
}

function expected(count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => Buffer.from(record(i)).toString());
}

describe("writing and reading back", () => {
  test("records come back in order, over several restarts", async () => {
    await written(3);
    const { journal, records, report } = await JournalFile.open(options());
    expect(plain(records)).toEqual(expected(3));
    expect(report).toEqual({ records: 3, segments: 1, truncatedBytes: 0, removedFiles: [] });
    await journal.append([record(3), record(4)]);
    await journal.close();
    expect(plain(await outcome())).toEqual(expected(5));
  });

  test("appends that wait together are written by fewer syncs, in the order of the calls", async () => {
    const journal = await JournalFile.create(options());
    await Promise.all(expected(200).map((_, i) => journal.append([record(i)])));
    await journal.close();
    expect(plain(await outcome())).toEqual(expected(200));
  });

  test("a caller may reuse its buffer after the call", async () => {
    const journal = await JournalFile.create(options());
    const buffer = Uint8Array.from(record(0));
    const done = journal.append([buffer]);
    buffer.fill(0);
    await done;
    await journal.close();
    expect(plain(await outcome())).toEqual(expected(1));
  });

  test("a full segment is continued in the next one", async () => {
    const small = options({ maxRecordBytes: 200, maxSegmentBytes: 1000 });
    const journal = await JournalFile.create(small);
    await journal.append(Array.from({ length: 50 }, (_, i) => record(i)));
    for (let i = 50; i < 100; i++) await journal.append([record(i)]);
    await journal.close();
    expect((await readdir(directory)).length).toBeGreaterThan(3);
    const opened = await JournalFile.open(small);
    expect(plain(opened.records)).toEqual(expected(100));
    await opened.journal.rotate([record(99)]);
    expect(opened.journal.bytes).toBeLessThan(1000);
    await opened.journal.close();
    expect((await readdir(directory)).length).toBe(1);
  });

  test("rotation keeps the live records and what is appended after it, nothing else", async () => {
    await written(5);
    const { journal } = await JournalFile.open(options());
    const done = [
      journal.append([record(5)]),
      journal.rotate([record(0), record(1)]),
      journal.append([record(2)]),
    ];
    await Promise.all(done);
    await journal.close();
    expect(plain(await outcome())).toEqual(expected(3));
    expect(await readdir(directory)).toEqual(["journal-0000000000000002.seg"]);
  });
});

describe("what is refused", () => {
  test("no journal where one must be, and a second one where one is", async () => {
    expect(await outcome()).toBe("JOURNAL_MISSING");
    await written(1);
    await expect(JournalFile.create(options())).rejects.toMatchObject({ code: "JOURNAL_EXISTS" });
    await rm(join(directory, FIRST));
    expect(await outcome()).toBe("JOURNAL_MISSING");
  });

  test("a journal of another chain", async () => {
    await written(1);
    await expect(JournalFile.open(options({ chainId: OTHER_CHAIN }))).rejects.toMatchObject({
      code: "JOURNAL_WRONG_CHAIN",
      data: { got: CHAIN, expected: OTHER_CHAIN },
    });
    expect(plain(await outcome())).toEqual(expected(1));
  });

  test("a second opener, by pid", async () => {
    const journal = await JournalFile.create(options());
    await expect(JournalFile.open(options())).rejects.toMatchObject({
      code: "JOURNAL_LOCKED",
      data: { pid: process.pid },
    });
    await journal.close();
    expect(await outcome()).toEqual([]);
  });

  test("empty and oversized records, live records beyond a segment, orders after close", async () => {
    const journal = await JournalFile.create(
      options({ maxRecordBytes: 100, maxSegmentBytes: 1000 }),
    );
    const size = { code: "JOURNAL_RECORD_SIZE" };
    await expect(journal.append([new Uint8Array(0)])).rejects.toMatchObject(size);
    await expect(journal.append([new Uint8Array(101)])).rejects.toMatchObject(size);
    const live = Array.from({ length: 10 }, () => new Uint8Array(100).fill(1));
    await expect(journal.rotate(live)).rejects.toMatchObject(size);
    await journal.append([new Uint8Array(100).fill(1)]);
    await journal.close();
    await expect(journal.append([record(0)])).rejects.toMatchObject({ code: "JOURNAL_CLOSED" });
  });

  test("a journal that nobody rotates stops at its bound and goes on after a rotation", async () => {
    const journal = await JournalFile.create(
      options({ maxRecordBytes: 100, maxSegmentBytes: 500 }),
    );
    const full = Array.from({ length: 400 }, () => new Uint8Array(100).fill(1));
    await expect(journal.append(full)).rejects.toMatchObject({ code: "JOURNAL_FULL" });
    expect(journal.failure).toBeUndefined();
    await journal.rotate([]);
    await journal.append([record(0)]);
    await journal.close();
    expect(plain(await outcome())).toEqual(expected(1));
  });
});

describe("damage", () => {
  test("cut at every byte of the last three records: the whole records before it remain", async () => {
    await written(6);
    const bytes = await readFile(join(directory, FIRST));
    const ends = [SEGMENT_HEADER_BYTES];
    for (let i = 0; i < 6; i++) ends.push(present(ends[i], "end") + 16 + record(i).length);
    expect(ends[6]).toBe(bytes.length);
    for (let cut = present(ends[3], "end"); cut <= bytes.length; cut++) {
      const whole = ends.filter((end) => end <= cut).length - 1;
      expect(plain(await withContent(bytes.subarray(0, cut))), `cut ${cut}`).toEqual(
        expected(whole),
      );
    }
  });

  test("a journal cut short goes on where the last whole record ends", async () => {
    await written(3);
    const path = join(directory, FIRST);
    const { length } = await readFile(path);
    await truncate(path, length - 1);
    const { journal, report } = await JournalFile.open(options());
    expect(report.truncatedBytes).toBe(16 + record(2).length - 1);
    await journal.append([record(2), record(3)]);
    await journal.close();
    expect(plain(await outcome())).toEqual(expected(4));
  });

  test("a copy taken at any moment opens, or is no journal yet", async () => {
    await written(4);
    const bytes = await readFile(join(directory, FIRST));
    for (let cut = 0; cut <= bytes.length; cut++) {
      const found = plain(await withContent(bytes.subarray(0, cut)));
      if (cut < SEGMENT_HEADER_BYTES) expect(found).toBe("JOURNAL_CORRUPT");
      else expect(found).toEqual(expected(found.length));
    }
  });

  test("any bit flipped anywhere is refused: never a shorter journal", async () => {
    await written(4);
    const bytes = await readFile(join(directory, FIRST));
    for (let at = 0; at < bytes.length; at++) {
      const flipped = Uint8Array.from(bytes);
      flipped[at] = present(bytes[at], "byte") ^ (1 << (at % 8));
      expect(await withContent(flipped), `byte ${at}`).toBe("JOURNAL_CORRUPT");
    }
  });

  test("a tail of zeros, as some file systems leave it, is cut off", async () => {
    await written(2);
    const bytes = await readFile(join(directory, FIRST));
    const zeros = Buffer.concat([bytes, Buffer.alloc(3000)]);
    expect(plain(await withContent(zeros))).toEqual(expected(2));
  });

  test("a missing or exchanged segment is refused", async () => {
    const small = options({ maxRecordBytes: 200, maxSegmentBytes: 1000 });
    const journal = await JournalFile.create(small);
    for (let i = 0; i < 120; i++) await journal.append([record(i)]);
    await journal.close();
    const names = (await readdir(directory)).sort();
    expect(names.length).toBeGreaterThan(3);
    const at = join(root, "variant");
    for (const name of names.slice(0, -1)) {
      await cp(directory, at, { recursive: true });
      await rm(join(at, name));
      expect(await outcome(at), name).toBe("JOURNAL_CORRUPT");
      await rm(at, { recursive: true });
    }
    const [first, second] = names;
    await cp(join(directory, present(first, "name")), join(directory, present(second, "name")));
    expect(await outcome()).toBe("JOURNAL_CORRUPT");
  });
});
