/** Values share arrays of this size: a hundredth of it is lost at the end of each, at most. */
const CHUNK_BYTES = 1 << 20;
/** Larger values have an array of their own. */
const LARGEST_SHARED = CHUNK_BYTES / 100;

/**
 * Keeps many small values that stay for long. An array of its own costs a record of some 150 bytes
 * three times over (view, buffer, backing store); a view of a shared one costs it once. A shared
 * array is freed when none of its values is held any more, so this is for what is loaded at a start
 * and changes little by little: it never grows.
 */
export class ValueArena {
  #chunk = new Uint8Array(0);
  #used = 0;

  /** A copy of the value: a view that must not be written to. */
  keep(value: Uint8Array): Uint8Array {
    if (value.length > LARGEST_SHARED) return new Uint8Array(value);
    if (this.#used + value.length > this.#chunk.length) {
      this.#chunk = new Uint8Array(CHUNK_BYTES);
      this.#used = 0;
    }
    const start = this.#used;
    this.#used += value.length;
    this.#chunk.set(value, start);
    return this.#chunk.subarray(start, this.#used);
  }
}
