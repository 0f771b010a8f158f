import { describe, expect, it } from "vitest";
import { InvariantError } from "../../primitives/assert.ts";
import { Backoff } from "./backoff.ts";
import { Dialer, type DialerOptions } from "./dialer.ts";
import type { NetError } from "./net-error.ts";
import { until } from "./testing/cluster.ts";

const IMMEDIATE = { backoffMinMs: 0, backoffMaxMs: 0, stableLinkMs: 100, random: () => 0 };

function dialer(changes: Partial<DialerOptions>): { dialer: Dialer; failures: NetError[] } {
  const failures: NetError[] = [];
  const options: DialerOptions = {
    ...IMMEDIATE,
    holdOffMs: () => 0,
    attempt: () => Promise.reject(new Error("nobody there")),
    onFailure: (error) => failures.push(error),
    onFatal: () => expect.unreachable(),
    ...changes,
  };
  return { dialer: new Dialer(options), failures };
}

describe("Backoff", () => {
  it("doubles from the least to the most, cut by up to half, and starts again on reset", () => {
    let chance = 0;
    const backoff = new Backoff(200, 5_000, () => chance);
    const steps = [1, 2, 3, 4, 5, 6, 7, 8].map(() => backoff.next());
    expect(steps).toEqual([200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000]);
    chance = 0.5;
    expect(backoff.next()).toBe(3_750);
    backoff.reset();
    expect(backoff.next()).toBe(150);
  });
});

describe("Dialer", () => {
  it("never gives up, and reports every failure with a code", async () => {
    const { dialer: own, failures } = dialer({});
    own.start();
    await until("many attempts", () => failures.length > 50);
    await own.stop();
    expect(new Set(failures.map((error) => `${error.code} ${error.message}`))).toEqual(
      new Set(["DIAL_FAILED nobody there"]),
    );
  });

  it("dials again when a link has ended", async () => {
    let links = 0;
    const { dialer: own } = dialer({
      attempt: () => {
        links += 1;
        return Promise.resolve(1_000);
      },
    });
    own.start();
    await until("many links", () => links > 10);
    await own.stop();
    const then = links;
    await new Promise((resolve) => setImmediate(resolve));
    expect(links).toBe(then);
  });

  it("waits out the hold-off and the back-off, and a kick ends either", async () => {
    let attempts = 0;
    let holdOffMs = 1e9;
    const { dialer: own } = dialer({
      backoffMinMs: 1e9,
      backoffMaxMs: 1e9,
      holdOffMs: () => holdOffMs,
      attempt: () => {
        attempts += 1;
        return Promise.reject(new Error("no"));
      },
    });
    own.start();
    await new Promise((resolve) => setImmediate(resolve));
    expect(attempts).toBe(0);
    own.kick();
    await until("the first attempt", () => attempts === 1);
    holdOffMs = 0;
    own.kick();
    await until("the second attempt", () => attempts === 2);
    await own.stop();
  });

  it("aborts the attempt under way when it stops, and calls that no failure", async () => {
    const { dialer: own, failures } = dialer({
      attempt: (signal) =>
        new Promise((_, reject) => {
          signal.addEventListener("abort", () => reject(new Error("aborted")));
        }),
    });
    own.start();
    await own.stop();
    expect(failures).toEqual([]);
  });

  it("does not take a broken invariant for a failed dial", async () => {
    const fatal: InvariantError[] = [];
    const { dialer: own, failures } = dialer({
      attempt: () => Promise.reject(new InvariantError("broken")),
      onFatal: (error) => fatal.push(error),
    });
    own.start();
    await until("it is told", () => fatal.length === 1);
    await own.stop();
    expect(failures).toEqual([]);
    expect(fatal.length).toBe(1);
  });
});
