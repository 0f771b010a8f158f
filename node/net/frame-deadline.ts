/**
 * Finds a frame that trickles in: after a grace it must have brought a least number of bytes for
 * every further tick. Counted in ticks of the mesh, so time in which our own event loop was blocked
 * is not held against the peer.
 */
export class FrameDeadline {
  readonly #graceTicks: number;
  readonly #minBytesPerTick: number;
  #frame = -1;
  #age = 0;

  constructor(graceTicks: number, minBytesPerTick: number) {
    this.#graceTicks = graceTicks;
    this.#minBytesPerTick = minBytesPerTick;
  }

  /**
   * Called once a tick with the number of frames completed so far and the bytes received of the
   * unfinished one. True when that frame is too slow.
   */
  tick(completed: number, received: number): boolean {
    if (received === 0 || completed !== this.#frame) {
      this.#frame = completed;
      this.#age = 0;
      return false;
    }
    this.#age += 1;
    const late = this.#age - this.#graceTicks;
    return late > 0 && received < late * this.#minBytesPerTick;
  }

  /** The peer could not send because we did not read: the frame's time starts again. */
  restart(): void {
    this.#age = 0;
  }
}
