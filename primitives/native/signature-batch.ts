import { invariant } from "../assert.ts";
import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES } from "../ed25519/criterion.ts";
import { CodedError } from "../errors.ts";
import type { SignatureCheck, VerifySignature } from "../verifier.ts";

/*
 * Layout of a batch, integers big-endian:
 *
 *   u32 batch number | u32 count | count x ( public key 32 | signature 64 | u32 length | message )
 *
 * and of its answer:
 *
 *   u32 batch number | u32 count | ceil(count / 8) bytes
 *
 * where bit (i mod 8) of byte floor(i / 8), counted from the least significant, says that item i
 * verified, and the unused bits of the last byte are 0. The answer repeats number and count, so
 * that it can't be taken for the answer to another batch.
 */

const HEADER_BYTES = 8;
const ITEM_FIXED_BYTES = PUBLIC_KEY_BYTES + SIGNATURE_BYTES + 4;

/** Crossing a thread costs 35 us a signature at 1 and 0.4 us at 256; more gains nothing. */
export const MAX_BATCH_SIGNATURES = 256;
/** What members and validators sign are statements of 75 to a few hundred bytes. */
export const MAX_MESSAGE_BYTES = 65_536;
/** Seals a batch of long messages early; also the most that one batch copies to a worker. */
export const MAX_BATCH_BYTES = 262_144;
/** Room for about 70 ordinary items before the first growth. */
const INITIAL_BATCH_BYTES = 16_384;

export type BatchErrorCode = "BATCH_MALFORMED" | "ANSWER_MALFORMED";

/** Bytes between the threads that don't have the layout above: a defect, never a verdict. */
export class BatchError extends CodedError<BatchErrorCode> {
  override readonly name = "BatchError";
}

/** Bytes that the item takes in a batch. */
export function packedSize(check: SignatureCheck): number {
  return ITEM_FIXED_BYTES + check.message.length;
}

/** A batch being filled. Copies what it is given. */
export class BatchWriter {
  readonly batchNumber: number;
  #bytes = new Uint8Array(INITIAL_BATCH_BYTES);
  #used = HEADER_BYTES;
  #count = 0;

  /** `batchNumber`: u32. */
  constructor(batchNumber: number) {
    invariant(Number.isInteger(batchNumber) && batchNumber >>> 0 === batchNumber, "u32 number");
    this.batchNumber = batchNumber;
  }

  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count >= MAX_BATCH_SIGNATURES;
  }

  hasRoomFor(check: SignatureCheck): boolean {
    if (this.#count === 0) return true;
    return !this.isFull && this.#used + packedSize(check) <= MAX_BATCH_BYTES;
  }

  add({ publicKey, message, signature }: SignatureCheck): void {
    invariant(publicKey.length === PUBLIC_KEY_BYTES, "public key has its length");
    invariant(signature.length === SIGNATURE_BYTES, "signature has its length");
    invariant(message.length <= MAX_MESSAGE_BYTES, "message is within its bound");
    const end = this.#used + ITEM_FIXED_BYTES + message.length;
    this.#reserve(end);
    const bytes = this.#bytes;
    bytes.set(publicKey, this.#used);
    bytes.set(signature, this.#used + PUBLIC_KEY_BYTES);
    writeU32(bytes, this.#used + PUBLIC_KEY_BYTES + SIGNATURE_BYTES, message.length);
    bytes.set(message, this.#used + ITEM_FIXED_BYTES);
    this.#used = end;
    this.#count += 1;
  }

  /** A new buffer with the batch, for transfer: the writer keeps its own for a second run. */
  pack(): ArrayBuffer {
    const packed = this.#bytes.slice(0, this.#used);
    writeU32(packed, 0, this.batchNumber);
    writeU32(packed, 4, this.#count);
    return packed.buffer;
  }

  #reserve(size: number): void {
    if (size <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(size, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#used));
    this.#bytes = grown;
  }
}

/**
 * Verifies a packed batch a few items at a time, so that a worker can let a vote pass and the main
 * thread its event loop.
 */
export class BatchRun {
  readonly #bytes: Uint8Array;
  readonly #verify: VerifySignature;
  readonly #answer: Uint8Array;
  readonly #count: number;
  #next = 0;
  #offset = HEADER_BYTES;

  /** Throws BatchError BATCH_MALFORMED, here or from `advance`. */
  constructor(batch: ArrayBuffer, verify: VerifySignature) {
    this.#bytes = new Uint8Array(batch);
    this.#verify = verify;
    if (batch.byteLength < HEADER_BYTES) throw malformedBatch("no header");
    this.#count = readU32(this.#bytes, 4);
    if (this.#count > MAX_BATCH_SIGNATURES) throw malformedBatch("count over the bound");
    this.#answer = new Uint8Array(answerSize(this.#count));
    this.#answer.set(this.#bytes.subarray(0, HEADER_BYTES));
  }

  get done(): boolean {
    return this.#next === this.#count;
  }

  /** Verifies up to `limit` more items. */
  advance(limit: number): void {
    const stop = Math.min(this.#count, this.#next + limit);
    for (; this.#next < stop; this.#next++) this.#verifyNext();
    if (this.done && this.#offset !== this.#bytes.length) throw malformedBatch("trailing bytes");
  }

  answer(): Uint8Array {
    invariant(this.done, "an answer covers the whole batch");
    return this.#answer;
  }

  #verifyNext(): void {
    const start = this.#offset;
    const messageStart = start + ITEM_FIXED_BYTES;
    if (messageStart > this.#bytes.length) throw malformedBatch("cut item");
    const end = messageStart + readU32(this.#bytes, messageStart - 4);
    if (end > this.#bytes.length) throw malformedBatch("cut message");
    const publicKey = this.#bytes.subarray(start, start + PUBLIC_KEY_BYTES);
    const signature = this.#bytes.subarray(start + PUBLIC_KEY_BYTES, messageStart - 4);
    if (this.#verify(publicKey, this.#bytes.subarray(messageStart, end), signature)) {
      const at = HEADER_BYTES + (this.#next >> 3);
      this.#answer[at] = (this.#answer[at] ?? 0) | (1 << (this.#next & 7));
    }
    this.#offset = end;
  }
}

/**
 * The verdicts of an answer, in the order of the batch.
 *
 * @throws BatchError ANSWER_MALFORMED: not exactly an answer to the batch of this number and count
 */
export function readAnswer(answer: unknown, batchNumber: number, count: number): boolean[] {
  if (!(answer instanceof Uint8Array)) throw malformedAnswer("not bytes");
  if (answer.length !== answerSize(count)) throw malformedAnswer("wrong length");
  if (readU32(answer, 0) !== batchNumber || readU32(answer, 4) !== count) {
    throw malformedAnswer("answers another batch");
  }
  const bit = (i: number): boolean =>
    (((answer[HEADER_BYTES + (i >> 3)] ?? 0) >> (i & 7)) & 1) === 1;
  for (let i = count; i < (answer.length - HEADER_BYTES) * 8; i++) {
    if (bit(i)) throw malformedAnswer("bits past the count");
  }
  return Array.from({ length: count }, (_, i) => bit(i));
}

function answerSize(count: number): number {
  return HEADER_BYTES + Math.ceil(count / 8);
}

function malformedBatch(reason: string): BatchError {
  return new BatchError("BATCH_MALFORMED", `verification batch: ${reason}`, { reason });
}

function malformedAnswer(reason: string): BatchError {
  return new BatchError("ANSWER_MALFORMED", `verification answer: ${reason}`, { reason });
}

function writeU32(bytes: Uint8Array, at: number, value: number): void {
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(at, value);
}

function readU32(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at);
}
