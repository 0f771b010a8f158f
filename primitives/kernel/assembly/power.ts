import { element, POWER } from "./constants";
import { mul, square } from "./field";

function squareTimes(out: usize, a: usize, times: i32): void {
  square(out, a);
  for (let i = 1; i < times; i++) square(out, out);
}

/** Leaves a^(2^250 - 1) in the temporary 0 and a^11 in 1. a tight. */
function common(a: usize): void {
  const t0 = element(POWER);
  const t1 = element(POWER + 1);
  const t2 = element(POWER + 2);
  const t3 = element(POWER + 3);
  square(t0, a); // 2
  squareTimes(t2, t0, 2); // 8
  mul(t2, t2, a); // 9
  mul(t1, t2, t0); // 11
  square(t0, t1); // 22
  mul(t0, t0, t2); // 2^5 - 1
  squareTimes(t2, t0, 5);
  mul(t0, t2, t0); // 2^10 - 1
  squareTimes(t2, t0, 10);
  mul(t2, t2, t0); // 2^20 - 1
  squareTimes(t3, t2, 20);
  mul(t2, t3, t2); // 2^40 - 1
  squareTimes(t2, t2, 10);
  mul(t0, t2, t0); // 2^50 - 1
  squareTimes(t2, t0, 50);
  mul(t2, t2, t0); // 2^100 - 1
  squareTimes(t3, t2, 100);
  mul(t2, t3, t2); // 2^200 - 1
  squareTimes(t2, t2, 50);
  mul(t0, t2, t0); // 2^250 - 1
}

/** out = 1 / a = a^(p - 2) = a^(2^255 - 21); 0 for 0. a tight. */
export function invert(out: usize, a: usize): void {
  common(a);
  squareTimes(element(POWER), element(POWER), 5);
  mul(out, element(POWER), element(POWER + 1));
}

/** out = a^((p - 5) / 8) = a^(2^252 - 3). a tight. */
export function powerP58(out: usize, a: usize): void {
  common(a);
  squareTimes(element(POWER), element(POWER), 2);
  mul(out, element(POWER), a);
}
