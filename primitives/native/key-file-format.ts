import { CodedError } from "../errors.ts";

export type KeystoreErrorCode =
  | "KEYSTORE_EXISTS"
  | "KEYSTORE_IO"
  | "KEYSTORE_PERMISSIONS"
  | "KEYSTORE_FORMAT"
  | "KEYSTORE_KDF"
  | "KEYSTORE_ROLE"
  | "KEYSTORE_KEY_MISMATCH"
  | "BAD_PASSPHRASE";

/** Names the file and what is wrong with it; never carries key material or a passphrase. */
export class KeystoreError extends CodedError<KeystoreErrorCode> {
  override readonly name = "KeystoreError";
}

/** scrypt (RFC 7914): memory is 128 N r bytes, time grows with N r p. */
export interface ScryptParameters {
  /** A power of two. */
  readonly n: number;
  readonly r: number;
  readonly p: number;
}

/** 32 MiB and about 0.1 s: what a start of a node can bear, and a guess costs the same. */
export const DEFAULT_SCRYPT: ScryptParameters = { n: 32_768, r: 8, p: 1 };

/** Weaker parameters than the default are refused, on writing and on reading. */
const MIN_SCRYPT = DEFAULT_SCRYPT;
/** 1 GiB of memory at most: a file must not be able to take the machine down. */
const MAX_SCRYPT: ScryptParameters = { n: 1_048_576, r: 32, p: 4 };
const MAX_SCRYPT_MEMORY_BYTES = 1_073_741_824;

/** A real file has under 700 bytes. */
export const MAX_KEY_FILE_BYTES = 4096;

export const KEY_FILE_VERSION = 1;
export const SALT_BYTES = 32;
export const IV_BYTES = 12;
export const TAG_BYTES = 16;
const ROLE_PATTERN = /^[a-z][a-z0-9-]{0,31}$/;

/** What stands in a key file. All byte strings are lower-case hex. */
export interface KeyFile {
  readonly version: typeof KEY_FILE_VERSION;
  /** What the key is for, as "validator" or "operator"; bound to the secret by the cipher. */
  readonly role: string;
  readonly publicKey: string;
  readonly kdf: ScryptParameters & { readonly name: "scrypt"; readonly salt: string };
  readonly cipher: {
    readonly name: "aes-256-gcm";
    readonly iv: string;
    readonly tag: string;
    readonly ciphertext: string;
  };
}

/** @throws KeystoreError KEYSTORE_ROLE */
export function checkRole(role: string): void {
  if (ROLE_PATTERN.test(role)) return;
  throw new KeystoreError("KEYSTORE_ROLE", "a role is 1 to 32 of a-z, 0-9 and -, from a letter");
}

/** @throws KeystoreError KEYSTORE_KDF */
export function checkScrypt({ n, r, p }: ScryptParameters): void {
  const inRange =
    isBetween(n, MIN_SCRYPT.n, MAX_SCRYPT.n) &&
    isBetween(r, MIN_SCRYPT.r, MAX_SCRYPT.r) &&
    isBetween(p, MIN_SCRYPT.p, MAX_SCRYPT.p);
  if (inRange && Number.isInteger(Math.log2(n)) && 128 * n * r <= MAX_SCRYPT_MEMORY_BYTES) return;
  throw new KeystoreError("KEYSTORE_KDF", `scrypt N=${n} r=${r} p=${p} is out of bounds`, {
    n,
    r,
    p,
  });
}

export function formatKeyFile(file: KeyFile): string {
  return `${JSON.stringify(file, null, 2)}\n`;
}

/**
 * Reads a key file strictly: exactly the fields above, canonical hex of the right lengths, scrypt
 * parameters within bounds.
 *
 * @throws KeystoreError KEYSTORE_FORMAT, KEYSTORE_KDF, KEYSTORE_ROLE
 */
export function parseKeyFile(text: string): KeyFile {
  const file = fields(parseJson(text), "file", ["version", "role", "publicKey", "kdf", "cipher"]);
  if (file["version"] !== KEY_FILE_VERSION) throw formatError("version", `${KEY_FILE_VERSION}`);
  const { role } = file;
  if (typeof role !== "string") throw formatError("role", "a string");
  checkRole(role);
  return {
    version: KEY_FILE_VERSION,
    role,
    publicKey: hexField(file["publicKey"], "publicKey", 32),
    kdf: parseKdf(file["kdf"]),
    cipher: parseCipher(file["cipher"]),
  };
}

function parseKdf(value: unknown): KeyFile["kdf"] {
  const kdf = fields(value, "kdf", ["name", "n", "r", "p", "salt"]);
  if (kdf["name"] !== "scrypt") throw formatError("kdf.name", "scrypt");
  const { n, r, p } = kdf;
  if (typeof n !== "number" || typeof r !== "number" || typeof p !== "number") {
    throw formatError("kdf", "numbers n, r and p");
  }
  checkScrypt({ n, r, p });
  return { name: "scrypt", n, r, p, salt: hexField(kdf["salt"], "kdf.salt", SALT_BYTES) };
}

function parseCipher(value: unknown): KeyFile["cipher"] {
  const cipher = fields(value, "cipher", ["name", "iv", "tag", "ciphertext"]);
  if (cipher["name"] !== "aes-256-gcm") throw formatError("cipher.name", "aes-256-gcm");
  return {
    name: "aes-256-gcm",
    iv: hexField(cipher["iv"], "cipher.iv", IV_BYTES),
    tag: hexField(cipher["tag"], "cipher.tag", TAG_BYTES),
    ciphertext: hexField(cipher["ciphertext"], "cipher.ciphertext", 32),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message quotes the text; it tells nothing else that helps.
    throw formatError("file", "JSON");
  }
}

function fields(value: unknown, field: string, names: readonly string[]): Record<string, unknown> {
  if (!isPlainObject(value)) throw formatError(field, "an object");
  const got = Object.keys(value);
  const exact = got.length === names.length && names.every((name) => Object.hasOwn(value, name));
  if (!exact) throw formatError(field, `exactly ${names.join(", ")}`);
  return value;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function hexField(value: unknown, field: string, bytes: number): string {
  const expected = `${bytes} bytes as lower-case hex`;
  if (typeof value !== "string" || !/^[0-9a-f]*$/.test(value) || value.length !== bytes * 2) {
    throw formatError(field, expected);
  }
  return value;
}

function formatError(field: string, expected: string): KeystoreError {
  return new KeystoreError("KEYSTORE_FORMAT", `key file: ${field} must be ${expected}`, {
    field,
    expected,
  });
}

function isBetween(value: number, low: number, high: number): boolean {
  return Number.isSafeInteger(value) && value >= low && value <= high;
}
