import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { toBase64 } from "../../client/rpc/base64.ts";
import { keyOf, ValidatorLedger } from "../../ledger/testing/validator-ledger.ts";
import { toHex } from "../../primitives/bytes.ts";
import type { EpochEndView } from "./ports.ts";
import { errorOf, type RpcSession, resultOf, startSession } from "./testing/rpc-session.ts";

let session: RpcSession;

beforeEach(async () => {
  session = await startSession();
});

afterEach(() => session.close());

/** The state of a ledger in its second epoch, with one change that waits. */
function changed(): ValidatorLedger {
  const ledger = new ValidatorLedger();
  ledger.change(ledger.admission("sbp-9"));
  ledger.ready("sbp-9", "SBP");
  ledger.closeEpoch();
  ledger.block();
  ledger.change(ledger.removal("hbl-1", "HBL", { timing: "WHEN_READY" }));
  session.node.commit({ changes: ledger.state });
  return ledger;
}

describe("chain.validators", () => {
  it("shows the current set, its quorum, what waits and what a ready statement names", async () => {
    const ledger = changed();
    const result = await resultOf(session, "chain.validators", {});
    expect(result).toMatchObject({
      height: "1",
      epoch: "1",
      startHeight: "11",
      epochLengthBlocks: "10",
      totalWeight: 5,
      quorum: 4,
      faultBound: 1,
      checkpoint: { height: "10", digest: ledger.digestAt(10) },
    });
    expect(result.validators.map(({ name }) => name)).toEqual(ledger.names);
    expect(result.validators.at(-1)).toEqual({
      name: "sbp-9",
      member: "SBP",
      weight: 1,
      consensusKey: toHex(keyOf("sbp-9 consensus")),
      networkKey: toHex(keyOf("sbp-9 network")),
    });
    expect(result.pending).toMatchObject([
      { action: "REMOVE", name: "hbl-1", member: "HBL", timing: "WHEN_READY", ready: true },
    ]);
  });

  it("shows earlier epochs by number, and no later one", async () => {
    changed();
    const first = await resultOf(session, "chain.validators", { epoch: "0" });
    expect(first).toMatchObject({ epoch: "0", startHeight: "1", totalWeight: 4, pending: [] });
    expect(first.checkpoint).toBeUndefined();
    const later = await errorOf(session, "chain.validators", { epoch: "2" });
    expect(later.data).toMatchObject({ reason: "NOT_FOUND", field: "epoch" });
  });
});

describe("chain.epochs", () => {
  it("passes on the ends that the node has, from a number on, at most as many as asked for", async () => {
    changed();
    const asked: [number, number][] = [];
    const end: EpochEndView = {
      epoch: 0,
      header: Uint8Array.of(1),
      finalization: Uint8Array.of(2),
      validators: [
        {
          publicKey: keyOf("a"),
          networkKey: keyOf("b"),
          weight: 1,
          name: "sbp-1",
          member: "SBP",
        },
      ],
    };
    session.node.epochEnds = (from, limit) => {
      asked.push([from, limit]);
      return [end];
    };
    expect(await resultOf(session, "chain.epochs", {})).toEqual({
      epoch: "1",
      ends: [
        {
          epoch: "0",
          header: toBase64(end.header),
          commit: toBase64(end.finalization),
          validators: [
            {
              name: "sbp-1",
              member: "SBP",
              weight: 1,
              consensusKey: toHex(keyOf("a")),
              networkKey: toHex(keyOf("b")),
            },
          ],
        },
      ],
    });
    await resultOf(session, "chain.epochs", { from: "7", limit: 2 });
    expect(asked).toEqual([
      [0, 64],
      [7, 2],
    ]);
    const tooMany = await errorOf(session, "chain.epochs", { limit: 65 });
    expect(tooMany.data.reason).toBe("LIMIT_TOO_LARGE");
  });
});
