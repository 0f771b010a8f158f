import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Deframer } from "./deframer.ts";
import { FRAME_HEADER_BYTES, type Frame, FrameKind } from "./frame.ts";
import { MAX_CONTROL_FRAMES, type QueueBounds } from "./limits.ts";
import { OutboundQueue } from "./outbound-queue.ts";

const WIDE: QueueBounds = { maxBytes: 1 << 20, maxFrames: 1_000, whenFull: "refuse-new" };

function votes(queue: OutboundQueue): number[] {
  const out: number[] = [];
  const deframer = new Deframer("priority", (_, payload) => out.push(payload[0] ?? -1));
  for (let next = queue.take(1_000); next !== undefined; next = queue.take(1_000)) {
    deframer.push(next.chunk);
  }
  return out;
}

describe("OutboundQueue", () => {
  it("writes the frames in order, whatever the size of the pieces", () => {
    const frame = fc.record({
      kind: fc.constantFrom(FrameKind.vote, FrameKind.certificate, FrameKind.status),
      payload: fc.uint8Array({ maxLength: 200 }),
    });
    const sizes = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 20 }), sizes, (frames, pieces) => {
        const queue = new OutboundQueue(WIDE, () => expect.unreachable());
        const got: Frame[] = [];
        const deframer = new Deframer("priority", (kind, payload) => got.push({ kind, payload }));
        for (const { kind, payload } of frames) expect(queue.push(kind, payload)).toBeUndefined();
        let ended = 0;
        for (let i = 0; queue.bytes > 0; i++) {
          const size = pieces[i % pieces.length] ?? 1;
          const next = queue.take(size);
          expect(next?.chunk.length).toBeLessThanOrEqual(size);
          ended += next?.ended ?? 0;
          deframer.push(next?.chunk ?? new Uint8Array(0));
        }
        expect(got).toEqual(frames);
        expect(ended).toBe(frames.length);
        expect(queue.frames).toBe(0);
        expect(queue.take(1)).toBeUndefined();
      }),
    );
  });

  it("never exceeds its bounds, and accounts for every frame", () => {
    const step = fc.oneof(
      fc.record({ type: fc.constant("push" as const), size: fc.nat(60) }),
      fc.record({ type: fc.constant("take" as const), size: fc.integer({ min: 1, max: 80 }) }),
    );
    const policies = fc.constantFrom("evict-oldest" as const, "refuse-new" as const);
    fc.assert(
      fc.property(policies, fc.array(step, { maxLength: 60 }), (whenFull, steps) => {
        let evicted = 0;
        const bounds = { maxBytes: 200, maxFrames: 5, whenFull };
        const queue = new OutboundQueue(bounds, () => {
          evicted += 1;
        });
        const counts = { pushed: 0, refused: 0, ended: 0 };
        for (const { type, size } of steps) {
          if (type === "take") counts.ended += queue.take(size)?.ended ?? 0;
          else if (queue.push(FrameKind.vote, new Uint8Array(size)) === undefined) {
            counts.pushed += 1;
          } else counts.refused += 1;
          expect(queue.bytes).toBeLessThanOrEqual(bounds.maxBytes);
          expect(queue.frames).toBeLessThanOrEqual(bounds.maxFrames);
          expect(queue.frames).toBe(counts.pushed - evicted - counts.ended);
        }
        if (whenFull === "refuse-new") expect(evicted).toBe(0);
        expect(queue.clear()).toBe(counts.pushed - evicted - counts.ended);
        expect(queue.bytes).toBe(0);
      }),
    );
  });

  it("gives up the oldest for the newest, but never a frame that is half sent", () => {
    const evicted: number[] = [];
    const bounds = { maxBytes: 1_000, maxFrames: 3, whenFull: "evict-oldest" } as const;
    const queue = new OutboundQueue(bounds, (kind) => evicted.push(kind));
    for (const mark of [1, 2, 3]) queue.push(FrameKind.vote, new Uint8Array([mark, 0, 0]));
    const started = queue.take(4);
    queue.push(FrameKind.vote, new Uint8Array([4, 0, 0]));
    expect(evicted).toEqual([FrameKind.vote]);
    const out: number[] = [];
    const deframer = new Deframer("priority", (_, payload) => out.push(payload[0] ?? -1));
    deframer.push(started?.chunk ?? new Uint8Array(0));
    deframer.push(queue.take(1_000)?.chunk ?? new Uint8Array(0));
    expect(out).toEqual([1, 3, 4]);
  });

  it("refuses a frame that could never fit, and evicts nothing for it", () => {
    const bounds = { maxBytes: 50, maxFrames: 3, whenFull: "evict-oldest" } as const;
    const queue = new OutboundQueue(bounds, () => expect.unreachable());
    queue.push(FrameKind.vote, new Uint8Array([7]));
    expect(queue.push(FrameKind.vote, new Uint8Array(46))).toBe("QUEUE_FULL");
    expect(votes(queue)).toEqual([7]);
  });

  it("lets pings overtake what waits, and only so many of them", () => {
    const queue = new OutboundQueue(WIDE, () => expect.unreachable());
    queue.push(FrameKind.vote, new Uint8Array([9]));
    for (let i = 0; i < MAX_CONTROL_FRAMES; i++) {
      expect(queue.pushControl(FrameKind.ping, new Uint8Array([i]))).toBeUndefined();
    }
    expect(queue.pushControl(FrameKind.ping, new Uint8Array(1))).toBe("CONTROL_OVERFLOW");
    expect(votes(queue)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 9]);
  });

  it("counts headers in its bytes", () => {
    const queue = new OutboundQueue(WIDE, () => expect.unreachable());
    queue.push(FrameKind.vote, new Uint8Array(10));
    expect(queue.bytes).toBe(10 + FRAME_HEADER_BYTES);
  });
});
