import { read } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { promisify } from "node:util";
import { CodedError } from "../errors.ts";

export type PassphraseErrorCode =
  | "PASSPHRASE_SOURCE"
  | "PASSPHRASE_PERMISSIONS"
  | "PASSPHRASE_EMPTY"
  | "PASSPHRASE_TOO_LONG";

/** Never carries any of the passphrase. */
export class PassphraseError extends CodedError<PassphraseErrorCode> {
  override readonly name = "PassphraseError";
}

/**
 * Where a passphrase comes from. Never an argument or the environment: both can be read by other
 * processes and end up in logs and crash reports.
 */
export type PassphraseSource = { readonly file: string } | { readonly fd: number };

const MAX_PASSPHRASE_BYTES = 1024;
/** Permission bits of group and others. */
const OTHERS_MASK = 0o077;

/**
 * The bytes of a passphrase: all of the source up to its end, without one final line break (LF or
 * CRLF). Bytes, not text, so the caller can wipe them. The descriptor is left open; a file that
 * group or others can access is refused.
 *
 * @throws PassphraseError
 */
export async function readPassphrase(source: PassphraseSource): Promise<Uint8Array> {
  if ("fd" in source) return readFrom(source.fd);
  const handle = await openSource(source.file);
  try {
    await checkPrivate(handle, source.file);
    return await readFrom(handle.fd);
  } finally {
    await handle.close();
  }
}

async function openSource(path: string): Promise<FileHandle> {
  try {
    return await open(path, "r");
  } catch (error) {
    throw sourceError(error);
  }
}

async function checkPrivate(handle: FileHandle, path: string): Promise<void> {
  const stat = await handle.stat();
  // A pipe (process substitution, systemd credentials) belongs to whoever holds its ends.
  if (!stat.isFile() || process.platform === "win32" || (stat.mode & OTHERS_MASK) === 0) return;
  throw new PassphraseError(
    "PASSPHRASE_PERMISSIONS",
    `${path}: group or others have access to the passphrase file; chmod 600`,
    { file: path },
  );
}

const readDescriptor = promisify(read);

async function readFrom(fd: number): Promise<Uint8Array> {
  // One byte more than allowed, and two for the line break, to see that it is too long.
  const buffer = new Uint8Array(MAX_PASSPHRASE_BYTES + 3);
  try {
    const length = trimmedLength(buffer.subarray(0, await fill(fd, buffer)));
    if (length === 0) throw new PassphraseError("PASSPHRASE_EMPTY", "the passphrase is empty");
    if (length > MAX_PASSPHRASE_BYTES) {
      throw new PassphraseError(
        "PASSPHRASE_TOO_LONG",
        `a passphrase is at most ${MAX_PASSPHRASE_BYTES} bytes`,
      );
    }
    return buffer.slice(0, length);
  } finally {
    buffer.fill(0);
  }
}

/** Reads until the end of the source or of the buffer. */
async function fill(fd: number, buffer: Uint8Array): Promise<number> {
  let length = 0;
  while (length < buffer.length) {
    let bytesRead: number;
    try {
      ({ bytesRead } = await readDescriptor(fd, buffer, length, buffer.length - length, null));
    } catch (error) {
      throw sourceError(error);
    }
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return length;
}

function trimmedLength(bytes: Uint8Array): number {
  let { length } = bytes;
  if (bytes[length - 1] !== 0x0a) return length;
  length -= 1;
  return bytes[length - 1] === 0x0d ? length - 1 : length;
}

function sourceError(error: unknown): PassphraseError {
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
  return new PassphraseError("PASSPHRASE_SOURCE", `the passphrase can't be read: ${code}`, {
    reason: code,
  });
}
