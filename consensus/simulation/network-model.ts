import { invariant } from "../../primitives/assert.ts";
import type { Prng } from "../../primitives/prng.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** How all links behave until the next change. Delays differ by message, so messages overtake. */
export interface LinkQuality {
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  /** Chance that a message is held up ten times as long as drawn. */
  readonly stallChance: number;
  readonly dropChance: number;
  readonly duplicateChance: number;
}

/** What one link may hold: a real link has a bounded send queue as well, and drops beyond it. */
const MAX_IN_FLIGHT_PER_LINK = 4_096;

export interface NetworkOptions<Message> {
  readonly clock: VirtualClock;
  readonly prng: Prng;
  readonly size: number;
  readonly quality: LinkQuality;
  readonly deliver: (from: number, to: number, message: Message) => void;
}

/**
 * A full mesh of lossy links. A link can be cut in one direction only; what is in flight when the
 * link is cut is lost, as with a broken connection.
 */
export class NetworkModel<Message> {
  quality: LinkQuality;
  readonly #clock: VirtualClock;
  readonly #prng: Prng;
  readonly #size: number;
  readonly #deliver: NetworkOptions<Message>["deliver"];
  /** By link: how many partitions cut it now. */
  readonly #cuts: number[];
  readonly #inFlight: number[];
  #sent = 0;

  constructor(options: NetworkOptions<Message>) {
    this.quality = options.quality;
    this.#clock = options.clock;
    this.#prng = options.prng;
    this.#size = options.size;
    this.#deliver = options.deliver;
    this.#cuts = Array.from({ length: options.size * options.size }, () => 0);
    this.#inFlight = Array.from({ length: options.size * options.size }, () => 0);
  }

  get sent(): number {
    return this.#sent;
  }

  send(from: number, to: number, message: Message): void {
    invariant(from !== to, "a node does not send to itself");
    this.#sent += 1;
    this.#transmit(from, to, message);
    if (this.#prng.chance(this.quality.duplicateChance)) this.#transmit(from, to, message);
  }

  cut(from: number, to: number): void {
    this.#addCut(from, to, 1);
  }

  mend(from: number, to: number): void {
    this.#addCut(from, to, -1);
  }

  isCut(from: number, to: number): boolean {
    return (this.#cuts[this.#link(from, to)] ?? 0) > 0;
  }

  #addCut(from: number, to: number, change: number): void {
    const link = this.#link(from, to);
    const next = (this.#cuts[link] ?? 0) + change;
    invariant(next >= 0, "a link is mended as often as it was cut");
    this.#cuts[link] = next;
  }

  #transmit(from: number, to: number, message: Message): void {
    const link = this.#link(from, to);
    const queued = this.#inFlight[link] ?? 0;
    if (this.isCut(from, to) || queued >= MAX_IN_FLIGHT_PER_LINK) return;
    if (this.#prng.chance(this.quality.dropChance)) return;
    this.#inFlight[link] = queued + 1;
    this.#clock.after(this.#delay(), () => {
      this.#inFlight[link] = (this.#inFlight[link] ?? 0) - 1;
      if (!this.isCut(from, to)) this.#deliver(from, to, message);
    });
  }

  #delay(): number {
    const { minDelayMs, maxDelayMs, stallChance } = this.quality;
    const drawn = minDelayMs + this.#prng.below(maxDelayMs - minDelayMs + 1);
    return this.#prng.chance(stallChance) ? drawn * 10 : drawn;
  }

  #link(from: number, to: number): number {
    return from * this.#size + to;
  }
}
