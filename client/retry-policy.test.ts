import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RpcCallError, TransportError } from "./call-errors.ts";
import { DEFAULT_RETRY, decide, pauseMs, sleep } from "./retry-policy.ts";
import { RETRY_CLASSES, type RetryClass } from "./rpc/errors.ts";

function refused(retry: RetryClass, retryAfterMs?: number): RpcCallError {
  const detail = retryAfterMs === undefined ? {} : { retryAfterMs };
  return new RpcCallError("ANY", "text", { retry, detail, requestId: "r", endpoint: "http://n" });
}

describe("the decision", () => {
  it("follows the retry class and nothing else", () => {
    const table = RETRY_CLASSES.map((retry) => [
      retry,
      decide(refused(retry), true),
      decide(refused(retry), false),
    ]);
    expect(table).toEqual([
      ["never", "stop", "stop"],
      ["same", "now", "pause"],
      ["later", "now", "pause"],
      ["rebuild", "stop", "stop"],
    ]);
  });

  it("goes on after a broken connection and stops at any other error", () => {
    const broken = new TransportError("UNREACHABLE", "http://n", "reset");
    expect([decide(broken, true), decide(broken, false)]).toEqual(["now", "pause"]);
    expect(decide(new Error("bug"), true)).toBe("stop");
  });
});

describe("the pause", () => {
  it("grows, is spread, and stays within its bounds", () => {
    fc.assert(
      fc.property(fc.nat(100), fc.double({ min: 0, max: 0.999, noNaN: true }), (round, x) => {
        const policy = { ...DEFAULT_RETRY, random: () => x };
        const pause = pauseMs(policy, round, refused("later"));
        expect(pause).toBeGreaterThanOrEqual(policy.baseMs / 2);
        expect(pause).toBeLessThanOrEqual(policy.capMs);
      }),
    );
  });

  it("is never shorter than what the node asks for, up to the cap", () => {
    const policy = { ...DEFAULT_RETRY, random: () => 0 };
    expect(pauseMs(policy, 0, refused("later", 1_234))).toBe(1_234);
    expect(pauseMs(policy, 0, refused("later", 1e9))).toBe(policy.capMs);
  });
});

describe("sleep", () => {
  it("ends with the reason of its signal, also of one raised before", async () => {
    const controller = new AbortController();
    const reason = new Error("left");
    const asleep = sleep(1e6, controller.signal);
    controller.abort(reason);
    await expect(asleep).rejects.toBe(reason);
    await expect(sleep(1e6, controller.signal)).rejects.toBe(reason);
    await expect(sleep(0)).resolves.toBeUndefined();
  });
});
