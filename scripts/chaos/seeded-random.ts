import { createHash } from "node:crypto";
import { invariant, present } from "../../primitives/assert.ts";

const TWO_TO_48 = 2 ** 48;

/**
 * Numbers that depend on a seed and a label alone. Every use has a stream of its own, so that one
 * use drawing more or fewer numbers changes no other. Not for secrets.
 */
export class SeededRandom {
  readonly #key: string;
  #drawn = 0;

  constructor(seed: number, label: string) {
    this.#key = `${seed}/${label}`;
  }

  /** 0 <= x < 1, with 48 bits. */
  unit(): number {
    const digest = createHash("sha256")
      .update(`${this.#key}/${this.#drawn++}`)
      .digest();
    return digest.readUIntBE(0, 6) / TWO_TO_48;
  }

  /** A whole number, both ends included. */
  between(least: number, most: number): number {
    invariant(Number.isSafeInteger(least) && Number.isSafeInteger(most) && least <= most, "range");
    return least + Math.floor(this.unit() * (most - least + 1));
  }

  pick<T>(items: readonly T[]): T {
    return present(items[this.between(0, items.length - 1)], "item to pick");
  }

  /** A copy in random order. */
  shuffled<T>(items: readonly T[]): readonly T[] {
    return items
      .map((item) => ({ item, place: this.unit() }))
      .sort((a, b) => a.place - b.place)
      .map(({ item }) => item);
  }
}
