import { afterEach, describe, expect, test } from "vitest";
import { utf8 } from "../bytes.ts";
import type { SignatureCheck } from "../verifier.ts";
import { MAX_MESSAGE_BYTES } from "./signature-slab.ts";
import { nativeSigner } from "./sodium.ts";
import { VerificationPool, type VerificationPoolOptions } from "./verification-pool.ts";

const signers = [1, 2, 3].map((fill) => nativeSigner(new Uint8Array(32).fill(fill)));
let pool: VerificationPool | undefined;

afterEach(async () => {
  await pool?.close(0);
  pool = undefined;
});

async function open(options: VerificationPoolOptions = {}): Promise<VerificationPool> {
  pool = await VerificationPool.open(options);
  return pool;
}

/** Every third one is forged. */
function mixed(count: number, label = "tx"): { checks: SignatureCheck[]; verdicts: boolean[] } {
  const verdicts = Array.from({ length: count }, (_, i) => i % 3 !== 1);
  const checks = verdicts.map((valid, i) => {
    const signer = signers[i % signers.length] ?? nativeSigner(new Uint8Array(32));
    const message = utf8(`${label} ${i} ${"x".repeat(i % 90)}`);
    const signature = signer.sign(valid ? message : utf8("something else"));
    return { publicKey: signer.publicKey, message, signature };
  });
  return { checks, verdicts };
}

function coded(code: string): unknown {
  return expect.objectContaining({ code });
}

describe("verdicts", () => {
  test("come in order for every size of call, in both lanes", async () => {
    const verifier = await open();
    for (const size of [1, 2, 7, 8, 9, 255, 256, 257, 700]) {
      const { checks, verdicts } = mixed(size);
      expect(await verifier.verify(checks, "transaction")).toEqual(verdicts);
      expect(await verifier.verify(checks, "vote")).toEqual(verdicts);
    }
    expect(verifier.stats()).toMatchObject({ workerRestarts: 0, inlineBatches: 0 });
  });

  test("of many calls at once reach their own callers, on two threads", async () => {
    const verifier = await open({ threads: 2 });
    const calls = Array.from({ length: 60 }, (_, i) => mixed((i * 37) % 150, `call ${i}`));
    const answers = await Promise.all(
      calls.map(({ checks }, i) => verifier.verify(checks, i % 4 === 0 ? "vote" : "transaction")),
    );
    expect(answers).toEqual(calls.map(({ verdicts }) => verdicts));
    const stats = verifier.stats();
    const total = calls.reduce((sum, { checks }) => sum + checks.length, 0);
    expect(stats.vote.verifiedSignatures + stats.transaction.verifiedSignatures).toBe(total);
    expect(stats).toMatchObject({ threads: 2, threadsReady: 2 });
    expect(stats.transaction).toMatchObject({ pendingSignatures: 0, pendingBytes: 0 });
  });

  test("small calls share a batch", async () => {
    const verifier = await open();
    const calls = Array.from({ length: 100 }, (_, i) => mixed(1, `${i}`));
    await Promise.all(calls.map(({ checks }) => verifier.verify(checks, "transaction")));
    expect(verifier.stats().transaction.verifiedSignatures).toBe(100);
    expect(verifier.stats().transaction.batches).toBeLessThan(10);
  });

  test("of malformed items are negative, and an empty call has none", async () => {
    const verifier = await open();
    const { checks } = mixed(1);
    const [check] = checks;
    if (check === undefined) throw new Error("no check");
    const malformed = [
      { ...check, signature: check.signature.subarray(1) },
      check,
      { ...check, signature: new Uint8Array([...check.signature, 0]) },
      { ...check, publicKey: new Uint8Array() },
    ];
    expect(await verifier.verify(malformed, "transaction")).toEqual([false, true, false, false]);
    expect(await verifier.verify(malformed.slice(2), "vote")).toEqual([false, false]);
    expect(await verifier.verify([], "vote")).toEqual([]);
  });

  test("are of the bytes at the time of the call", async () => {
    const verifier = await open();
    const { checks, verdicts } = mixed(20);
    const answer = verifier.verify(checks, "transaction");
    for (const { message, signature } of checks) {
      message.fill(0);
      signature.fill(0);
    }
    expect(await answer).toEqual(verdicts);
  });
});

describe("votes and transactions", () => {
  test("votes overtake a flood of transactions", async () => {
    const verifier = await open();
    const flood = mixed(256);
    const order: string[] = [];
    const transactions = Array.from({ length: 40 }, async () => {
      const answer = await verifier.verify(flood.checks, "transaction");
      order.push("transaction");
      return answer;
    });
    const votes = Array.from({ length: 5 }, async (_, i) => {
      const { checks, verdicts } = mixed(3, `vote ${i}`);
      expect(await verifier.verify(checks, "vote")).toEqual(verdicts);
      order.push("vote");
    });
    await Promise.all(votes);
    // All 40 were asked for first; the votes wait for the one that runs, at most.
    expect(order.filter((lane) => lane === "transaction").length).toBeLessThan(10);
    for (const answer of await Promise.all(transactions)) expect(answer).toEqual(flood.verdicts);
  });

  test("a full transaction lane refuses whole calls and no vote", async () => {
    const verifier = await open({ transactionLimits: { signatures: 300, bytes: 1_000_000 } });
    const flood = mixed(200);
    const accepted = verifier.verify(flood.checks, "transaction");
    await expect(verifier.verify(flood.checks, "transaction")).rejects.toThrow(coded("OVERLOADED"));
    const vote = mixed(200, "vote");
    expect(await verifier.verify(vote.checks, "vote")).toEqual(vote.verdicts);
    expect(await accepted).toEqual(flood.verdicts);
    expect(verifier.stats().transaction).toMatchObject({ refusals: 1, verifiedSignatures: 200 });
    // There is room again.
    expect(await verifier.verify(flood.checks, "transaction")).toEqual(flood.verdicts);
  });

  test("both lanes are bounded in bytes too", async () => {
    const limits = { signatures: 1000, bytes: 2_500 };
    const verifier = await open({ transactionLimits: limits, voteLimits: limits });
    const { checks } = mixed(15);
    for (const lane of ["transaction", "vote"] as const) {
      const accepted = verifier.verify(checks, lane);
      await expect(verifier.verify(checks, lane)).rejects.toThrow(coded("OVERLOADED"));
      await accepted;
    }
  });

  test("a call that can never fit is told so", async () => {
    const verifier = await open({ transactionLimits: { signatures: 10, bytes: 1_000_000 } });
    await expect(verifier.verify(mixed(11).checks, "transaction")).rejects.toThrow(
      coded("TOO_LARGE"),
    );
    const [check] = mixed(1).checks;
    if (check === undefined) throw new Error("no check");
    const oversized = { ...check, message: new Uint8Array(MAX_MESSAGE_BYTES + 1) };
    await expect(verifier.verify([oversized], "vote")).rejects.toThrow(coded("TOO_LARGE"));
    expect(verifier.stats().transaction.refusals).toBe(0);
  });
});

describe("a thread that fails", () => {
  const kinds = ["exit", "reject", "memory", "wrong-answer"] as const;

  for (const kind of kinds) {
    test(`by "${kind}" is replaced and every verdict is right`, async () => {
      const incidents: string[] = [];
      const verifier = await open({
        fault: { kind, threads: 1, atBatch: 2 },
        onIncident: (incident) => incidents.push(incident.kind),
      });
      const calls = Array.from({ length: 8 }, (_, i) => mixed(256, `call ${i}`));
      const answers = await Promise.all(
        calls.map(({ checks }) => verifier.verify(checks, "transaction")),
      );
      expect(answers).toEqual(calls.map(({ verdicts }) => verdicts));
      expect(verifier.stats()).toMatchObject({ workerRestarts: 1, inlineBatches: 0 });
      expect(verifier.stats().repeatedBatches).toBeGreaterThan(0);
      expect(incidents).toEqual(["worker-replaced"]);
    });
  }

  test("by hanging is ended at the deadline, votes on it included", async () => {
    const verifier = await open({
      fault: { kind: "hang", threads: 1, atBatch: 1 },
      transactionDeadlineMs: 1000,
      voteDeadlineMs: 1000,
    });
    const transaction = mixed(300);
    const vote = mixed(3, "vote");
    const [transactionAnswer, voteAnswer] = await Promise.all([
      verifier.verify(transaction.checks, "transaction"),
      verifier.verify(vote.checks, "vote"),
    ]);
    expect(transactionAnswer).toEqual(transaction.verdicts);
    expect(voteAnswer).toEqual(vote.verdicts);
    expect(verifier.stats().workerRestarts).toBeGreaterThan(0);
    expect(await verifier.verify(transaction.checks, "transaction")).toEqual(transaction.verdicts);
  });

  test("twice in a row leaves the batch to the calling thread", async () => {
    const verifier = await open({ fault: { kind: "exit", threads: 2, atBatch: 1 } });
    const { checks, verdicts } = mixed(256);
    expect(await verifier.verify(checks, "transaction")).toEqual(verdicts);
    expect(verifier.stats()).toMatchObject({ workerRestarts: 2, inlineBatches: 1 });
  });

  test("again and again leaves all work to the calling thread", async () => {
    const verifier = await open({ fault: { kind: "exit", threads: 1000, atBatch: 1 } });
    for (let i = 0; i < 4; i++) {
      const { checks, verdicts } = mixed(300, `round ${i}`);
      expect(await verifier.verify(checks, "transaction")).toEqual(verdicts);
      expect(await verifier.verify(checks, "vote")).toEqual(verdicts);
    }
    expect(verifier.stats().inlineBatches).toBeGreaterThan(0);
  });

  test("one of two: the other goes on", async () => {
    const verifier = await open({ threads: 2, fault: { kind: "exit", threads: 1, atBatch: 3 } });
    const calls = Array.from({ length: 20 }, (_, i) => mixed(200, `call ${i}`));
    const answers = await Promise.all(
      calls.map(({ checks }, i) => verifier.verify(checks, i % 2 === 0 ? "vote" : "transaction")),
    );
    expect(answers).toEqual(calls.map(({ verdicts }) => verdicts));
    expect(verifier.stats().workerRestarts).toBeGreaterThan(0);
  });

  test("by its self-test does not serve: the pool does not open", async () => {
    const opening = VerificationPool.open({
      fault: { kind: "self-test", threads: 99, atBatch: 0 },
    });
    await expect(opening).rejects.toThrow(coded("START_FAILED"));
    await expect(opening).rejects.toThrow(/self-test/);
  });
});

describe("a late answer", () => {
  test("counts for nothing: its batch has run again meanwhile", async () => {
    const verifier = await open({
      fault: { kind: "late", threads: 1, atBatch: 1 },
      transactionDeadlineMs: 500,
    });
    const { checks, verdicts } = mixed(256);
    expect(await verifier.verify(checks, "transaction")).toEqual(verdicts);
    expect(verifier.stats()).toMatchObject({ workerRestarts: 1, repeatedBatches: 1 });
    // Long enough for the sleeper to have answered, had it not been ended.
    await new Promise((resolve) => setTimeout(resolve, 1_600));
    const next = mixed(300, "next");
    expect(await verifier.verify(next.checks, "transaction")).toEqual(next.verdicts);
    expect(verifier.stats()).toMatchObject({ workerRestarts: 1, inlineBatches: 0 });
  });
});

describe("tables", () => {
  /** Until the condition holds; the work in between is the pool's own. */
  async function until(verifier: VerificationPool, holds: () => boolean): Promise<void> {
    while (!holds()) await verifier.verify(mixed(1).checks, "transaction");
  }

  test("are built for keys in use, and the verdicts are the same with and without", async () => {
    const verifier = await open();
    const { checks, verdicts } = mixed(120);
    expect(await verifier.verify(checks, "transaction")).toEqual(verdicts);
    await until(verifier, () => verifier.stats().tables.cold === signers.length);
    expect(await verifier.verify(checks, "transaction")).toEqual(verdicts);
    expect(verifier.stats()).toMatchObject({ hasKernel: true, tables: { built: 3, refused: 0 } });
  });

  test("of voters are large, and a few votes are verified on the calling thread", async () => {
    const verifier = await open();
    const { checks, verdicts } = mixed(3, "vote");
    expect(await verifier.verify(checks, "vote")).toEqual(verdicts);
    await until(verifier, () => verifier.stats().tables.hot === signers.length);
    expect(await verifier.verify(checks, "vote")).toEqual(verdicts);
    expect(verifier.stats().inlineVoteCalls).toBe(1);
    const many = mixed(5, "votes");
    expect(await verifier.verify(many.checks, "vote")).toEqual(many.verdicts);
    expect(verifier.stats().inlineVoteCalls).toBe(1);
  });

  test("can be asked for before the first use", async () => {
    const verifier = await open();
    verifier.prepare(
      signers.map((signer) => signer.publicKey),
      "hot",
    );
    await until(verifier, () => verifier.stats().tables.hot === signers.length);
    expect(verifier.stats().tables).toMatchObject({ hot: 3, cold: 0, built: 3 });
  });

  test("are not needed: libsodium verifies on machines without the kernel", async () => {
    const verifier = await open({ kernel: false });
    const { checks, verdicts } = mixed(300);
    for (const lane of ["vote", "transaction"] as const) {
      expect(await verifier.verify(checks, lane)).toEqual(verdicts);
    }
    const few = mixed(2);
    expect(await verifier.verify(few.checks, "vote")).toEqual(few.verdicts);
    expect(verifier.stats()).toMatchObject({ hasKernel: false, inlineVoteCalls: 0 });
    expect(verifier.stats().tables).toMatchObject({ hot: 0, cold: 0, built: 0 });
  });

  test("survive the thread that was to build them", async () => {
    const verifier = await open({ fault: { kind: "exit", threads: 1, atBatch: 1 } });
    const { checks, verdicts } = mixed(60);
    verifier.prepare(
      signers.map((signer) => signer.publicKey),
      "cold",
    );
    expect(await verifier.verify(checks, "transaction")).toEqual(verdicts);
    await until(verifier, () => verifier.stats().tables.cold === signers.length);
    expect(await verifier.verify(checks, "transaction")).toEqual(verdicts);
  });
});

describe("sources", () => {
  const limits = { signatures: 400, bytes: 1_000_000 };

  test("hold at most half of the lane each, and none keeps the others out", async () => {
    const verifier = await open({ transactionLimits: limits, flushMs: 1_000 });
    const flood = mixed(200, "flood");
    const held = verifier.verify(flood.checks, "transaction", "HUGE");
    await expect(verifier.verify(mixed(1).checks, "transaction", "HUGE")).rejects.toThrow(
      coded("SOURCE_OVERLOADED"),
    );
    const other = mixed(100, "other");
    const others = verifier.verify(other.checks, "transaction", "SMALL");
    const vote = mixed(5, "vote");
    expect(await verifier.verify(vote.checks, "vote")).toEqual(vote.verdicts);
    expect(await held).toEqual(flood.verdicts);
    expect(await others).toEqual(other.verdicts);
    expect(verifier.stats().transaction.refusals).toBe(1);
  });

  test("that send too many bad signatures are refused; others and votes are not", async () => {
    const verifier = await open({ badSignatures: { burst: 10, perSecond: 0.001 } });
    const { checks, verdicts } = mixed(60, "bad");
    expect(await verifier.verify(checks, "transaction", "BAD")).toEqual(verdicts);
    await expect(verifier.verify(checks, "transaction", "BAD")).rejects.toThrow(
      coded("BAD_SIGNATURES"),
    );
    expect(await verifier.verify(checks, "vote", "BAD")).toEqual(verdicts);
    expect(await verifier.verify(checks, "transaction", "GOOD")).toEqual(verdicts);
    expect(await verifier.verify(checks, "transaction")).toEqual(verdicts);
  });
});

describe("close", () => {
  test("waits for accepted work and takes no more", async () => {
    const verifier = await open();
    const { checks, verdicts } = mixed(600);
    const answer = verifier.verify(checks, "transaction");
    const closing = verifier.close();
    await expect(verifier.verify(checks, "vote")).rejects.toThrow(coded("CLOSED"));
    await closing;
    expect(await answer).toEqual(verdicts);
    await verifier.close();
  });

  test("rejects what is not done at its deadline", async () => {
    const verifier = await open({ fault: { kind: "hang", threads: 1, atBatch: 1 } });
    const answer = verifier.verify(mixed(10).checks, "vote");
    const outcome = expect(answer).rejects.toThrow(coded("CLOSED"));
    await verifier.close(50);
    await outcome;
  });
});
