import { readFile } from "node:fs/promises";
import { CodedError, messageOf } from "../../primitives/errors.ts";

/** Files of the command line hold a transaction, a payload, a proof or a genesis: kilobytes. */
const MAX_FILE_BYTES = 16 << 20;

export type InputFileErrorCode = "FILE_UNREADABLE" | "FILE_TOO_LARGE" | "NOT_JSON";

/** A file that was named on the command line cannot be used. */
export class InputFileError extends CodedError<InputFileErrorCode> {
  override readonly name = "InputFileError";
}

export async function readTextFile(file: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    throw new InputFileError("FILE_UNREADABLE", messageOf(cause), { file }, { cause });
  }
  if (text.length <= MAX_FILE_BYTES) return text;
  throw new InputFileError("FILE_TOO_LARGE", `${file} is too large`, {
    file,
    got: text.length,
    limit: MAX_FILE_BYTES,
  });
}

export async function readJsonFile(file: string): Promise<unknown> {
  const text = await readTextFile(file);
  try {
    return JSON.parse(text);
  } catch (cause) {
    const message = `${file} is not JSON: ${messageOf(cause)}`;
    throw new InputFileError("NOT_JSON", message, { file }, { cause });
  }
}
