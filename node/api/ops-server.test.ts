import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LogRoot } from "../observability/logger.ts";
import { Metrics } from "../observability/metrics.ts";
import { type OpsServer, type ReadinessCheck, startOpsServer } from "./ops-server.ts";

let ops: OpsServer;
let metrics: Metrics;
let checks: readonly ReadinessCheck[] | Error;

beforeEach(async () => {
  metrics = new Metrics();
  checks = [{ name: "storage", ok: true }];
  ops = await startOpsServer({
    host: "127.0.0.1",
    port: 0,
    metrics,
    log: new LogRoot({ level: "fatal" }).module("ops"),
    readiness: () => {
      if (checks instanceof Error) throw checks;
      return checks;
    },
  });
});

afterEach(async () => {
  await ops.close();
  metrics.close();
});

function get(path: string, init?: RequestInit): Promise<Response> {
  return fetch(`http://127.0.0.1:${ops.port}${path}`, init);
}

describe("the operators' listener", () => {
  it("is alive whatever the checks say", async () => {
    checks = [{ name: "peers", ok: false, reason: "PEERS_BELOW_QUORUM" }];
    const answer = await get("/livez");
    expect([answer.status, await answer.json()]).toEqual([200, { alive: true }]);
  });

  it("is ready when every check is, and names those that are not", async () => {
    const ready = await get("/readyz");
    expect([ready.status, await ready.json()]).toEqual([200, { ready: true, checks }]);
    checks = [
      { name: "storage", ok: true },
      { name: "sync", ok: false, reason: "SYNCING" },
    ];
    const not = await get("/readyz");
    expect([not.status, await not.json()]).toEqual([503, { ready: false, checks }]);
  });

  it("gives the metrics, also to many scrapers at once", async () => {
    metrics.consensus.blocks.inc(3);
    const answers = await Promise.all(Array.from({ length: 8 }, () => get("/metrics")));
    for (const answer of answers) {
      expect(answer.headers.get("content-type")).toContain("text/plain");
      expect(await answer.text()).toContain("mizan_blocks_total 3");
    }
  });

  it("shows nothing of a failure, has no other path and takes no body", async () => {
    checks = new Error("secret path");
    const failed = await get("/readyz");
    expect([failed.status, await failed.json()]).toEqual([500, { error: "INTERNAL" }]);
    expect((await get("/")).status).toBe(404);
    expect((await get("/v1/rpc", { method: "POST", body: "{}" })).status).toBe(404);
  });
});
