import type { Effect } from "../../consensus/effects.ts";
import { CodedError } from "../../primitives/errors.ts";

/** Effects that may only happen once everything persisted before them is on disk. */
export type GatedEffect = Extract<
  Effect,
  { readonly type: "send" | "broadcast" | "sign" | "commit" | "endEpoch" | "serveBlocks" }
>;

/** Effects behind a write that does not end: the disk hangs, and the network has gone on long ago. */
const MAX_WAITING_EFFECTS = 65_536;

interface Segment {
  readonly records: Uint8Array[];
  readonly effects: GatedEffect[];
}

export interface OutboxPorts {
  /** Resolves once the records are durable; a rejection is fatal. */
  append(records: readonly Uint8Array[]): Promise<void>;
  release(effect: GatedEffect): void;
  fatal(error: unknown): void;
  /** Seconds one durable write took. */
  wrote(seconds: number, records: number): void;
}

/**
 * Keeps the order of the core's effects: what leaves the node, or becomes visible to its users,
 * waits until every record persisted before it is durable. Records that come while a write is under
 * way share the next one (group commit).
 */
export class DurableOutbox {
  readonly #ports: OutboxPorts;
  #segments: Segment[] = [];
  /** Segments at the head of the list whose records are being written: closed to more records. */
  #inFlight = 0;
  /** Effects in all segments. */
  #waiting = 0;
  #writing = false;
  #stopped = false;
  #idle: (() => void)[] = [];

  constructor(ports: OutboxPorts) {
    this.#ports = ports;
  }

  persist(records: readonly Uint8Array[]): void {
    if (this.#stopped) return;
    const last = this.#segments.length > this.#inFlight ? this.#segments.at(-1) : undefined;
    if (last !== undefined && last.effects.length === 0) last.records.push(...records);
    else this.#segments.push({ records: [...records], effects: [] });
    // Start after the current turn, so that all records of one step share a write.
    if (!this.#writing) {
      this.#writing = true;
      queueMicrotask(() => void this.#write());
    }
  }

  gate(effect: GatedEffect): void {
    if (this.#stopped) return;
    const last = this.#segments.at(-1);
    if (last === undefined) {
      this.#ports.release(effect);
      return;
    }
    last.effects.push(effect);
    this.#waiting += 1;
    if (this.#waiting <= MAX_WAITING_EFFECTS) return;
    this.#stopped = true;
    this.#ports.fatal(new CodedError("JOURNAL_STALLED", "the journal's disk does not answer"));
  }

  /** Nothing is released any more; resolves when no write is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#writing) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  async #write(): Promise<void> {
    try {
      while (this.#segments.length > 0 && !this.#stopped) {
        this.#inFlight = this.#segments.length;
        const started = performance.now();
        const records = this.#segments.flatMap((segment) => segment.records);
        await this.#ports.append(records);
        this.#ports.wrote((performance.now() - started) / 1000, records.length);
        // `gate` may have added to the last of these while they were written: all are released.
        const durable = this.#segments.splice(0, this.#inFlight);
        this.#inFlight = 0;
        for (const segment of durable) {
          this.#waiting -= segment.effects.length;
          for (const effect of segment.effects) if (!this.#stopped) this.#ports.release(effect);
        }
      }
    } catch (error) {
      this.#stopped = true;
      this.#ports.fatal(error);
    } finally {
      this.#writing = false;
      for (const resolve of this.#idle.splice(0)) resolve();
    }
  }
}
