import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatBytes } from "../../primitives/bytes.ts";
import { Deframer } from "./deframer.ts";
import { encodeFrame, FRAME_CLASSES, type Frame, type FrameClass, FrameKind } from "./frame.ts";
import { FRAME_RULES, LARGEST_FRAME } from "./limits.ts";
import { NetError } from "./net-error.ts";

function collect(stream: FrameClass): { frames: Frame[]; deframer: Deframer } {
  const frames: Frame[] = [];
  const deframer = new Deframer(stream, (kind, payload) => frames.push({ kind, payload }));
  return { frames, deframer };
}

function kindsOn(stream: FrameClass): FrameKind[] {
  return Object.values(FrameKind).filter((kind) => {
    const carrier = FRAME_RULES.get(kind)?.stream;
    return carrier === stream || carrier === "all";
  });
}

function codeOf(work: () => void): string {
  try {
    work();
  } catch (thrown) {
    return thrown instanceof NetError ? thrown.code : String(thrown);
  }
  return "accepted";
}

function prefix(length: number, kind?: number): Uint8Array {
  const out = new Uint8Array(kind === undefined ? 4 : 5);
  new DataView(out.buffer).setUint32(0, length);
  if (kind !== undefined) out[4] = kind;
  return out;
}

const streamOfFrames = fc.constantFrom(...FRAME_CLASSES).chain((stream) =>
  fc.record({
    stream: fc.constant(stream),
    frames: fc.array(
      fc.constantFrom(...kindsOn(stream)).chain((kind) =>
        fc.record({
          kind: fc.constant(kind),
          payload: fc.uint8Array({
            maxLength: Math.min(300, FRAME_RULES.get(kind)?.maxBytes ?? 0),
          }),
        }),
      ),
      { maxLength: 12 },
    ),
    cuts: fc.array(fc.nat(4_000), { maxLength: 40 }),
  }),
);

describe("Deframer", () => {
  it("gives the same frames whatever the chunks", () => {
    fc.assert(
      fc.property(streamOfFrames, ({ stream, frames, cuts }) => {
        const bytes = concatBytes(...frames.map(({ kind, payload }) => encodeFrame(kind, payload)));
        const places = [...new Set([0, ...cuts, bytes.length])]
          .filter((place) => place <= bytes.length)
          .toSorted((a, b) => a - b);
        const { frames: got, deframer } = collect(stream);
        for (const [i, from] of places.entries())
          deframer.push(bytes.subarray(from, places[i + 1]));
        expect(got).toEqual(frames);
        expect(deframer.completed).toBe(frames.length);
        expect(deframer.received).toBe(0);
        expect(deframer.allocatedBytes).toBe(0);
      }),
    );
  });

  it("hands out payloads that share no memory with the chunk", () => {
    const { frames, deframer } = collect("priority");
    const chunk = encodeFrame(FrameKind.vote, new Uint8Array([1, 2, 3]));
    deframer.push(chunk);
    chunk.fill(0xff);
    expect(frames[0]?.payload).toEqual(new Uint8Array([1, 2, 3]));
  });

  it("accepts each kind at its cap and refuses it one byte above, after five bytes", () => {
    for (const [kind, rule] of FRAME_RULES) {
      const stream = rule.stream === "all" ? "priority" : rule.stream;
      const atCap = collect(stream);
      atCap.deframer.push(prefix(rule.maxBytes, kind));
      atCap.deframer.push(new Uint8Array(rule.maxBytes));
      expect(atCap.frames.map((frame) => frame.payload.length)).toEqual([rule.maxBytes]);
      const above = collect(stream);
      expect(codeOf(() => above.deframer.push(prefix(rule.maxBytes + 1, kind)))).toBe(
        "FRAME_TOO_LARGE",
      );
      expect(above.deframer.allocatedBytes).toBe(0);
    }
  });

  it("refuses a length that no kind of the stream has before the kind is there", () => {
    for (const stream of FRAME_CLASSES) {
      for (const length of [LARGEST_FRAME[stream] + 1, 2 ** 31, 2 ** 32 - 1]) {
        const { deframer } = collect(stream);
        expect(codeOf(() => deframer.push(prefix(length)))).toBe("FRAME_TOO_LARGE");
        expect(deframer.allocatedBytes).toBe(0);
      }
    }
  });

  it("refuses unknown kinds and kinds of the other stream", () => {
    for (let kind = 0; kind < 256; kind++) {
      for (const stream of FRAME_CLASSES) {
        const carrier = FRAME_RULES.get(kind)?.stream;
        const admitted = carrier === stream || carrier === "all";
        const expected = carrier === undefined ? "FRAME_KIND_UNKNOWN" : "FRAME_ON_WRONG_STREAM";
        const { deframer } = collect(stream);
        const outcome = codeOf(() => deframer.push(prefix(0, kind)));
        expect(outcome).toBe(admitted ? "accepted" : expected);
      }
    }
  });

  it("stays broken: what follows a refused frame is never read as frames", () => {
    const { frames, deframer } = collect("priority");
    expect(codeOf(() => deframer.push(prefix(0, 200)))).toBe("FRAME_KIND_UNKNOWN");
    const good = encodeFrame(FrameKind.vote, new Uint8Array(1));
    expect(codeOf(() => deframer.push(good))).toBe("FRAME_KIND_UNKNOWN");
    expect(frames).toEqual([]);
  });

  it("holds at most twice what arrived of a large frame, 64 KiB at least", () => {
    const { deframer } = collect("bulk");
    const length = 4 << 20;
    deframer.push(prefix(length, FrameKind.blocks));
    expect(deframer.allocatedBytes).toBe(0);
    const piece = new Uint8Array(10_000);
    for (let arrived = piece.length; arrived < length; arrived += piece.length) {
      deframer.push(piece);
      expect(deframer.allocatedBytes).toBeLessThanOrEqual(Math.max(64 << 10, 2 * arrived));
    }
  });
});
