import { expect, test, vi } from "vitest";
import { MAX_PROPOSALS_PER_VIEW, VOTE_WINDOW } from "../limits.ts";
import { viewAt } from "../state.ts";
import { followerOf, TestNode, voteBy } from "../testing/harness.ts";
import { createFlooder } from "./adversaries/flooder.ts";
import { startRealCore } from "./core-port.ts";
import { excessOf } from "./memory-caps.ts";
import { simulate } from "./simulation.ts";

/** Far above what a case takes even on a busy machine. */
vi.setConfig({ testTimeout: 300_000 });

const fresh = () => new TestNode({ self: followerOf([1, 2]) }).state;

test("S11: a fresh core is within its bounds", () => {
  expect(excessOf(fresh())).toBeUndefined();
});

test("S11: what grows beyond its bound is named", () => {
  const claims = fresh();
  for (let peer = 0; peer < 51; peer++) {
    claims.catchUp.claims.set(peer, { open: true, attempts: 0, notBeforeMs: 0 });
  }
  expect(excessOf(claims)).toBe("51 claims of later epochs, bound 50");
  const wanted = fresh();
  for (let i = 0; i < 65; i++) wanted.wanted.set(`${i}`, { requestId: i, peer: 0, attempts: 0 });
  expect(excessOf(wanted)).toContain("65 wanted headers");
  const clocks = fresh();
  for (let peer = 0; peer < 5; peer++) clocks.clockOffsets.set(peer, 0);
  expect(excessOf(clocks)).toContain("clock offsets");
});

test("S11: votes far ahead, votes at the floor, a third vote of one kind", () => {
  const ahead = fresh();
  viewAt(ahead, VOTE_WINDOW + 2);
  expect(excessOf(ahead)).toContain("far ahead");
  const below = fresh();
  viewAt(below, 0);
  expect(excessOf(below)).toContain("at or below the floor");
  const votes = fresh();
  const vote = voteBy(1, "nullify", 1, undefined);
  const slot = { notarize: [], nullify: [vote, vote, vote], finalize: [] };
  viewAt(votes, 1).votes.set(1, slot);
  expect(excessOf(votes)).toBe("3 votes of one signer in view 1");
  expect(MAX_PROPOSALS_PER_VIEW).toBe(2);
});

test("S11: a core that exceeds a bound is found out in a run", () => {
  const { violations } = simulate({
    seed: 1,
    n: 4,
    startCore: (config, records, last) => ({
      ...startRealCore(config, records, last),
      excess: () => "deliberate",
    }),
  });
  expect(violations[0]).toMatchObject({ invariant: "S11" });
});

test("a flood leaves every core within its bounds", () => {
  for (let seed = 1; seed <= 5; seed++) {
    const mix = { byzantine: true, frail: false };
    const result = simulate({ seed, n: 4, mix, adversaries: [createFlooder] });
    expect(result.violations).toEqual([]);
    expect(result.coverage.get("refused AHEAD") ?? 0).toBeGreaterThan(0);
  }
});
