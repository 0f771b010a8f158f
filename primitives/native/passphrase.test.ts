import { spawnSync } from "node:child_process";
import { chmod, mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fromUtf8 } from "../bytes.ts";
import { readPassphrase } from "./passphrase.ts";

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "mizan-passphrase-"));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

async function stored(content: string, mode = 0o600): Promise<string> {
  const path = join(directory, "passphrase");
  await writeFile(path, content);
  await chmod(path, mode);
  return path;
}

async function readBack(content: string): Promise<string> {
  return fromUtf8(await readPassphrase({ file: await stored(content) }));
}

function coded(code: string): unknown {
  return expect.objectContaining({ code });
}

describe("a passphrase", () => {
  test("is the file without one final line break", async () => {
    expect(await readBack("correct horse")).toBe("correct horse");
    expect(await readBack("correct horse\n")).toBe("correct horse");
    expect(await readBack("correct horse\r\n")).toBe("correct horse");
    expect(await readBack("correct horse\n\n")).toBe("correct horse\n");
    expect(await readBack(" spaces stay \n")).toBe(" spaces stay ");
    expect(await readBack("كلمة السر")).toBe("كلمة السر");
  });

  test("is not empty and not too long", async () => {
    for (const content of ["", "\n", "\r\n"]) {
      await expect(readBack(content)).rejects.toThrow(coded("PASSPHRASE_EMPTY"));
    }
    expect(await readBack("x".repeat(1024))).toHaveLength(1024);
    expect(await readBack(`${"x".repeat(1024)}\r\n`)).toHaveLength(1024);
    await expect(readBack("x".repeat(1025))).rejects.toThrow(coded("PASSPHRASE_TOO_LONG"));
    await expect(readBack("x".repeat(100_000))).rejects.toThrow(coded("PASSPHRASE_TOO_LONG"));
  });

  test("is not taken from a file that group or others can access", async () => {
    for (const mode of [0o640, 0o604, 0o620, 0o601]) {
      const file = await stored("secret words", mode);
      await expect(readPassphrase({ file })).rejects.toThrow(coded("PASSPHRASE_PERMISSIONS"));
    }
  });

  test("can come from a descriptor, which stays open", async () => {
    const handle = await open(await stored("from a descriptor\n"), "r");
    expect(fromUtf8(await readPassphrase({ fd: handle.fd }))).toBe("from a descriptor");
    await handle.close();
  });

  test("can come from a pipe of another process", () => {
    const module = JSON.stringify(new URL("./passphrase.ts", import.meta.url).href);
    const script = `import(${module}).then((m) => m.readPassphrase({ fd: 0 }))
      .then((bytes) => process.stdout.write(bytes))`;
    const { stdout } = spawnSync(process.execPath, ["--import", "tsx", "-e", script], {
      input: "through a pipe\n",
    });
    expect(stdout.toString()).toBe("through a pipe");
  });

  test("says why it can't be read, without content", async () => {
    await expect(readPassphrase({ file: join(directory, "none") })).rejects.toThrow(
      coded("PASSPHRASE_SOURCE"),
    );
    await expect(readPassphrase({ file: join(directory, "none") })).rejects.toThrow(/ENOENT/);
    await expect(readPassphrase({ fd: 9999 })).rejects.toThrow(coded("PASSPHRASE_SOURCE"));
    const long = await readBack("hidden".repeat(500)).catch((error: unknown) => String(error));
    expect(long).not.toContain("hidden");
  });
});
