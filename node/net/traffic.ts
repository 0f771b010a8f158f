import type { FrameClass } from "./frame.ts";
import type { DropReason } from "./net-error.ts";

interface ClassCounters {
  framesIn: number;
  bytesIn: number;
  framesOut: number;
  bytesOut: number;
}

function zero(): ClassCounters {
  return { framesIn: 0, bytesIn: 0, framesOut: 0, bytesOut: 0 };
}

/** Counts by a closed set of codes; only those that occurred are listed. */
export class Tally<Code extends string> {
  readonly #counts = new Map<Code, number>();

  add(code: Code, times = 1): void {
    if (times > 0) this.#counts.set(code, (this.#counts.get(code) ?? 0) + times);
  }

  of(code: Code): number {
    return this.#counts.get(code) ?? 0;
  }

  toRecord(): Partial<Record<Code, number>> {
    const out: Partial<Record<Code, number>> = {};
    for (const [code, count] of this.#counts) out[code] = count;
    return out;
  }
}

/** What went to and came from one peer since the mesh was created, over all of its links. */
export class PeerTraffic {
  readonly classes: Readonly<Record<FrameClass, ClassCounters>> = {
    priority: zero(),
    bulk: zero(),
  };
  readonly drops = new Tally<DropReason>();
}
