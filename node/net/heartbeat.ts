import { FixedWriter } from "../../primitives/bytes.ts";

/** What one tick asks for: nothing, a ping with this payload, or to give the peer up. */
export type Beat =
  | { readonly type: "idle" }
  | { readonly type: "ping"; readonly payload: Uint8Array }
  | { readonly type: "silent"; readonly missed: number };

const IDLE: Beat = { type: "idle" };

/**
 * Whether the peer is alive. Anything that arrives from it is a sign of life; pings make sure that
 * there is something, and their answers measure the round trip. Silence is counted in heartbeats,
 * not in time: an event loop that was blocked for six seconds has missed at most one of its own.
 */
export class Heartbeat {
  readonly #everyTicks: number;
  readonly #missedLimit: number;
  #ticks = 0;
  #missed = 0;
  #heard = false;
  #sequence = 0;
  #sentAtMs = 0;
  #rttMs: number | undefined;

  constructor(everyTicks: number, missedLimit: number) {
    this.#everyTicks = everyTicks;
    this.#missedLimit = missedLimit;
  }

  /** The last measured round trip in milliseconds. */
  get rttMs(): number | undefined {
    return this.#rttMs;
  }

  /** Bytes arrived. */
  heard(): void {
    this.#heard = true;
  }

  /** `nowMs` is monotonic. `reading` is false while we do not read: then silence means nothing. */
  tick(nowMs: number, reading: boolean): Beat {
    this.#ticks += 1;
    if (this.#ticks % this.#everyTicks !== 0) return IDLE;
    this.#missed = this.#heard || !reading ? 0 : this.#missed + 1;
    this.#heard = false;
    if (this.#missed >= this.#missedLimit) return { type: "silent", missed: this.#missed };
    this.#sequence += 1;
    this.#sentAtMs = nowMs;
    return { type: "ping", payload: new FixedWriter(8).u64(this.#sequence).finish() };
  }

  /** The answer to a ping; one that does not belong to the newest measures nothing. */
  pong(payload: Uint8Array, nowMs: number): void {
    if (payload.length !== 8) return;
    const view = new DataView(payload.buffer, payload.byteOffset, 8);
    if (view.getBigUint64(0) !== BigInt(this.#sequence) || this.#sequence === 0) return;
    this.#rttMs = Math.max(0, nowMs - this.#sentAtMs);
  }
}
