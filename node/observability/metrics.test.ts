import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ADMISSION_REASONS, REASONS, type RpcReason } from "../../client/rpc/errors.ts";
import { FRAME_CLASSES } from "../net/frame.ts";
import { DROP_REASONS, REFUSAL_CODES } from "../net/net-error.ts";
import {
  BATCH_DROP_REASONS,
  FRAME_DIRECTIONS,
  MESSAGE_DROP_REASONS,
  Metrics,
  NULLIFY_REASONS,
  RPC_METHOD_LABELS,
  VERIFICATION_LANES,
} from "./metrics.ts";

let metrics: Metrics;

beforeEach(() => {
  metrics = new Metrics();
});

afterEach(() => {
  metrics.close();
});

function samples(text: string): string[] {
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

function sampleOf(text: string, series: string): number {
  return Number(
    samples(text)
      .find((line) => line.startsWith(`${series} `))
      ?.split(" ")
      .at(-1),
  );
}

/** Uses every recorder with every value that its labels can have. */
function recordEverything(): void {
  for (const reason of NULLIFY_REASONS) metrics.countNullify(reason);
  for (const reason of MESSAGE_DROP_REASONS) metrics.countMessageDrop(reason);
  for (const reason of BATCH_DROP_REASONS) metrics.countBatchDrop(reason);
  for (const reason of ADMISSION_REASONS) metrics.countRefusal(reason);
  for (const lane of VERIFICATION_LANES) {
    metrics.setVerificationQueue(lane, 3);
    metrics.countVerified(lane, 2);
    metrics.countVerifierRefusals(lane, 1);
  }
  for (const frameClass of FRAME_CLASSES) {
    for (const direction of FRAME_DIRECTIONS) metrics.countFrames(direction, frameClass, 1, 100);
  }
  for (const reason of DROP_REASONS) metrics.countDrops(reason, 1);
  for (const reason of REFUSAL_CODES) metrics.countConnectionRefusals(reason, 1);
  for (const method of RPC_METHOD_LABELS) {
    metrics.countRpc(method, "OK");
    for (const reason of Object.keys(REASONS) as RpcReason[]) metrics.countRpc(method, reason);
  }
  metrics.consensus.finality.observe(0.4);
  metrics.storage.journalSync.observe(0.001);
  metrics.storage.commit.observe(0.002);
  metrics.storage.stateEntries.set(7);
  metrics.peers.connected.set(3);
}

describe("the registry", () => {
  it("has a constant number of series from the first scrape on", async () => {
    const before = samples(await metrics.scrape()).length;
    for (let i = 0; i < 3; i++) recordEverything();
    expect(samples(await metrics.scrape())).toHaveLength(before);
    expect(before).toBeLessThan(1_500);
  });

  it("shows every series at zero before anything happens", async () => {
    const text = await metrics.scrape();
    expect(sampleOf(text, 'mizan_tx_refused_total{reason="MEMPOOL_FULL"}')).toBe(0);
    expect(sampleOf(text, 'mizan_frames_dropped_total{reason="FRAME_TOO_LARGE"}')).toBe(0);
    expect(sampleOf(text, "mizan_blocks_total")).toBe(0);
  });

  it("is one node's own", async () => {
    const other = new Metrics();
    other.consensus.blocks.inc();
    expect(sampleOf(await metrics.scrape(), "mizan_blocks_total")).toBe(0);
    expect(sampleOf(await other.scrape(), "mizan_blocks_total")).toBe(1);
    other.close();
  });
});

describe("collectors", () => {
  it("are asked before each scrape", async () => {
    metrics.onScrape(() => metrics.consensus.blocks.inc());
    await metrics.scrape();
    expect(sampleOf(await metrics.scrape(), "mizan_blocks_total")).toBe(2);
  });
});

describe("recorders", () => {
  it("count what they say", async () => {
    metrics.countVerified("vote", 5);
    metrics.countFrames("in", "bulk", 1, 1_000);
    metrics.countFrames("in", "bulk", 1, 24);
    metrics.countDrops("QUEUE_FULL", 1);
    metrics.countNullify("NO_PROPOSAL");
    metrics.countLinksEnded("PEER_SILENT", 2);
    metrics.countRpc("tx.submit", "MEMPOOL_FULL");
    const text = await metrics.scrape();
    const expected = [
      ['mizan_signatures_verified_total{lane="vote"}', 5],
      ['mizan_frames_total{direction="in",class="bulk"}', 2],
      ['mizan_frame_bytes_total{direction="in",class="bulk"}', 1_024],
      ['mizan_frames_dropped_total{reason="QUEUE_FULL"}', 1],
      ['mizan_nullify_votes_total{reason="NO_PROPOSAL"}', 1],
      ['mizan_links_ended_total{reason="PEER_SILENT"}', 2],
      ['mizan_links_ended_total{reason="WRONG_CHAIN"}', 0],
      ['mizan_rpc_requests_total{method="tx.submit",reason="MEMPOOL_FULL"}', 1],
    ] as const;
    for (const [series, value] of expected)
      expect([series, sampleOf(text, series)]).toEqual([series, value]);
  });

  it("sample the event loop and memory at the scrape", async () => {
    const text = await metrics.scrape();
    expect(sampleOf(text, "mizan_event_loop_delay_p99_seconds")).toBeGreaterThanOrEqual(0);
    expect(sampleOf(text, "mizan_resident_bytes")).toBeGreaterThan(1_000_000);
    expect(metrics.contentType).toContain("text/plain");
  });
});
