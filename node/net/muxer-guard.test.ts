import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatBytes } from "../../primitives/bytes.ts";
import { HOST_LIMITS } from "./limits.ts";
import { MuxerGuard } from "./muxer-guard.ts";
import { NetError } from "./net-error.ts";

const DATA = 0;
const WINDOW = 1;
const PING = 2;
const SYN = 1;

function yamuxFrame(type: number, flags: number, length: number): Uint8Array {
  const body = type === DATA ? length : 0;
  const out = new Uint8Array(12 + body).fill(0xee);
  const view = new DataView(out.buffer);
  view.setUint8(0, 0);
  view.setUint8(1, type);
  view.setUint16(2, flags);
  view.setUint32(4, 1);
  view.setUint32(8, length);
  return out;
}

describe("MuxerGuard", () => {
  it("lets honest traffic through, whatever the chunks", () => {
    const frame = fc.oneof(
      fc.nat(500).map((length) => yamuxFrame(DATA, 0, length)),
      fc.nat(1_000_000).map((delta) => yamuxFrame(WINDOW, 0, delta)),
    );
    const cutting = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 30 }), cutting, (frames, pieces) => {
        const guard = new MuxerGuard(() => 0);
        const bytes = concatBytes(...frames);
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const size = pieces[i % pieces.length] ?? 1;
          expect(() => guard.push(bytes.subarray(at, at + size))).not.toThrow();
          at += size;
        }
      }),
    );
  });

  it("refuses a data frame above the window on its header alone", () => {
    const header = yamuxFrame(WINDOW, 0, 0);
    const view = new DataView(header.buffer);
    view.setUint8(1, DATA);
    view.setUint32(8, HOST_LIMITS.maxStreamWindowBytes);
    expect(() => new MuxerGuard(() => 0).push(header)).not.toThrow();
    for (const length of [HOST_LIMITS.maxStreamWindowBytes + 1, 2 ** 32 - 1]) {
      view.setUint32(8, length);
      expect(() => new MuxerGuard(() => 0).push(header)).toThrow(NetError);
    }
  });

  it.each([
    ["pings", yamuxFrame(PING, SYN, 1)],
    ["answers to pings", yamuxFrame(PING, 2, 1)],
    ["streams", yamuxFrame(WINDOW, SYN, 0)],
    ["streams with data", yamuxFrame(DATA, SYN, 3)],
  ])("refuses a flood of %s, but not as many over a long time", (_, bytes) => {
    let nowMs = 0;
    const patient = new MuxerGuard(() => nowMs);
    for (let i = 0; i < 1_000; i++) {
      nowMs += 1_000;
      expect(() => patient.push(bytes)).not.toThrow();
    }
    const flooded = new MuxerGuard(() => 0);
    expect(() => {
      for (let i = 0; i < 1_000; i++) flooded.push(bytes);
    }).toThrow(/yamux/);
  });
});
