import { expect, test } from "vitest";
import { runCampaign } from "./verification-campaign.ts";

test("a slice of the campaign: the verifiers agree on every mutation", () => {
  const seed = Math.floor(Math.random() * 1e9);
  const report = runCampaign({ mutations: 5_000, seed, oracleEvery: 100 });
  expect(report, `seed ${seed}`).toMatchObject({
    mutations: 5_000,
    seenByOracle: 50,
    disagreements: [],
  });
  expect(report.accepted).toBeGreaterThan(500);
  expect(report.accepted).toBeLessThan(1_500);
});
