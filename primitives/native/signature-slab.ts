import { invariant } from "../assert.ts";
import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES } from "../ed25519/criterion.ts";
import { MAX_RECORDS, RECORD_BYTES, type VerificationKernel } from "../kernel/kernel.ts";
import { hasTable, readRecord, setVerdict, verdictOf, writeRecord } from "../kernel/records.ts";
import { verifySodium } from "./sodium.ts";

/** Signatures that cross to a thread at once. */
export const MAX_BATCH_SIGNATURES = MAX_RECORDS;
/** What members and validators sign are statements of 75 to a few hundred bytes. */
export const MAX_MESSAGE_BYTES = 65_536;
/** Seals a batch of long messages early. A single longest message fits. */
export const MAX_BATCH_BYTES = 131_072;
/** Key and signature, before the message. */
export const ITEM_FIXED_BYTES = PUBLIC_KEY_BYTES + SIGNATURE_BYTES;

/** Bytes of a slab: records, then keys, signatures and messages. */
export const SLAB_BYTES = MAX_RECORDS * RECORD_BYTES + MAX_BATCH_BYTES;

/** Where a key's table lies, and the bits of its windows. */
export interface TablePlace {
  readonly address: number;
  readonly width: number;
}

/** Items one after the other, as a call keeps them. */
export interface ItemBytes {
  readonly bytes: Buffer;
  /** Where item `index` begins, and the one before it ends. */
  startOf(index: number): number;
}

/** The table of the key at an offset, if it has one. */
export type TableAt = (bytes: Buffer, offset: number) => TablePlace | undefined;

/** The memory that the kernel's threads share, seen as bytes and as words. */
export class SharedBytes {
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;
  /** For atomic access. */
  readonly control: Int32Array;

  constructor(buffer: SharedArrayBuffer) {
    this.bytes = new Uint8Array(buffer);
    this.words = new Uint32Array(buffer);
    this.control = new Int32Array(buffer);
  }
}

/**
 * A batch of signatures in shared memory: whoever fills it and whoever verifies it see the same
 * bytes, nothing is serialised or copied between them. One of both holds it at a time.
 */
export class SignatureSlab {
  readonly #memory: SharedBytes;
  readonly #records: number;
  readonly #firstByte: number;
  #count = 0;
  #used = 0;

  /** `address`: of SLAB_BYTES bytes. */
  constructor(memory: SharedBytes, address: number) {
    this.#memory = memory;
    this.#records = address;
    this.#firstByte = address + MAX_RECORDS * RECORD_BYTES;
  }

  get count(): number {
    return this.#count;
  }

  clear(): void {
    this.#count = 0;
    this.#used = 0;
  }

  /** Whether one more item of this many bytes (key, signature and message together) fits. */
  hasRoomFor(bytes: number): boolean {
    return this.#count < MAX_RECORDS && this.#used + bytes <= MAX_BATCH_BYTES;
  }

  /** `item`: public key, signature and message, one after the other. */
  add(item: Uint8Array, table: TablePlace | undefined): void {
    invariant(item.length >= ITEM_FIXED_BYTES, "an item has a key and a signature");
    this.#memory.bytes.set(item, this.#firstByte + this.#used);
    this.#record(item.length, table);
  }

  /**
   * Items `from` up to `to` of a call, all at once. `tableAt`: of the key that begins at an offset of
   * the call's bytes.
   */
  addPart(job: ItemBytes, from: number, to: number, tableAt: TableAt): void {
    const start = job.startOf(from);
    const bytes = job.bytes.subarray(start, job.startOf(to));
    invariant(this.#used + bytes.length <= MAX_BATCH_BYTES, "the slab has room");
    this.#memory.bytes.set(bytes, this.#firstByte + this.#used);
    for (let item = from; item < to; item++) {
      const at = job.startOf(item);
      this.#record(job.startOf(item + 1) - at, tableAt(job.bytes, at));
    }
  }

  #record(itemBytes: number, table: TablePlace | undefined): void {
    invariant(itemBytes <= ITEM_FIXED_BYTES + MAX_MESSAGE_BYTES, "a message is bounded");
    invariant(this.hasRoomFor(itemBytes), "the slab has room");
    const publicKey = this.#firstByte + this.#used;
    writeRecord(this.#memory.words, this.#records + RECORD_BYTES * this.#count, {
      publicKey,
      signature: publicKey + PUBLIC_KEY_BYTES,
      message: publicKey + ITEM_FIXED_BYTES,
      messageBytes: itemBytes - ITEM_FIXED_BYTES,
      table: table?.address ?? 0,
      width: table?.width ?? 0,
    });
    this.#count += 1;
    this.#used += itemBytes;
  }

  /** Address of the first record. */
  get firstRecord(): number {
    return this.#records;
  }

  /** Makes the slab an order to build the table of a key, whose verdict says whether it is one. */
  order(publicKey: Uint8Array, table: TablePlace): void {
    const item = new Uint8Array(ITEM_FIXED_BYTES);
    item.set(publicKey);
    this.clear();
    this.add(item, table);
  }

  verdict(index: number): boolean {
    invariant(index < this.#count, "a verdict of this batch");
    return verdictOf(this.#memory.words, this.#records + RECORD_BYTES * index);
  }

  /** For the thread that did not fill the slab. */
  adopt(count: number): void {
    invariant(count >= 0 && count <= MAX_RECORDS, "records of a slab");
    this.#count = count;
  }

  /** Verifies the items from `from` up to `to`: by the kernel those with a table, others not. */
  verify(kernel: VerificationKernel | undefined, from: number, to: number): void {
    const first = this.#records + RECORD_BYTES * from;
    kernel?.verify(first, to - from);
    for (let i = from; i < to; i++) {
      const record = this.#records + RECORD_BYTES * i;
      if (kernel !== undefined && hasTable(this.#memory.words, record)) continue;
      this.#verifyBySodium(record);
    }
  }

  #verifyBySodium(record: number): void {
    const { publicKey, messageBytes } = readRecord(this.#memory.words, record);
    // A copy: libsodium's binding takes no shared memory.
    const item = this.#memory.bytes.slice(publicKey, publicKey + ITEM_FIXED_BYTES + messageBytes);
    const verdict = verifySodium(
      item.subarray(0, PUBLIC_KEY_BYTES),
      item.subarray(ITEM_FIXED_BYTES),
      item.subarray(PUBLIC_KEY_BYTES, ITEM_FIXED_BYTES),
    );
    setVerdict(this.#memory.words, record, verdict);
  }
}
