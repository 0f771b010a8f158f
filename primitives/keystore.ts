import { createCipheriv, createDecipheriv, randomBytes, scrypt } from "node:crypto";
import { constants, type FileHandle, link, open, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { equalBytes, fromHex, fromUtf8, toHex, utf8 } from "./bytes.ts";
import { SEED_BYTES } from "./ed25519/criterion.ts";
import { checkSeed, portableSigner } from "./ed25519/signer.ts";
import {
  checkRole,
  checkScrypt,
  DEFAULT_SCRYPT,
  formatKeyFile,
  IV_BYTES,
  KEY_FILE_VERSION,
  type KeyFile,
  KeystoreError,
  MAX_KEY_FILE_BYTES,
  parseKeyFile,
  SALT_BYTES,
  type ScryptParameters,
} from "./native/key-file-format.ts";

export {
  KeystoreError,
  type KeystoreErrorCode,
  type ScryptParameters,
} from "./native/key-file-format.ts";
export { PassphraseError, type PassphraseSource, readPassphrase } from "./native/passphrase.ts";

/** What a key file tells without its passphrase. */
export interface KeyFileHeader {
  readonly role: string;
  /** 32 bytes. Only `unlockKeyFile` proves that the file holds its secret. */
  readonly publicKey: Uint8Array;
}

export interface UnlockedKey extends KeyFileHeader {
  /** 32 bytes: the caller gives it to a signer and wipes it. */
  readonly seed: Uint8Array;
}

export interface NewKeyFile {
  /** 1 to 32 of a-z, 0-9 and -, as "validator" or "operator". */
  readonly role: string;
  /** 32 bytes; `newSeed()` for a new key. */
  readonly seed: Uint8Array;
  readonly passphrase: Uint8Array;
  /** Default N = 2^15, r = 8, p = 1, which is also the least that is accepted. */
  readonly scrypt?: ScryptParameters;
}

/** A secret for a new key, from the operating system's generator. */
export function newSeed(): Uint8Array {
  return new Uint8Array(randomBytes(SEED_BYTES));
}

/**
 * Encrypts a seed and writes it to a new file of mode 0600. The file appears at once and whole, or
 * not at all, and is on disk when the promise resolves. An existing file is never touched.
 *
 * @throws KeystoreError KEYSTORE_EXISTS, KEYSTORE_ROLE, KEYSTORE_KDF, KEYSTORE_IO; SeedError
 */
export async function createKeyFile(path: string, key: NewKeyFile): Promise<KeyFileHeader> {
  const parameters = key.scrypt ?? DEFAULT_SCRYPT;
  checkRole(key.role);
  checkScrypt(parameters);
  checkSeed(key.seed);
  if (key.passphrase.length === 0) {
    throw new KeystoreError("BAD_PASSPHRASE", "the passphrase is empty");
  }
  const { publicKey } = portableSigner(key.seed);
  const kdf = { name: "scrypt", ...pickScrypt(parameters), salt: randomHex(SALT_BYTES) } as const;
  const head: KeyFileHead = {
    version: KEY_FILE_VERSION,
    role: key.role,
    publicKey: toHex(publicKey),
    kdf,
  };
  const cipher = await encrypt(head, key.seed, key.passphrase);
  await writeNewFile(path, utf8(formatKeyFile({ ...head, cipher })));
  return { role: key.role, publicKey };
}

/** @throws KeystoreError KEYSTORE_IO, KEYSTORE_PERMISSIONS, KEYSTORE_FORMAT, KEYSTORE_KDF */
export async function readKeyFileHeader(path: string): Promise<KeyFileHeader> {
  const file = parseKeyFile(await readPrivateFile(path));
  return { role: file.role, publicKey: fromHex(file.publicKey) };
}

/**
 * Decrypts a key file and checks that the secret belongs to the public key it names. Refuses a
 * file that group or others can access, and one of another role than `expectedRole`.
 *
 * @throws KeystoreError BAD_PASSPHRASE (or an altered file: the cipher can't tell them apart),
 *   KEYSTORE_KEY_MISMATCH, KEYSTORE_ROLE, and those of `readKeyFileHeader`
 */
export async function unlockKeyFile(
  path: string,
  passphrase: Uint8Array,
  expectedRole?: string,
): Promise<UnlockedKey> {
  const file = parseKeyFile(await readPrivateFile(path));
  if (expectedRole !== undefined && file.role !== expectedRole) {
    throw new KeystoreError("KEYSTORE_ROLE", `${path}: a ${file.role} key, not ${expectedRole}`, {
      got: file.role,
      expected: expectedRole,
    });
  }
  const seed = await decrypt(file, passphrase);
  const publicKey = fromHex(file.publicKey);
  if (!equalBytes(portableSigner(seed).publicKey, publicKey)) {
    seed.fill(0);
    throw new KeystoreError("KEYSTORE_KEY_MISMATCH", `${path}: not the secret of its public key`);
  }
  return { role: file.role, publicKey, seed };
}

type KeyFileHead = Omit<KeyFile, "cipher">;

async function encrypt(
  head: KeyFileHead,
  seed: Uint8Array,
  passphrase: Uint8Array,
): Promise<KeyFile["cipher"]> {
  const key = await deriveKey(passphrase, head.kdf);
  try {
    const iv = new Uint8Array(randomBytes(IV_BYTES));
    const cipher = createCipheriv("aes-256-gcm", key, iv);
    cipher.setAAD(associatedData(head));
    const ciphertext = Buffer.concat([cipher.update(seed), cipher.final()]);
    return {
      name: "aes-256-gcm",
      iv: toHex(iv),
      tag: toHex(cipher.getAuthTag()),
      ciphertext: toHex(ciphertext),
    };
  } finally {
    key.fill(0);
  }
}

async function decrypt(file: KeyFile, passphrase: Uint8Array): Promise<Uint8Array> {
  const key = await deriveKey(passphrase, file.kdf);
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, fromHex(file.cipher.iv));
    decipher.setAAD(associatedData(file));
    decipher.setAuthTag(fromHex(file.cipher.tag));
    // The plaintext is out before `final` has proved it: wiped here whatever comes of it.
    const plain = decipher.update(fromHex(file.cipher.ciphertext));
    try {
      decipher.final();
      return new Uint8Array(plain);
    } catch {
      throw new KeystoreError("BAD_PASSPHRASE", "wrong passphrase, or the key file was altered");
    } finally {
      plain.fill(0);
    }
  } finally {
    key.fill(0);
  }
}

/** Binds the ciphertext to what the file says about the key and about its own protection. */
function associatedData({ version, role, publicKey, kdf }: KeyFileHead): Uint8Array {
  const { name, n, r, p, salt } = kdf;
  return utf8(
    `MIZAN/KEYSTORE/1\0${JSON.stringify([version, role, publicKey, name, n, r, p, salt])}`,
  );
}

const scryptAsync = promisify<Uint8Array, Uint8Array, number, object, Buffer>(scrypt);

async function deriveKey(passphrase: Uint8Array, kdf: KeyFile["kdf"]): Promise<Buffer> {
  const { n, r, p } = kdf;
  // OpenSSL's own bound counts the block buffers too.
  const maxmem = 128 * r * (n + p + 2);
  return scryptAsync(passphrase, fromHex(kdf.salt), 32, { N: n, r, p, maxmem });
}

async function readPrivateFile(path: string): Promise<string> {
  const handle = await open(path, constants.O_RDONLY).catch((error: unknown) => {
    throw ioError(path, error);
  });
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw new KeystoreError("KEYSTORE_IO", `${path}: not a regular file`);
    if (process.platform !== "win32" && (stat.mode & 0o077) !== 0) {
      throw new KeystoreError(
        "KEYSTORE_PERMISSIONS",
        `${path}: group or others have access to the key file; chmod 600`,
        { file: path, mode: (stat.mode & 0o777).toString(8) },
      );
    }
    return await readBounded(handle, path);
  } finally {
    await handle.close();
  }
}

async function readBounded(handle: FileHandle, path: string): Promise<string> {
  const buffer = new Uint8Array(MAX_KEY_FILE_BYTES + 1);
  const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0).catch((error: unknown) => {
    throw ioError(path, error);
  });
  try {
    if (bytesRead <= MAX_KEY_FILE_BYTES) return fromUtf8(buffer.subarray(0, bytesRead));
  } catch {
    throw new KeystoreError("KEYSTORE_FORMAT", `${path}: not UTF-8`);
  }
  throw new KeystoreError("KEYSTORE_FORMAT", `${path}: over ${MAX_KEY_FILE_BYTES} bytes`);
}

async function writeNewFile(path: string, content: Uint8Array): Promise<void> {
  const temporary = `${path}.${randomHex(8)}.tmp`;
  try {
    await writeDurably(temporary, content);
    try {
      // Unlike a rename, a link fails where the name exists, with no gap between look and act.
      await link(temporary, path);
    } finally {
      await unlink(temporary);
    }
    await syncDirectory(dirname(path));
  } catch (error) {
    throw ioError(path, error);
  }
}

async function writeDurably(path: string, content: Uint8Array): Promise<void> {
  const handle = await open(path, "wx", 0o600);
  try {
    await handle.chmod(0o600);
    await handle.writeFile(content);
    await handle.sync();
  } catch (error) {
    await unlink(path);
    throw error;
  } finally {
    await handle.close();
  }
}

async function syncDirectory(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(path, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The operating system's code only: its messages are not ours to vouch for. */
function ioError(path: string, error: unknown): KeystoreError {
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
  if (code === "EEXIST") {
    return new KeystoreError("KEYSTORE_EXISTS", `${path} exists and is left as it is`, {
      file: path,
    });
  }
  return new KeystoreError("KEYSTORE_IO", `${path}: ${code}`, { file: path, reason: code });
}

function pickScrypt({ n, r, p }: ScryptParameters): ScryptParameters {
  return { n, r, p };
}

function randomHex(bytes: number): string {
  return toHex(new Uint8Array(randomBytes(bytes)));
}
