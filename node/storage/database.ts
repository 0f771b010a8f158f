import { access, mkdir, readdir, realpath } from "node:fs/promises";
import { dirname, join } from "node:path";
import { crc32 } from "node:zlib";
import { ClassicLevel } from "classic-level";
import { decode, encode } from "../../primitives/codec/codec.ts";
import { counter, hash, optional, record, uint } from "../../primitives/codec/schema.ts";
import { messageOf } from "../../primitives/errors.ts";
import { getU32, type KeyRange, SENTINEL_KEY } from "./keyspace.ts";
import { ProcessLock } from "./process-lock.ts";
import { errnoOf, isMissing, syncDirectory } from "./segment-files.ts";
import { StorageError } from "./storage-error.ts";

/** Layout of keys and values as this release writes them. */
export const SCHEMA_VERSION = 1;

/** Every stored value ends in the CRC-32 of its key and bytes. */
const SEAL_BYTES = 4;
/** Entries per trip to a LevelDB thread while scanning, and their bytes. */
const SCAN_ENTRIES = 1000;
const SCAN_BYTES = 1 << 20;
/** A block of a thousand settlements writes about a megabyte; larger buffers mean fewer tables. */
const WRITE_BUFFER_BYTES = 16 << 20;
const CACHE_BYTES = 64 << 20;

const sentinelSchema = record({
  schemaVersion: uint(),
  chainId: hash,
  createdAtMs: optional(counter),
});

export interface DatabaseOptions {
  readonly directory: string;
  /** 64 lower-case hex digits. */
  readonly chainId: string;
  readonly cacheBytes?: number;
  readonly writeBufferBytes?: number;
}

export interface WriteBatch {
  put(key: Uint8Array, value: Uint8Array): void;
  delete(key: Uint8Array): void;
}

type Level = ClassicLevel<Uint8Array, Uint8Array>;
type Snapshot = ReturnType<Level["snapshot"]>;

/** The database as it stood at one moment; later writes do not show. */
export interface DatabaseView {
  /** As `Database.scan`. */
  scan(range: KeyRange): AsyncGenerator<readonly [key: Uint8Array, value: Uint8Array]>;
  /** LevelDB keeps what was overwritten meanwhile until then. */
  close(): Promise<void>;
}

/** Real paths that are open in this process: LevelDB drops its kernel lock at a failed second open. */
const openHere = new Set<string>();

/**
 * The one LevelDB of a node. It is created by `create` alone; `open` refuses whatever is not a
 * database of this chain, because LevelDB itself opens an empty one where files are missing.
 *
 * Values are sealed with a checksum over key and value: LevelDB does not check its own checksums
 * on reads, and a changed index entry would be a wrong answer that no hash covers.
 *
 * A failed write is final (DB_IO): nobody knows what reached the disk. Reads go on.
 */
export class Database {
  readonly chainId: string;
  readonly directory: string;
  readonly #level: Level;
  readonly #lock: ProcessLock;
  #active = 0;
  #idle: (() => void) | undefined;
  #closing: Promise<void> | undefined;
  #failure: StorageError | undefined;

  private constructor(opened: Opened, chainId: string) {
    this.chainId = chainId;
    this.directory = opened.directory;
    this.#level = opened.level;
    this.#lock = opened.lock;
  }

  /**
   * Throws DB_EXISTS where the directory holds anything at all. A creation that was cut short
   * leaves a directory that must be removed by hand: nothing here deletes data.
   */
  static async create(
    options: DatabaseOptions & { readonly createdAtMs?: number },
  ): Promise<Database> {
    await mkdir(options.directory, { recursive: true, mode: 0o700 });
    const directory = await realpath(options.directory);
    const content = await readdir(directory);
    if (content.length > 0) {
      throw new StorageError("DB_EXISTS", `${directory} is not empty; nothing is created in it`, {
        directory,
      });
    }
    const opened = await openLevel(directory, options, true);
    const database = new Database(opened, options.chainId);
    try {
      const { chainId, createdAtMs } = options;
      const sentinel = encode(sentinelSchema, {
        schemaVersion: SCHEMA_VERSION,
        chainId,
        createdAtMs,
      });
      await database.write((batch) => batch.put(SENTINEL_KEY, sentinel));
      await syncDirectory(directory);
      await syncDirectory(dirname(directory));
      return database;
    } catch (error) {
      await database.close();
      throw error;
    }
  }

  /** Throws DB_MISSING, DB_LOCKED, DB_WRONG_CHAIN, DB_SCHEMA_VERSION, DB_CORRUPT, DB_IO. */
  static async open(options: DatabaseOptions): Promise<Database> {
    const directory = await existingDirectory(options.directory);
    const opened = await openLevel(directory, options, false);
    const database = new Database(opened, options.chainId);
    try {
      database.#checkSentinel();
      return database;
    } catch (error) {
      await database.close();
      throw error;
    }
  }

  /** Set once a write failed: the node must stop voting and exit. */
  get failure(): StorageError | undefined {
    return this.#failure;
  }

  /** The value, or undefined. Reads of single keys are synchronous: they cost microseconds. */
  get(key: Uint8Array): Uint8Array | undefined {
    this.#checkOpen();
    let sealed: Uint8Array | undefined;
    try {
      sealed = this.#level.getSync(key);
    } catch (error) {
      throw readError(error);
    }
    return sealed === undefined ? undefined : unseal(key, sealed);
  }

  /**
   * Writes everything that `build` puts into the batch, or nothing. Durable when it resolves,
   * unless `sync` is false. Rejects with DB_IO, and then so does every later write.
   */
  async write(build: (batch: WriteBatch) => void, sync = true): Promise<void> {
    this.#checkOpen();
    if (this.#failure !== undefined) throw this.#failure;
    const chained = this.#level.batch();
    try {
      build({
        put: (key, value) => void chained.put(key, seal(key, value)),
        delete: (key) => void chained.del(key),
      });
    } catch (error) {
      await chained.close();
      throw error;
    }
    await this.#counted(async () => {
      try {
        await chained.write({ sync });
      } catch (error) {
        this.#failure ??= new StorageError(
          "DB_IO",
          `a write failed: ${causeText(error)}`,
          {},
          error,
        );
        throw this.#failure;
      }
    });
  }

  /** Entries in key order. The consumer may stop at any time; close() ends a scan with DB_CLOSED. */
  scan(
    range: KeyRange,
    limit = Number.POSITIVE_INFINITY,
  ): AsyncGenerator<readonly [key: Uint8Array, value: Uint8Array]> {
    return this.#scan({ ...range, ...(Number.isFinite(limit) ? { limit } : {}) }, undefined);
  }

  /** Everything that was written before this call, whatever is written after it. */
  view(): DatabaseView {
    this.#checkOpen();
    const snapshot = this.#level.snapshot();
    return {
      scan: (range) => this.#scan(range, snapshot),
      close: () => snapshot.close(),
    };
  }

  async *#scan(
    range: KeyRange & { readonly limit?: number },
    snapshot: Snapshot | undefined,
  ): AsyncGenerator<readonly [key: Uint8Array, value: Uint8Array]> {
    this.#checkOpen();
    const iterator = this.#level.iterator({
      ...range,
      ...(snapshot === undefined ? {} : { snapshot }),
      highWaterMarkBytes: SCAN_BYTES,
    });
    try {
      for (;;) {
        const entries = await this.#counted(() => iterator.nextv(SCAN_ENTRIES).catch(rethrowRead));
        if (entries.length === 0) return;
        for (const [key, value] of entries) yield [key, unseal(key, value)];
      }
    } finally {
      await iterator.close();
    }
  }

  /** Waits for operations under way, closes LevelDB and releases the lock. Safe to call twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#active > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
    await this.#level.close();
    openHere.delete(this.directory);
    await this.#lock.release();
  }

  async #counted<T>(operation: () => Promise<T>): Promise<T> {
    this.#checkOpen();
    this.#active += 1;
    try {
      return await operation();
    } finally {
      this.#active -= 1;
      if (this.#active === 0) this.#idle?.();
    }
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw new StorageError("DB_CLOSED", "the database is closed");
  }

  #checkSentinel(): void {
    const bytes = this.get(SENTINEL_KEY);
    if (bytes === undefined) {
      throw new StorageError(
        "DB_CORRUPT",
        `${this.directory} has no sentinel record: its creation was cut short or files are missing`,
        { directory: this.directory },
      );
    }
    const sentinel = readSentinel(bytes);
    if (sentinel.schemaVersion !== SCHEMA_VERSION) {
      throw new StorageError(
        "DB_SCHEMA_VERSION",
        `${this.directory} has layout ${sentinel.schemaVersion}; this release needs ${SCHEMA_VERSION}`,
        { got: sentinel.schemaVersion, expected: SCHEMA_VERSION },
      );
    }
    if (sentinel.chainId !== this.chainId) {
      throw new StorageError(
        "DB_WRONG_CHAIN",
        `${this.directory} belongs to chain ${sentinel.chainId}, not to ${this.chainId}`,
        { got: sentinel.chainId, expected: this.chainId },
      );
    }
  }
}

function readSentinel(bytes: Uint8Array) {
  try {
    return decode(sentinelSchema, bytes);
  } catch (error) {
    throw new StorageError(
      "DB_CORRUPT",
      `the sentinel cannot be read: ${messageOf(error)}`,
      {},
      error,
    );
  }
}

interface Opened {
  readonly level: Level;
  readonly lock: ProcessLock;
  readonly directory: string;
}

async function existingDirectory(path: string): Promise<string> {
  let directory: string;
  let content: readonly string[];
  try {
    directory = await realpath(path);
    content = await readdir(directory);
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw new StorageError("DB_MISSING", `${path} does not exist; run init first`, { path });
  }
  if (content.length === 0) {
    throw new StorageError("DB_MISSING", `${directory} is empty; run init first`, { path });
  }
  try {
    await access(join(directory, "CURRENT"));
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw new StorageError(
      "DB_CORRUPT",
      `${directory} holds files but no CURRENT: files of the database are missing`,
      { directory },
    );
  }
  return directory;
}

async function openLevel(
  directory: string,
  options: DatabaseOptions,
  create: boolean,
): Promise<Opened> {
  if (openHere.has(directory)) {
    throw new StorageError(
      "DB_LOCKED",
      `${directory} is open in this process already (process ${process.pid})`,
      { directory, pid: process.pid },
    );
  }
  openHere.add(directory);
  let lock: ProcessLock | undefined;
  try {
    lock = await ProcessLock.acquire(`${directory}.lock`, "DB_LOCKED");
    const level: Level = new ClassicLevel(directory, {
      keyEncoding: "view",
      valueEncoding: "view",
      createIfMissing: create,
      errorIfExists: create,
      cacheSize: options.cacheBytes ?? CACHE_BYTES,
      writeBufferSize: options.writeBufferBytes ?? WRITE_BUFFER_BYTES,
    });
    await level.open();
    return { level, lock, directory };
  } catch (error) {
    openHere.delete(directory);
    await lock?.release();
    throw error instanceof StorageError ? error : openError(directory, error);
  }
}

function openError(directory: string, error: unknown): StorageError {
  const code = levelCodeOf(error);
  const why = causeText(error);
  if (code === "LEVEL_LOCKED") {
    const message = `${directory} is held by another process, perhaps in another container`;
    return new StorageError("DB_LOCKED", message, { directory }, error);
  }
  const damaged = code === "LEVEL_CORRUPTION" || /no such file|missing|corrupt/i.test(why);
  return new StorageError(
    damaged ? "DB_CORRUPT" : "DB_IO",
    damaged
      ? `${directory} cannot be opened: ${why}. Do not repair it: restore a snapshot and resync`
      : `${directory} cannot be opened: ${why}`,
    { directory },
    error,
  );
}

function rethrowRead(error: unknown): never {
  throw readError(error);
}

function readError(error: unknown): StorageError {
  const code = levelCodeOf(error);
  if (code === "LEVEL_DATABASE_NOT_OPEN" || code === "LEVEL_ITERATOR_NOT_OPEN") {
    return new StorageError("DB_CLOSED", "the database is closed", {}, error);
  }
  const reason = code === "LEVEL_IO_ERROR" ? "DB_IO" : "DB_CORRUPT";
  return new StorageError(reason, `a read failed: ${causeText(error)}`, {}, error);
}

/** LevelDB's own code: of the cause where the error only says that opening failed. */
function levelCodeOf(error: unknown): string | undefined {
  const inner = error instanceof Error ? errnoOf(error.cause) : undefined;
  return inner ?? errnoOf(error);
}

function causeText(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return messageOf(cause);
}

function seal(key: Uint8Array, value: Uint8Array): Uint8Array {
  const sealed = Buffer.allocUnsafe(value.length + SEAL_BYTES);
  sealed.set(value);
  sealed.writeUInt32BE(crc32(value, crc32(key)), value.length);
  return sealed;
}

function unseal(key: Uint8Array, sealed: Uint8Array): Uint8Array {
  const length = sealed.length - SEAL_BYTES;
  // A plain view: Buffer.slice aliases where Uint8Array.slice copies.
  const value = new Uint8Array(sealed.buffer, sealed.byteOffset, Math.max(0, length));
  if (length < 0 || getU32(sealed, length) !== crc32(value, crc32(key))) {
    const hex = Buffer.from(key.subarray(0, 48)).toString("hex");
    throw new StorageError(
      "DB_CORRUPT",
      `the value under key ${hex} changed after it was written`,
      {
        key: hex,
      },
    );
  }
  return value;
}
