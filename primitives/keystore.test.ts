import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { toHex, utf8 } from "./bytes.ts";
import { portableSigner } from "./ed25519/signer.ts";
import { createKeyFile, newSeed, readKeyFileHeader, unlockKeyFile } from "./keystore.ts";
import { formatKeyFile, type KeyFile, parseKeyFile } from "./native/key-file-format.ts";

const seed = new Uint8Array(32).fill(0x5a);
const passphrase = utf8("correct horse battery staple");
const { publicKey } = portableSigner(seed);
let directory: string;
let path: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "mizan-keystore-"));
  path = join(directory, "validator.key");
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

function coded(code: string): unknown {
  return expect.objectContaining({ code });
}

async function create(): Promise<void> {
  await createKeyFile(path, { role: "validator", seed, passphrase });
}

async function rewrite(change: (file: KeyFile) => unknown): Promise<void> {
  const file = parseKeyFile(await readFile(path, "utf8"));
  await writeFile(path, JSON.stringify(change(file)), { mode: 0o600 });
}

/** Another value of the same form. */
function altered(hex: string): string {
  return (hex.startsWith("0") ? "1" : "0") + hex.slice(1);
}

describe("a key file", () => {
  test("gives its seed back under its passphrase", async () => {
    expect(await createKeyFile(path, { role: "validator", seed, passphrase })).toEqual({
      role: "validator",
      publicKey,
    });
    expect(await readKeyFileHeader(path)).toEqual({ role: "validator", publicKey });
    expect(await unlockKeyFile(path, passphrase, "validator")).toEqual({
      role: "validator",
      publicKey,
      seed,
    });
  });

  test("is readable by its owner alone, and nothing else is left in the directory", async () => {
    await create();
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(directory)).toEqual(["validator.key"]);
  });

  test("does not contain the seed, and no two are alike", async () => {
    await create();
    const other = join(directory, "other.key");
    await createKeyFile(other, { role: "validator", seed, passphrase });
    const texts = [await readFile(path, "utf8"), await readFile(other, "utf8")];
    for (const text of texts) expect(text).not.toContain(toHex(seed));
    const [first, second] = texts.map(parseKeyFile);
    expect(first?.kdf.salt).not.toBe(second?.kdf.salt);
    expect(first?.cipher.iv).not.toBe(second?.cipher.iv);
    expect(first?.cipher.ciphertext).not.toBe(second?.cipher.ciphertext);
  });

  test("is never overwritten", async () => {
    await writeFile(path, "something precious");
    await expect(create()).rejects.toThrow(coded("KEYSTORE_EXISTS"));
    expect(await readFile(path, "utf8")).toBe("something precious");
    expect(await readdir(directory)).toEqual(["validator.key"]);
  });

  test("is created once when two try at the same time", async () => {
    const outcomes = await Promise.allSettled([create(), create(), create()]);
    expect(outcomes.filter((outcome) => outcome.status === "fulfilled")).toHaveLength(1);
    expect((await unlockKeyFile(path, passphrase)).seed).toEqual(seed);
    expect(await readdir(directory)).toEqual(["validator.key"]);
  });

  test("is refused when group or others can access it", async () => {
    await create();
    for (const mode of [0o640, 0o604, 0o660, 0o601]) {
      await chmod(path, mode);
      await expect(readKeyFileHeader(path)).rejects.toThrow(coded("KEYSTORE_PERMISSIONS"));
      await expect(unlockKeyFile(path, passphrase)).rejects.toThrow(coded("KEYSTORE_PERMISSIONS"));
    }
    await chmod(path, 0o400);
    expect((await unlockKeyFile(path, passphrase)).seed).toEqual(seed);
  });

  test("of another role than expected is refused", async () => {
    await create();
    await expect(unlockKeyFile(path, passphrase, "operator")).rejects.toThrow(
      coded("KEYSTORE_ROLE"),
    );
  });

  test("that isn't there, or isn't a file, is an I/O error with its reason", async () => {
    await expect(readKeyFileHeader(path)).rejects.toThrow(/ENOENT/);
    await mkdir(path);
    await expect(readKeyFileHeader(path)).rejects.toThrow(coded("KEYSTORE_IO"));
    const nowhere = join(directory, "missing", "x.key");
    await expect(createKeyFile(nowhere, { role: "r", seed, passphrase })).rejects.toThrow(
      coded("KEYSTORE_IO"),
    );
  });
});

describe("the passphrase", () => {
  test("another one is refused, and no secret is in the error", async () => {
    await create();
    const guess = utf8("Correct horse battery staple");
    const error = await unlockKeyFile(path, guess).catch((thrown: unknown) => thrown);
    expect(error).toEqual(coded("BAD_PASSPHRASE"));
    const shown =
      JSON.stringify(error) + String(error) + (error instanceof Error ? error.stack : "");
    for (const secret of ["orrect horse", toHex(seed), toHex(guess), toHex(passphrase)]) {
      expect(shown).not.toContain(secret);
    }
    expect(error).not.toHaveProperty("cause");
  });

  test("an empty one can't protect a key", async () => {
    const empty = new Uint8Array();
    await expect(createKeyFile(path, { role: "r", seed, passphrase: empty })).rejects.toThrow(
      coded("BAD_PASSPHRASE"),
    );
    expect(await readdir(directory)).toEqual([]);
  });
});

describe("an altered key file", () => {
  const alterations: Record<string, (file: KeyFile) => KeyFile> = {
    role: (file) => ({ ...file, role: "operator" }),
    "public key": (file) => ({ ...file, publicKey: altered(file.publicKey) }),
    salt: (file) => ({ ...file, kdf: { ...file.kdf, salt: altered(file.kdf.salt) } }),
    N: (file) => ({ ...file, kdf: { ...file.kdf, n: 65_536 } }),
    r: (file) => ({ ...file, kdf: { ...file.kdf, r: 9 } }),
    p: (file) => ({ ...file, kdf: { ...file.kdf, p: 2 } }),
    iv: (file) => ({ ...file, cipher: { ...file.cipher, iv: altered(file.cipher.iv) } }),
    tag: (file) => ({ ...file, cipher: { ...file.cipher, tag: altered(file.cipher.tag) } }),
    ciphertext: (file) => ({
      ...file,
      cipher: { ...file.cipher, ciphertext: altered(file.cipher.ciphertext) },
    }),
  };

  for (const [name, alter] of Object.entries(alterations)) {
    test(`is refused: ${name}`, async () => {
      await create();
      await rewrite(alter);
      await expect(unlockKeyFile(path, passphrase)).rejects.toThrow(coded("BAD_PASSPHRASE"));
    });
  }

  test("is refused with scrypt parameters that protect too little or cost too much", async () => {
    await create();
    const original = parseKeyFile(await readFile(path, "utf8"));
    const absurd = [
      { n: 16_384 },
      { n: 2 ** 30 },
      { n: 40_000 },
      { n: 32_768.5 },
      { n: -1 },
      { r: 4 },
      { r: 1_000_000 },
      { p: 0 },
      { p: 1_000_000 },
      { n: 1_048_576, r: 32 },
    ];
    for (const change of absurd) {
      const kdf = { ...original.kdf, ...change };
      await writeFile(path, JSON.stringify({ ...original, kdf }), { mode: 0o600 });
      await expect(unlockKeyFile(path, passphrase)).rejects.toThrow(coded("KEYSTORE_KDF"));
    }
  });

  test("is refused with a field missing, added or of another form", async () => {
    await create();
    const file = parseKeyFile(await readFile(path, "utf8"));
    const { tag, ...untagged } = file.cipher;
    const malformed: unknown[] = [
      [],
      null,
      { ...file, version: 2 },
      { ...file, comment: "" },
      { ...file, role: 7 },
      { ...file, publicKey: file.publicKey.toUpperCase() },
      { ...file, publicKey: file.publicKey.slice(2) },
      { ...file, kdf: { ...file.kdf, name: "pbkdf2" } },
      { ...file, kdf: { ...file.kdf, n: "32768" } },
      { ...file, cipher: untagged },
      { ...file, cipher: { ...file.cipher, tag: tag.slice(0, 8) } },
      { ...file, cipher: { ...file.cipher, name: "aes-128-gcm" } },
      { ...file, cipher: { ...file.cipher, ciphertext: "" } },
    ];
    for (const value of malformed) {
      await writeFile(path, JSON.stringify(value), { mode: 0o600 });
      await expect(unlockKeyFile(path, passphrase)).rejects.toThrow(coded("KEYSTORE_FORMAT"));
    }
    for (const text of ["", "{", formatKeyFile(file).padEnd(5000), "\u0000"]) {
      await writeFile(path, text, { mode: 0o600 });
      await expect(readKeyFileHeader(path)).rejects.toThrow(coded("KEYSTORE_FORMAT"));
    }
    await writeFile(path, Uint8Array.of(0xff, 0xfe), { mode: 0o600 });
    await expect(readKeyFileHeader(path)).rejects.toThrow(coded("KEYSTORE_FORMAT"));
  });
});

test("stronger scrypt parameters are kept, weaker ones refused", async () => {
  const key = { role: "operator", seed, passphrase };
  await createKeyFile(path, { ...key, scrypt: { n: 65_536, r: 8, p: 1 } });
  expect(parseKeyFile(await readFile(path, "utf8")).kdf.n).toBe(65_536);
  expect((await unlockKeyFile(path, passphrase)).seed).toEqual(seed);
  const weak = { ...key, scrypt: { n: 1024, r: 8, p: 1 } };
  await expect(createKeyFile(join(directory, "weak"), weak)).rejects.toThrow(coded("KEYSTORE_KDF"));
});

test("roles and seeds are checked before anything is written", async () => {
  for (const role of ["", "Validator", "a b", "9a", "x".repeat(33), "a\n"]) {
    await expect(createKeyFile(path, { role, seed, passphrase })).rejects.toThrow(
      coded("KEYSTORE_ROLE"),
    );
  }
  await expect(
    createKeyFile(path, { role: "validator", seed: seed.subarray(1), passphrase }),
  ).rejects.toThrow(coded("SEED_LENGTH"));
  expect(await readdir(directory)).toEqual([]);
});

test("new seeds are 32 bytes and differ", () => {
  expect(newSeed()).toHaveLength(32);
  expect(newSeed()).not.toEqual(newSeed());
});
