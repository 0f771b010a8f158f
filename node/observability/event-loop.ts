import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";

/** Sampling period: delays shorter than this are noise for a settlement node. */
const RESOLUTION_MS = 10;

/** How late the event loop runs its timers: the first sign of a main thread that does too much. */
export class EventLoopDelay {
  readonly #histogram: IntervalHistogram;

  constructor() {
    this.#histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    this.#histogram.enable();
  }

  /** 99th percentile in seconds since the last call; the resolution itself is taken off. */
  takeP99Seconds(): number {
    const p99 = this.#histogram.percentile(99) / 1e9 - RESOLUTION_MS / 1000;
    this.#histogram.reset();
    return Number.isFinite(p99) ? Math.max(0, p99) : 0;
  }

  close(): void {
    this.#histogram.disable();
  }
}
