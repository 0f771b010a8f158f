import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { invariant, present } from "../assert.ts";
import { WORKSPACE_BYTES } from "./kernel.ts";
import { compileKernel } from "./kernel-module.ts";

/*
 * The arithmetic against bigints, at the edges that the bounds in `assembly/field.ts` allow: limbs
 * of a loose element up to 2^51 in size, both signs, both lanes.
 */

const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const TIGHT = 2n ** 50n;
const LOOSE = 2n ** 51n;

type Call = (...addresses: number[]) => number;
const memory = new WebAssembly.Memory({ initial: 16, maximum: 16, shared: true });
const { exports } = new WebAssembly.Instance(present(compileKernel(), "kernel"), {
  env: { memory },
});
const floats = new Float64Array(memory.buffer);
const bytes = new Uint8Array(memory.buffer);
const WORKSPACE = 65_536;
const A = WORKSPACE + WORKSPACE_BYTES;
const B = A + 80;
const OUT = A + 160;
const BYTES = A + 240;
call("start")(WORKSPACE);

function call(name: string): Call {
  const found = exports[name];
  invariant(typeof found === "function", `the kernel has ${name}`);
  return (...addresses) => Number(Reflect.apply(found, undefined, addresses));
}

type Limbs = readonly bigint[];

function put(address: number, lanes: readonly [Limbs, Limbs]): void {
  lanes.forEach((limbs, lane) => {
    limbs.forEach((limb, i) => {
      floats[address / 8 + 2 * i + lane] = Number(limb);
    });
  });
}

function get(address: number, lane: number): Limbs {
  return [0, 1, 2, 3, 4].map((i) => BigInt(present(floats[address / 8 + 2 * i + lane], "limb")));
}

const mod = (x: bigint, m = P): bigint => ((x % m) + m) % m;
const numberOf = (limbs: Limbs): bigint =>
  limbs.reduce((sum, limb, i) => sum + limb * 2n ** (51n * BigInt(i)), 0n);

function isTight(limbs: Limbs): boolean {
  return limbs.every((limb) => limb >= -TIGHT && limb <= TIGHT);
}

/** Limbs up to `bound` in size, the bound itself often. */
function element(bound: bigint): fc.Arbitrary<Limbs> {
  const edge = fc.constantFrom(0n, 1n, -1n, bound, -bound, bound - 1n, 1n - bound, bound / 2n);
  const limb = fc.oneof(edge, fc.bigInt({ min: -bound, max: bound }));
  return fc.array(limb, { minLength: 5, maxLength: 5 });
}

/** 32 bytes that are a number at an edge of the field, or any. */
const number255: fc.Arbitrary<bigint> = fc.oneof(
  fc.constantFrom(0n, 1n, 2n, 18n, 19n, P - 1n, P, P + 1n, P + 18n, 2n ** 255n - 1n, 2n ** 254n),
  fc.bigInt({ min: 0n, max: 2n ** 255n - 1n }),
);

function putNumber(address: number, value: bigint, length = 32): void {
  for (let i = 0; i < length; i++) bytes[address + i] = Number((value >> BigInt(8 * i)) & 0xffn);
}

function getNumber(address: number, length = 32): bigint {
  let value = 0n;
  for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[address + i] ?? 0);
  return value;
}

const pairs = (bound: bigint): fc.Arbitrary<[Limbs, Limbs]> =>
  fc.tuple(element(bound), element(bound));

const RUNS = { numRuns: 2000 };

describe("two field elements at once", () => {
  test("products of loose elements are right and tight", () => {
    const check = (a: readonly [Limbs, Limbs], b: readonly [Limbs, Limbs]): void => {
      put(A, a);
      put(B, b);
      call("mul")(OUT, A, B);
      for (const lane of [0, 1] as const) {
        const product = get(OUT, lane);
        expect(isTight(product)).toBe(true);
        expect(mod(numberOf(product))).toBe(mod(numberOf(a[lane]) * numberOf(b[lane])));
      }
    };
    fc.assert(fc.property(pairs(LOOSE), pairs(LOOSE), check), RUNS);
    // Every combination of signs of the largest limbs.
    for (let signs = 0; signs < 1024; signs++) {
      const limb = (i: number): bigint => (((signs >> i) & 1) === 1 ? LOOSE : -LOOSE);
      const a = [0, 1, 2, 3, 4].map(limb);
      const b = [5, 6, 7, 8, 9].map(limb);
      check([a, b], [b, a]);
    }
  });

  test("squares, also in place", () => {
    fc.assert(
      fc.property(pairs(LOOSE), (a) => {
        put(A, a);
        call("square")(A, A);
        for (const lane of [0, 1] as const) {
          expect(isTight(get(A, lane))).toBe(true);
          expect(mod(numberOf(get(A, lane)))).toBe(mod(numberOf(a[lane]) ** 2n));
        }
      }),
      RUNS,
    );
  });

  test("sums and differences of tight elements are exact and loose", () => {
    fc.assert(
      fc.property(pairs(TIGHT), pairs(TIGHT), (a, b) => {
        put(A, a);
        put(B, b);
        call("add")(OUT, A, B);
        for (const lane of [0, 1] as const) {
          expect(numberOf(get(OUT, lane))).toBe(numberOf(a[lane]) + numberOf(b[lane]));
        }
        call("sub")(OUT, A, B);
        for (const lane of [0, 1] as const) {
          expect(numberOf(get(OUT, lane))).toBe(numberOf(a[lane]) - numberOf(b[lane]));
          expect(get(OUT, lane).every((limb) => limb >= -LOOSE && limb <= LOOSE)).toBe(true);
        }
      }),
      RUNS,
    );
  });

  test("tightening keeps the value modulo p, and the encoding is the canonical one", () => {
    fc.assert(
      fc.property(pairs(LOOSE), (a) => {
        put(A, a);
        call("tighten")(OUT, A);
        for (const lane of [0, 1] as const) {
          expect(isTight(get(OUT, lane))).toBe(true);
          expect(mod(numberOf(get(OUT, lane)))).toBe(mod(numberOf(a[lane])));
          for (const form of [A, OUT]) {
            call("toBytes")(BYTES, form, lane);
            expect(getNumber(BYTES)).toBe(mod(numberOf(a[lane])));
          }
        }
      }),
      RUNS,
    );
  });

  test("numbers of 255 bits are read, reduced or not, without the top bit", () => {
    fc.assert(
      fc.property(number255, fc.boolean(), (value, top) => {
        putNumber(BYTES, value + (top ? 2n ** 255n : 0n));
        call("fromBytes")(A, BYTES);
        expect(isTight(get(A, 0))).toBe(true);
        expect(get(A, 1)).toEqual(get(A, 0));
        expect(mod(numberOf(get(A, 0)))).toBe(mod(value));
        call("toBytes")(BYTES, A, 1);
        expect(getNumber(BYTES)).toBe(mod(value));
      }),
      RUNS,
    );
  });

  test("inverses, and 0 for 0", () => {
    fc.assert(
      fc.property(number255, (value) => {
        putNumber(BYTES, value);
        call("fromBytes")(A, BYTES);
        call("invert")(OUT, A);
        call("mul")(OUT, OUT, A);
        call("toBytes")(BYTES, OUT, 0);
        expect(getNumber(BYTES)).toBe(mod(value) === 0n ? 0n : 1n);
      }),
      { numRuns: 200 },
    );
  });
});

describe("scalars", () => {
  const edges = [0n, 1n, L - 1n, L, L + 1n, 2n * L, 2n ** 252n, 2n ** 256n - 1n];
  const number512 = fc.oneof(
    fc.constantFrom(...edges, L * L, L * L - 1n, 2n ** 512n - 1n, (2n ** 512n / L) * L - 1n),
    fc.bigInt({ min: 0n, max: 2n ** 512n - 1n }),
  );

  test("512 bits are reduced modulo L", () => {
    fc.assert(
      fc.property(number512, (value) => {
        putNumber(BYTES, value, 64);
        call("reduce")(OUT, BYTES);
        expect(getNumber(OUT, 40)).toBe(value % L);
      }),
      RUNS,
    );
  });

  test("S < L is told from S >= L", () => {
    const number256 = fc.oneof(
      fc.constantFrom(...edges, L - 2n, L + 2n ** 64n, L - 2n ** 64n, L + 2n ** 128n),
      fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }),
    );
    fc.assert(
      fc.property(number256, (value) => {
        putNumber(BYTES, value);
        expect(call("isReduced")(BYTES)).toBe(value < L ? 1 : 0);
      }),
      RUNS,
    );
  });
});
