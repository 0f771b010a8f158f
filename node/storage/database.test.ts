import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClassicLevel } from "classic-level";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { present } from "../../primitives/assert.ts";
import { utf8 } from "../../primitives/bytes.ts";
import { Database } from "./database.ts";

const CHAIN = "aa".repeat(32);

let root: string;
let directory: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "mizan-db-"));
  directory = join(root, "db");
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

const key = (text: string): Uint8Array => utf8(`\u0020${text}`);

describe("opening", () => {
  test("what was written is there after a restart; close is idempotent and leaves no lock", async () => {
    const created = await Database.create({ directory, chainId: CHAIN, createdAtMs: 1 });
    await created.write((batch) => batch.put(key("a"), utf8("1")));
    await Promise.all([created.close(), created.close()]);
    expect(await readdir(root)).toEqual(["db"]);
    const opened = await Database.open({ directory, chainId: CHAIN });
    expect(opened.get(key("a"))).toEqual(utf8("1"));
    expect(opened.get(key("b"))).toBeUndefined();
    await opened.close();
    expect(() => opened.get(key("a"))).toThrow(expect.objectContaining({ code: "DB_CLOSED" }));
    await expect(opened.write(() => {})).rejects.toMatchObject({ code: "DB_CLOSED" });
  });

  test("a missing or empty directory is never turned into a database", async () => {
    const open = () => Database.open({ directory, chainId: CHAIN });
    await expect(open()).rejects.toMatchObject({ code: "DB_MISSING" });
    const empty = await mkdtemp(join(root, "empty-"));
    await expect(Database.open({ directory: empty, chainId: CHAIN })).rejects.toMatchObject({
      code: "DB_MISSING",
    });
    expect(await readdir(empty)).toEqual([]);
  });

  test("nothing is created where something is", async () => {
    await writeFile(join(root, "note"), "");
    await expect(Database.create({ directory: root, chainId: CHAIN })).rejects.toMatchObject({
      code: "DB_EXISTS",
    });
    expect(await readdir(root)).toEqual(["note"]);
  });

  test("another chain, another layout, and a database without a sentinel are refused", async () => {
    await (await Database.create({ directory, chainId: CHAIN })).close();
    const other = "bb".repeat(32);
    await expect(Database.open({ directory, chainId: other })).rejects.toMatchObject({
      code: "DB_WRONG_CHAIN",
      data: { got: CHAIN, expected: other },
    });
    const foreign = join(root, "foreign");
    const level = new ClassicLevel(foreign);
    await level.put("hello", "world");
    await level.close();
    await expect(Database.open({ directory: foreign, chainId: CHAIN })).rejects.toMatchObject({
      code: "DB_CORRUPT",
    });
    await (await Database.open({ directory, chainId: CHAIN })).close();
  });

  test("a manifest that is gone is damage, not an empty database", async () => {
    await (await Database.create({ directory, chainId: CHAIN })).close();
    const manifest = (await readdir(directory)).find((name) => name.startsWith("MANIFEST"));
    await rm(join(directory, present(manifest, "manifest")));
    await expect(Database.open({ directory, chainId: CHAIN })).rejects.toMatchObject({
      code: "DB_CORRUPT",
    });
    expect(await readdir(root)).toEqual(["db"]);
  });
});

describe("one opener", () => {
  test("in a process, also by another path; the first one stays locked against other processes", async () => {
    const first = await Database.create({ directory, chainId: CHAIN });
    const alias = join(root, "alias");
    await symlink(directory, alias);
    for (const path of [directory, alias]) {
      await expect(Database.open({ directory: path, chainId: CHAIN })).rejects.toMatchObject({
        code: "DB_LOCKED",
        data: { pid: process.pid },
      });
    }
    const level = createRequire(import.meta.url).resolve("classic-level");
    const script =
      `const { ClassicLevel } = require(${JSON.stringify(level)});` +
      `new ClassicLevel(${JSON.stringify(directory)}).open()` +
      ".then(() => console.log('OPENED'), (e) => console.log(e.cause?.code ?? e.code));";
    const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
    const [output] = await once(present(child.stdout, "stdout"), "data");
    expect(String(output).trim()).toBe("LEVEL_LOCKED");
    await first.write((batch) => batch.put(key("a"), utf8("1")));
    await first.close();
  });

  test("a process that holds LevelDB's own lock is reported, and the lock file is removed", async () => {
    await (await Database.create({ directory, chainId: CHAIN })).close();
    const level = createRequire(import.meta.url).resolve("classic-level");
    const script =
      `const { ClassicLevel } = require(${JSON.stringify(level)});` +
      `new ClassicLevel(${JSON.stringify(directory)}).open().then(() => console.log('OPENED'));` +
      "setInterval(() => {}, 1000);";
    const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
    try {
      await once(present(child.stdout, "stdout"), "data");
      await expect(Database.open({ directory, chainId: CHAIN })).rejects.toMatchObject({
        code: "DB_LOCKED",
      });
      expect(await readdir(root)).toEqual(["db"]);
    } finally {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    await (await Database.open({ directory, chainId: CHAIN })).close();
  });
});

describe("operations", () => {
  test("a batch is written whole or not at all", async () => {
    const database = await Database.create({ directory, chainId: CHAIN });
    const failing = database.write((batch) => {
      batch.put(key("a"), utf8("1"));
      throw new Error("half way");
    });
    await expect(failing).rejects.toThrow("half way");
    expect(database.get(key("a"))).toBeUndefined();
    await database.write((batch) => {
      batch.put(key("a"), utf8("1"));
      batch.put(key("b"), utf8("2"));
      batch.delete(key("a"));
    });
    expect(database.get(key("a"))).toBeUndefined();
    expect(database.get(key("b"))).toEqual(utf8("2"));
    await database.close();
  });

  test("scans run in key order within their bounds, over several trips", async () => {
    const database = await Database.create({ directory, chainId: CHAIN });
    const name = (i: number) => key(String(i).padStart(5, "0"));
    await database.write((batch) => {
      for (let i = 0; i < 3000; i++) batch.put(name(i), utf8(String(i)));
    });
    const seen: string[] = [];
    for await (const [, value] of database.scan({ gt: name(10), lte: name(2900) })) {
      seen.push(Buffer.from(value).toString());
    }
    expect(seen).toEqual(Array.from({ length: 2890 }, (_, i) => String(i + 11)));
    let limited = 0;
    for await (const _ of database.scan({ gte: name(0) }, 7)) limited += 1;
    expect(limited).toBe(7);
    await database.close();
  });

  test("close waits for writes under way and ends scans with DB_CLOSED", async () => {
    const database = await Database.create({ directory, chainId: CHAIN });
    await database.write((batch) => {
      for (let i = 0; i < 5000; i++) batch.put(key(String(i)), new Uint8Array(500));
    });
    const scan = (async () => {
      for await (const _ of database.scan({ gte: key("") })) await Promise.resolve();
    })();
    const ended = expect(scan).rejects.toMatchObject({ code: "DB_CLOSED" });
    const writes = Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        database.write((batch) => batch.put(key(`late ${i}`), utf8("1"))),
      ),
    );
    await database.close();
    await writes;
    await ended;
    const opened = await Database.open({ directory, chainId: CHAIN });
    for (let i = 0; i < 20; i++) expect(opened.get(key(`late ${i}`))).toEqual(utf8("1"));
    await opened.close();
  });

  test("a value that changed on disk, or stands under another key, is not returned", async () => {
    await (await Database.create({ directory, chainId: CHAIN })).close();
    const level = new ClassicLevel<Uint8Array, Uint8Array>(directory, {
      keyEncoding: "view",
      valueEncoding: "view",
    });
    await level.put(key("raw"), utf8("no seal here"));
    await level.put(key("short"), utf8("x"));
    await level.close();
    const database = await Database.open({ directory, chainId: CHAIN });
    for (const name of ["raw", "short"]) {
      expect(() => database.get(key(name))).toThrow(
        expect.objectContaining({ code: "DB_CORRUPT" }),
      );
    }
    await database.close();
  });

  test("a flipped byte in a table is refused on reading", async () => {
    const small = { directory, chainId: CHAIN, writeBufferBytes: 64 << 10 };
    const database = await Database.create(small);
    const random = (i: number) => Buffer.from(`${i}:${Math.imul(i, 2654435761)}`.repeat(40));
    for (let i = 0; i < 400; i++) {
      await database.write((batch) => batch.put(key(String(i)), random(i)), false);
    }
    await database.close();
    const table = (await readdir(directory)).filter((name) => name.endsWith(".ldb")).sort()[0];
    const path = join(directory, present(table, "table"));
    const bytes = await readFile(path);
    for (let i = 100; i < bytes.length / 2; i += 211) bytes[i] = present(bytes[i], "byte") ^ 0x04;
    await writeFile(path, bytes);
    const opened = await Database.open(small);
    let refused = 0;
    for (let i = 0; i < 400; i++) {
      try {
        const value = opened.get(key(String(i)));
        if (value !== undefined) expect(Buffer.from(value)).toEqual(random(i));
      } catch (error) {
        expect(error).toMatchObject({ code: "DB_CORRUPT" });
        refused += 1;
      }
    }
    expect(refused).toBeGreaterThan(0);
    await opened.close();
  });
});
