import fc from "fast-check";
import { expect, test } from "vitest";
import { ValueArena } from "./value-arena.ts";

test("every value stays what it was, whatever comes after", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 50 }), (values) => {
      const arena = new ValueArena();
      const kept = values.map((value) => arena.keep(value));
      const before = values.map((value) => [...value]);
      for (const value of values) value.fill(0);
      expect(kept.map((value) => [...value])).toEqual(before);
    }),
  );
});

test("small values share an array, large ones and those of the next chunk do not", () => {
  const arena = new ValueArena();
  const [a, b] = [arena.keep(new Uint8Array(100)), arena.keep(new Uint8Array(100))];
  expect(a.buffer).toBe(b.buffer);
  expect(a.byteOffset).not.toBe(b.byteOffset);
  expect(arena.keep(new Uint8Array(1 << 20)).buffer).not.toBe(a.buffer);
  let last = b;
  for (let i = 0; i < 11_000; i++) last = arena.keep(new Uint8Array(100));
  expect(last.buffer).not.toBe(a.buffer);
});
