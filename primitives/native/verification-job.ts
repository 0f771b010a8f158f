import { invariant } from "../assert.ts";
import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES } from "../ed25519/criterion.ts";
import type { SignatureCheck } from "../verifier.ts";
import { ITEM_FIXED_BYTES } from "./signature-slab.ts";

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
  readonly #bytes: Uint8Array;
  /** Of item i: from #ends[i - 1] to #ends[i] in the bytes. */
  readonly #ends: readonly number[];
  /** Item i's place among the checks. */
  readonly #places: readonly number[];
  readonly #verdicts: boolean[];
  #missing: number;
  #settled = false;
  #resolve: (verdicts: readonly boolean[]) => void = () => {};
  #reject: (reason: Error) => void = () => {};

  constructor(checks: readonly SignatureCheck[], source: string | undefined) {
    this.source = source;
    const places: number[] = [];
    const ends: number[] = [];
    const verdicts: boolean[] = [];
    let size = 0;
    checks.forEach((check, place) => {
      verdicts.push(false);
      if (!isPackable(check)) return;
      size += packedSize(check);
      places.push(place);
      ends.push(size);
    });
    this.#bytes = new Uint8Array(size);
    places.forEach((place, item) => {
      const check = checks[place];
      if (check !== undefined) this.#copy(check, item === 0 ? 0 : (ends[item - 1] ?? 0));
    });
    this.#places = places;
    this.#ends = ends;
    this.#verdicts = verdicts;
    this.count = places.length;
    this.#missing = places.length;
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
    return this.#bytes.length;
  }

  /** Public key, signature and message of an item. */
  item(index: number): Uint8Array {
    return this.#bytes.subarray(this.#startOf(index), this.#ends[index]);
  }

  sizeOf(index: number): number {
    return (this.#ends[index] ?? 0) - this.#startOf(index);
  }

  answer(index: number, verdict: boolean): void {
    const place = this.#places[index];
    invariant(place !== undefined && this.#missing > 0, "a signature is answered once");
    this.#verdicts[place] = verdict;
    this.#missing -= 1;
    if (this.#missing === 0) this.#settle();
  }

  fail(reason: Error): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#reject(reason);
  }

  #startOf(index: number): number {
    return index === 0 ? 0 : (this.#ends[index - 1] ?? 0);
  }

  #copy({ publicKey, signature, message }: SignatureCheck, at: number): void {
    this.#bytes.set(publicKey, at);
    this.#bytes.set(signature, at + PUBLIC_KEY_BYTES);
    this.#bytes.set(message, at + ITEM_FIXED_BYTES);
  }

  #settle(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#resolve(this.#verdicts);
  }
}

export function isPackable({ publicKey, signature }: SignatureCheck): boolean {
  return publicKey.length === PUBLIC_KEY_BYTES && signature.length === SIGNATURE_BYTES;
}

/** Bytes that a check takes in a batch. */
export function packedSize(check: SignatureCheck): number {
  return ITEM_FIXED_BYTES + check.message.length;
}
