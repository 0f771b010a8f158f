import { describe, expect, test } from "vitest";
import { utf8 } from "../bytes.ts";
import {
  InlineVerifier,
  type SignatureCheck,
  type VerificationLane,
  type Verifier,
} from "../verifier.ts";
import { nativeSigner, verifySodium } from "./sodium.ts";
import { VerifiedCache } from "./verified-cache.ts";

class CountingVerifier implements Verifier {
  readonly inner = new InlineVerifier(verifySodium);
  asked: SignatureCheck[] = [];
  lanes: VerificationLane[] = [];
  closed = false;

  async verify(
    checks: readonly SignatureCheck[],
    lane: VerificationLane,
  ): Promise<readonly boolean[]> {
    this.asked.push(...checks);
    this.lanes.push(lane);
    return this.inner.verify(checks);
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}

const signer = nativeSigner(new Uint8Array(32).fill(1));

function honest(text: string): SignatureCheck {
  const message = utf8(text);
  return { publicKey: signer.publicKey, message, signature: signer.sign(message) };
}

function forged(text: string): SignatureCheck {
  return { ...honest(text), signature: signer.sign(utf8(`not ${text}`)) };
}

describe("the cache of verified signatures", () => {
  test("asks once for a valid signature, in whatever lane", async () => {
    const inner = new CountingVerifier();
    const cache = new VerifiedCache(inner);
    expect(await cache.verify([honest("a"), honest("b")], "transaction")).toEqual([true, true]);
    expect(await cache.verify([honest("b"), honest("a")], "vote")).toEqual([true, true]);
    expect(inner.asked).toHaveLength(2);
    expect(inner.lanes).toEqual(["transaction"]);
    expect(cache.stats()).toEqual({ size: 2, hits: 2, misses: 2, evictions: 0 });
  });

  test("never remembers a negative verdict", async () => {
    const inner = new CountingVerifier();
    const cache = new VerifiedCache(inner);
    for (let i = 0; i < 2; i++) {
      expect(await cache.verify([forged("a")], "transaction")).toEqual([false]);
    }
    expect(inner.asked).toHaveLength(2);
    expect(cache.stats().size).toBe(0);
  });

  test("keeps the order of a mixed call", async () => {
    const cache = new VerifiedCache(new CountingVerifier());
    await cache.verify([honest("b")], "vote");
    const checks = [forged("a"), honest("b"), honest("c"), forged("d"), honest("b")];
    expect(await cache.verify(checks, "vote")).toEqual([false, true, true, false, true]);
  });

  test("takes key, message and signature together", async () => {
    const cache = new VerifiedCache(new CountingVerifier());
    const known = honest("a");
    await cache.verify([known], "vote");
    const other = nativeSigner(new Uint8Array(32).fill(2));
    const variants = [
      { ...known, publicKey: other.publicKey },
      { ...known, message: utf8("b") },
      { ...known, signature: signer.sign(utf8("b")) },
      { ...known, signature: new Uint8Array([...known.signature, 0]) },
    ];
    expect(await cache.verify(variants, "vote")).toEqual([false, false, false, false]);
  });

  test("does not let bytes move between the message and its neighbours", async () => {
    // The same concatenation, cut elsewhere: both outer parts then lack their length.
    const cache = new VerifiedCache(new CountingVerifier());
    const known = honest("message");
    await cache.verify([known], "vote");
    const shifted = {
      publicKey: new Uint8Array([...known.publicKey, ...known.message.subarray(0, 1)]),
      message: known.message.subarray(1),
      signature: known.signature,
    };
    expect(await cache.verify([shifted], "vote")).toEqual([false]);
  });

  test("is bounded, and drops what was used longest ago", async () => {
    const inner = new CountingVerifier();
    const cache = new VerifiedCache(inner, 2);
    await cache.verify([honest("a"), honest("b")], "vote");
    await cache.verify([honest("a")], "vote");
    await cache.verify([honest("c")], "vote");
    expect(cache.stats()).toMatchObject({ size: 2, evictions: 1 });
    inner.asked = [];
    await cache.verify([honest("a"), honest("c")], "vote");
    expect(inner.asked).toHaveLength(0);
    await cache.verify([honest("b")], "vote");
    expect(inner.asked).toHaveLength(1);
  });

  test("passes an error on and remembers nothing of that call", async () => {
    const inner = new CountingVerifier();
    const cache = new VerifiedCache(inner);
    inner.verify = () => Promise.reject(new Error("overloaded"));
    await expect(cache.verify([honest("a")], "vote")).rejects.toThrow("overloaded");
    expect(cache.stats().size).toBe(0);
  });

  test("closes what it wraps", async () => {
    const inner = new CountingVerifier();
    await new VerifiedCache(inner).close();
    expect(inner.closed).toBe(true);
  });
});
