/**
 * Counts the boundaries that a node passes, between two effects or two sends, and lets it die at the
 * one that was chosen: a process can end anywhere, not only between two events.
 */
export class DeathWatch {
  readonly #die: () => void;
  #boundariesLeft: number | undefined;
  #afterwards: () => void = () => {};

  /** `die` ends the process. */
  constructor(die: () => void) {
    this.#die = die;
  }

  /** It dies at the `boundary`-th effect or send from now; then `afterwards` runs. */
  arm(boundary: number, afterwards: () => void): void {
    this.#boundariesLeft = boundary;
    this.#afterwards = afterwards;
  }

  disarm(): void {
    this.#boundariesLeft = undefined;
  }

  /** Passes a boundary; true where the node has died at it. */
  passes(): boolean {
    if (this.#boundariesLeft === undefined) return false;
    this.#boundariesLeft -= 1;
    if (this.#boundariesLeft > 0) return false;
    this.#boundariesLeft = undefined;
    this.#die();
    this.#afterwards();
    return true;
  }
}
