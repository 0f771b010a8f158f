import { PUBLIC_KEY_BYTES } from "../ed25519/criterion.ts";
import type { SignatureCheck, VerificationLane } from "../verifier.ts";
import type { TableAt } from "./signature-slab.ts";
import type { KeyTableRef, TableDirectory } from "./table-directory.ts";

/** A vote is under 200 bytes. */
const ORDINARY_MESSAGE_BYTES = 1_024;

/** The tables that a batch in work refers to: held until it is answered, so that none is reused. */
export class BatchTables {
  readonly #directory: TableDirectory;
  readonly #lane: VerificationLane;
  readonly #held: KeyTableRef[] = [];

  constructor(directory: TableDirectory, lane: VerificationLane) {
    this.#directory = directory;
    this.#lane = lane;
  }

  /** The name by which the directory knows a key, the first 32 bytes of `item`. */
  static nameOf(item: Uint8Array): string {
    return Buffer.from(item.buffer, item.byteOffset, PUBLIC_KEY_BYTES).toString("latin1");
  }

  static keyOf(name: string): Uint8Array {
    return Buffer.from(name, "latin1");
  }

  /** Whether every check is of an ordinary length and by a key with a table. */
  static serveAll(checks: readonly SignatureCheck[], directory: TableDirectory): boolean {
    return checks.every(
      ({ publicKey, message }) =>
        publicKey.length === PUBLIC_KEY_BYTES &&
        message.length <= ORDINARY_MESSAGE_BYTES &&
        directory.has(BatchTables.nameOf(publicKey)),
    );
  }

  /** The table of the key at `offset`, if it has one. */
  readonly tableAt: TableAt = (bytes, offset) => {
    const name = bytes.toString("latin1", offset, offset + PUBLIC_KEY_BYTES);
    const table = this.#directory.hold(name, this.#lane);
    if (table !== undefined) this.#held.push(table);
    return table;
  };

  /** Lets go of all. */
  release(): void {
    for (const table of this.#held) this.#directory.release(table);
    this.#held.length = 0;
  }
}
