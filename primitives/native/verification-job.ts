import { invariant } from "../assert.ts";
import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES } from "../ed25519/criterion.ts";
import type { SignatureCheck } from "../verifier.ts";
import { ITEM_FIXED_BYTES } from "./signature-slab.ts";

/** Calls share buffers of this size: one of its own each would be work for the garbage collector. */
const CHUNK_BYTES = 262_144;

/** Where the bytes of the next calls go; replaced when it is full, freed with its last call. */
let chunk = Buffer.alloc(0);
let chunkUsed = 0;

/**
 * One `verify` call that waits for its verdicts, with a copy of its bytes: public key, signature and
 * message of one check after the other. A check whose key or signature has another length is not
 * among them, its verdict is the default: "does not verify".
 */
export class VerificationJob {
  readonly promise: Promise<readonly boolean[]>;
  readonly source: string | undefined;
  /** Checks that a batch has to answer. */
  readonly count: number;
  /** Items given to batches so far; the lane's. */
  taken = 0;
  /** Item i lies from ends[i - 1], or `start`, to ends[i]. */
  readonly bytes: Buffer;
  readonly start: number;
  readonly ends: readonly number[];
  /** Item i's place among the checks; undefined: the same as i. */
  readonly #places: readonly number[] | undefined;
  readonly #verdicts: boolean[];
  #missing: number;
  #settled = false;
  #resolve: ((verdicts: readonly boolean[]) => void) | undefined;
  #reject: ((reason: Error) => void) | undefined;

  /** `byteLength`: the sum of `packedSize` over the checks that are packable. */
  constructor(checks: readonly SignatureCheck[], source: string | undefined, byteLength: number) {
    this.source = source;
    if (chunkUsed + byteLength > chunk.length) {
      chunk = Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, byteLength));
      chunkUsed = 0;
    }
    this.bytes = chunk;
    this.start = chunkUsed;
    const ends: number[] = [];
    const places: number[] = [];
    const verdicts: boolean[] = [];
    let at = chunkUsed;
    for (let place = 0; place < checks.length; place++) {
      const check = checks[place];
      verdicts.push(false);
      if (check === undefined || !isPackable(check)) continue;
      chunk.set(check.publicKey, at);
      chunk.set(check.signature, at + PUBLIC_KEY_BYTES);
      chunk.set(check.message, at + ITEM_FIXED_BYTES);
      at += packedSize(check);
      ends.push(at);
      places.push(place);
    }
    invariant(at === chunkUsed + byteLength, "the checks are those that were measured");
    chunkUsed = at;
    this.ends = ends;
    this.#places = places.length === checks.length ? undefined : places;
    this.#verdicts = verdicts;
    this.count = ends.length;
    this.#missing = ends.length;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    if (this.#missing === 0) this.#settle();
  }

  get settled(): boolean {
    return this.#settled;
  }

  get byteLength(): number {
    return this.startOf(this.count) - this.start;
  }

  /** Where item `index` begins; of the one after the last, where the job ends. */
  startOf(index: number): number {
    return index === 0 ? this.start : (this.ends[index - 1] ?? this.start);
  }

  sizeOf(index: number): number {
    return this.startOf(index + 1) - this.startOf(index);
  }

  answer(index: number, verdict: boolean): void {
    const place = this.#places === undefined ? index : this.#places[index];
    invariant(place !== undefined && this.#missing > 0, "a signature is answered once");
    this.#verdicts[place] = verdict;
    this.#missing -= 1;
    if (this.#missing === 0) this.#settle();
  }

  fail(reason: Error): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#reject?.(reason);
  }

  #settle(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#resolve?.(this.#verdicts);
  }
}

export function isPackable({ publicKey, signature }: SignatureCheck): boolean {
  return publicKey.length === PUBLIC_KEY_BYTES && signature.length === SIGNATURE_BYTES;
}

/** Bytes that a check takes in a batch. */
export function packedSize(check: SignatureCheck): number {
  return ITEM_FIXED_BYTES + check.message.length;
}
