import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { EpochEnd } from "../../consensus/effects.ts";
import { type BlockHeader, headerDigest } from "../../consensus/header.ts";
import { leaderOf, leaderSchedule } from "../../consensus/leader.ts";
import {
  type ConsensusMessage,
  decodeMessage,
  encodeMessage,
  type StatusBody,
} from "../../consensus/messages.ts";
import { LAN_PARAMETERS } from "../../consensus/parameters.ts";
import { createValidatorSet } from "../../consensus/quorum.ts";
import { createState } from "../../consensus/restore.ts";
import { statementBytes, voteStatement } from "../../consensus/statements.ts";
import type { Target, Vote } from "../../consensus/types.ts";
import { present } from "../../primitives/assert.ts";
import { CodedError, messageOf } from "../../primitives/errors.ts";
import { digestOf } from "../dissemination/test-transactions.ts";
import { FrameKind, type MessageKind } from "../net/frame.ts";
import { type ConsensusApplication, ConsensusDriver } from "./consensus-driver.ts";
import { signerOf, TestVerifier, VALIDATOR_NAMES } from "./test-network.ts";

const CHAIN = digestOf("chain");
const START_MS = 1_800_000_000_000;
const SELF = leaderOf(leaderSchedule(CHAIN, 0, CHAIN, 4), 1);
const PEERS = [0, 1, 2, 3].filter((index) => index !== SELF);
const [PEER = -1] = PEERS;
const INCARNATION = 77;

const anchor = { height: 0, view: 0, digest: CHAIN, timestampMs: START_MS - 1_000 };

function header(timestampMs: number): BlockHeader {
  return {
    version: 1,
    chainId: CHAIN,
    epoch: 0,
    height: 1,
    parentDigest: CHAIN,
    proposer: SELF,
    timestampMs,
    batchDigests: [digestOf("batch")],
    stateRoot: digestOf("state"),
    receiptsRoot: digestOf("receipts"),
    evidence: [],
    nextValidators: undefined,
  };
}

/** A journal whose writes end when the test says so. */
function slowJournal() {
  const writes: { records: number; done: () => void; fail: (error: Error) => void }[] = [];
  const rotations: number[] = [];
  return {
    writes,
    rotations,
    bytes: 0,
    append: (records: readonly Uint8Array[]) =>
      new Promise<void>((done, fail) => writes.push({ records: records.length, done, fail })),
    rotate: async (records: readonly Uint8Array[]) => {
      rotations.push(records.length);
    },
  };
}

function harness() {
  const sent: { to: number | "all"; kind: MessageKind; message: ConsensusMessage }[] = [];
  const dropped: string[] = [];
  const penalties: { peer: number; reason: string }[] = [];
  const fatal: unknown[] = [];
  const ended: EpochEnd[] = [];
  const signed: Uint8Array[] = [];
  const journal = slowJournal();
  const verifier = new TestVerifier();
  const application = {
    build: vi.fn<ConsensusApplication["build"]>(async ({ timestampMs }) => header(timestampMs)),
    validate: vi.fn<ConsensusApplication["validate"]>(async () => "valid"),
    commit: vi.fn<ConsensusApplication["commit"]>(async () => undefined),
    serveBlocks: vi.fn<ConsensusApplication["serveBlocks"]>(({ requestId }) => ({
      requestId,
      headers: [],
      finalization: undefined,
      refusal: "NOT_AVAILABLE",
    })),
  };
  const signer = signerOf(VALIDATOR_NAMES[SELF] ?? "");
  const state = createState({
    chainId: CHAIN,
    epoch: 0,
    validators: createValidatorSet(
      VALIDATOR_NAMES.map((name) => ({ publicKey: signerOf(name).publicKey, weight: 1 })),
    ),
    self: SELF,
    parameters: { ...LAN_PARAMETERS, minBlockIntervalMs: 0 },
    anchor,
  });
  const driver = new ConsensusDriver(state, {
    application,
    journal,
    verifier,
    signer: {
      publicKey: signer.publicKey,
      sign: (message) => {
        signed.push(message);
        return signer.sign(message);
      },
    },
    send: (to, kind, payload) => sent.push({ to, kind, message: decodeMessage(payload) }),
    broadcast: (kind, payload) => sent.push({ to: "all", kind, message: decodeMessage(payload) }),
    penalise: (peer, reason) => penalties.push({ peer, reason }),
    report: () => undefined,
    epochEnded: (end) => ended.push(end),
    dropped: (reason) => dropped.push(reason),
    journalWrote: () => undefined,
    stepped: () => undefined,
    fatal: (error) => fatal.push(error),
    now: () => Date.now(),
  });
  const receive = (message: ConsensusMessage, from = PEER): Promise<void> =>
    driver.onFrame(from, FrameKind[message.type], encodeMessage(message));
  const types = (): readonly string[] => sent.map(({ message }) => message.type);
  return {
    driver,
    application,
    journal,
    verifier,
    sent,
    dropped,
    penalties,
    fatal,
    ended,
    signed,
    receive,
    types,
  };
}

type Harness = ReturnType<typeof harness>;

function status(changes: Partial<StatusBody> = {}): ConsensusMessage {
  return {
    type: "status",
    body: {
      epoch: 0,
      view: 1,
      floorView: 0,
      floorHeight: 0,
      finalization: undefined,
      clockMs: Date.now(),
      incarnation: 1,
      purpose: "periodic",
      answerTo: 0,
      echoes: [],
      ...changes,
    },
  };
}

function target(of: BlockHeader): Target {
  return { parentView: 0, parentDigest: CHAIN, blockDigest: headerDigest(of) };
}

function voteOf(signer: number, kind: Vote["kind"], on: Target | undefined, view = 1): Vote {
  const unsigned = { kind, epoch: 0, view, target: on };
  const key = signerOf(VALIDATOR_NAMES[signer] ?? "");
  return { ...unsigned, signer, signature: key.sign(voteStatement(CHAIN, unsigned)) };
}

async function turns(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

/** Started, and answered by a quorum: this node may vote. */
async function voting(): Promise<Harness> {
  const node = harness();
  node.driver.start(INCARNATION);
  await turns();
  for (const peer of PEERS) {
    await node.receive(status({ purpose: "answer", answerTo: INCARNATION }), peer);
  }
  await turns();
  expect(node.driver.state.gate.open).toBe(true);
  return node;
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.setSystemTime(START_MS);
});

afterEach(() => {
  vi.useRealTimers();
});

describe("frames", () => {
  test("malformed bytes are counted against the peer", async () => {
    const node = await voting();
    await node.driver.onFrame(PEER, FrameKind.vote, Uint8Array.of(0xc1));
    expect(node.penalties).toEqual([{ peer: PEER, reason: "MALFORMED_MESSAGE" }]);
    expect(node.dropped).toEqual(["MALFORMED"]);
  });

  test("a message in a frame of another kind, whose limits it would evade", async () => {
    const node = await voting();
    await node.driver.onFrame(PEER, FrameKind.blocks, encodeMessage(status()));
    expect(node.penalties).toEqual([{ peer: PEER, reason: "MALFORMED_MESSAGE" }]);
    expect(node.dropped).toEqual(["WRONG_KIND"]);
  });

  test("a bad signature is dropped and counted, a good one gets through", async () => {
    const node = await voting();
    const on = target(header(START_MS));
    const forged = { ...voteOf(PEER, "notarize", on), signature: new Uint8Array(64) };
    await node.receive({ type: "vote", body: forged });
    expect(node.dropped).toEqual(["BAD_SIGNATURE"]);
    expect(node.penalties).toEqual([{ peer: PEER, reason: "BAD_SIGNATURE" }]);
    await node.receive({ type: "vote", body: voteOf(PEER, "notarize", on) });
    await turns();
    expect(node.driver.state.views.get(1)?.votes.get(PEER)?.notarize).toHaveLength(1);
    expect(node.dropped).toHaveLength(1);
    expect(node.verifier.calls.every(({ lane }) => lane === "vote")).toBe(true);
  });

  test("a certificate with one bad signature among good ones never reaches the core", async () => {
    const node = await voting();
    const signers = PEERS.reduce((bits, peer) => bits | (1 << peer), 0);
    const signatures = PEERS.map((peer) => voteOf(peer, "nullify", undefined).signature);
    const body = { kind: "nullify", epoch: 0, view: 1, target: undefined, signers } as const;
    const forged = signatures.map((signature, i) => (i === 1 ? new Uint8Array(64) : signature));
    await node.receive({ type: "certificate", body: { ...body, signatures: forged } });
    await turns();
    expect(node.dropped).toEqual(["BAD_SIGNATURE"]);
    expect(node.penalties).toEqual([{ peer: PEER, reason: "BAD_SIGNATURE" }]);
    expect(node.driver.state.view).toBe(1);
    await node.receive({ type: "certificate", body: { ...body, signatures } });
    await turns();
    expect(node.driver.state.view).toBe(2);
  });

  test("no verdict of the verifier: dropped without blame", async () => {
    const node = await voting();
    node.verifier.refusals.push(new CodedError("OVERLOADED", "full"));
    await node.receive({ type: "vote", body: voteOf(PEER, "nullify", undefined) });
    await turns();
    expect(node.dropped).toEqual(["OVERLOADED"]);
    expect(node.penalties).toEqual([]);
    expect(node.driver.state.views.get(1)?.votes.get(PEER)).toBeUndefined();
  });

  test("what is far ahead or a reply to nothing is dropped unverified, without blame", async () => {
    const node = await voting();
    await node.receive({ type: "vote", body: voteOf(PEER, "nullify", undefined, 1000) });
    const certificates = { requestId: 5, certificates: [], refusal: undefined };
    await node.receive({ type: "certificates", body: certificates });
    expect(node.dropped).toEqual(["AHEAD", "UNSOLICITED"]);
    expect(node.penalties).toEqual([]);
    expect(node.verifier.calls).toEqual([]);
  });

  test("what no correct peer sends is counted", async () => {
    const node = await voting();
    const ofEpoch = { ...voteOf(PEER, "nullify", undefined), signer: 9 };
    await node.receive({ type: "vote", body: ofEpoch });
    expect(node.dropped).toEqual(["UNKNOWN_SIGNER"]);
    expect(node.penalties).toEqual([{ peer: PEER, reason: "MALFORMED_MESSAGE" }]);
  });

  test("messages of one peer in verification are bounded; others are not kept out", async () => {
    const node = await voting();
    const gate = Promise.withResolvers<undefined>();
    node.verifier.meanwhile = () => gate.promise;
    const vote: ConsensusMessage = { type: "vote", body: voteOf(PEER, "nullify", undefined) };
    const handled = Array.from({ length: 257 }, () => node.receive(vote));
    await turns();
    expect(node.dropped).toEqual(["BUSY"]);
    handled.push(node.receive(vote, PEERS[1]));
    await turns();
    expect(node.dropped).toEqual(["BUSY"]);
    gate.resolve(undefined);
    await Promise.all(handled);
    await node.receive(vote);
    expect(node.dropped).toEqual(["BUSY"]);
    expect(node.penalties).toEqual([]);
  });

  test("requests for blocks are answered by the application", async () => {
    const node = await voting();
    const body = { requestId: 3, fromHeight: 1, count: 2 };
    await node.receive({ type: "getBlocks", body });
    await turns();
    expect(node.sent.at(-1)).toMatchObject({
      to: PEER,
      kind: FrameKind.blocks,
      message: { body: { requestId: 3, refusal: "NOT_AVAILABLE" } },
    });
  });
});

describe("the order of effects", () => {
  async function proposing(): Promise<Harness> {
    const node = await voting();
    node.sent.length = 0;
    node.driver.deliver({ type: "work", pending: true });
    await turns();
    expect(node.application.build).toHaveBeenCalledOnce();
    return node;
  }

  test("nothing is signed before the journal holds the vote, nothing sent before it is signed", async () => {
    const node = await proposing();
    expect(node.journal.writes).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(20);
    expect(node.signed).toEqual([]);
    expect(node.types()).toEqual([]);
    present(node.journal.writes[0], "write").done();
    await turns();
    const block = node.driver.state.blocks.values().next().value?.header;
    const on = target(present(block, "own block"));
    expect(node.signed).toEqual([
      statementBytes("proposal", CHAIN, 0, 1, on),
      statementBytes("notarize", CHAIN, 0, 1, on),
    ]);
    expect(node.types()).toEqual(["proposal"]);
    expect(node.sent[0]).toMatchObject({ to: "all", kind: FrameKind.proposal });
  });

  test("a certificate is durable before the vote that rests on it, the commit after both", async () => {
    const node = await proposing();
    present(node.journal.writes[0], "write").done();
    await turns();
    const [block] = [...node.driver.state.blocks.values()];
    const on = target(present(block, "own block").header);
    for (const peer of PEERS.slice(0, 2)) {
      await node.receive({ type: "vote", body: voteOf(peer, "notarize", on) }, peer);
    }
    await turns();
    expect(node.types()).toEqual(["proposal"]);
    for (let i = 1; i < node.journal.writes.length; i++) node.journal.writes[i]?.done();
    await turns();
    while (!node.types().includes("vote")) {
      present(node.journal.writes.at(-1), "write").done();
      await turns();
    }
    expect(node.types().indexOf("certificate")).toBeLessThan(node.types().indexOf("vote"));
    for (const peer of PEERS.slice(0, 2)) {
      await node.receive({ type: "vote", body: voteOf(peer, "finalize", on) }, peer);
    }
    await turns();
    expect(node.driver.state.floor.height).toBe(1);
    expect(node.application.commit).not.toHaveBeenCalled();
    present(node.journal.writes.at(-1), "write").done();
    await turns();
    expect(node.application.commit).toHaveBeenCalledOnce();
    expect(node.driver.state.appliedHeight).toBe(1);
    expect(node.fatal).toEqual([]);
  });

  test("a journal that cannot be written stops the node: nothing leaves it", async () => {
    const node = await proposing();
    present(node.journal.writes[0], "write").fail(new Error("EIO"));
    await turns();
    expect(node.fatal.map(messageOf)).toEqual(["EIO"]);
    expect(node.signed).toEqual([]);
    expect(node.types()).toEqual([]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(node.types()).toEqual([]);
    expect(node.fatal).toHaveLength(1);
  });

  test("a large journal is rotated before it is written on", async () => {
    const node = await voting();
    node.journal.bytes = 17 * 1024 * 1024;
    node.driver.deliver({ type: "work", pending: true });
    await turns();
    expect(node.journal.rotations).toHaveLength(1);
    expect(node.journal.writes).toHaveLength(1);
  });
});

describe("the end", () => {
  test("an application that cannot answer is fatal, once", async () => {
    const node = await voting();
    node.application.build.mockRejectedValue(new CodedError("DB_CORRUPT", "broken"));
    node.driver.deliver({ type: "work", pending: true });
    await turns();
    expect(node.fatal).toEqual([expect.objectContaining({ code: "DB_CORRUPT" })]);
    node.driver.deliver({ type: "work", pending: false });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(node.fatal).toHaveLength(1);
  });

  test("a broken promise of the core is fatal", async () => {
    const node = await voting();
    node.driver.deliver({ type: "start", incarnation: 2 });
    await turns();
    expect(node.fatal.map(messageOf)).toEqual([expect.stringContaining("start")]);
  });

  test("a backlog of events is fatal and not endless", async () => {
    const node = await voting();
    for (let i = 0; i < 70_000; i++) node.driver.deliver({ type: "work", pending: false });
    expect(node.fatal).toEqual([expect.objectContaining({ code: "EVENT_BACKLOG" })]);
    await turns();
    expect(node.fatal).toHaveLength(1);
  });

  test("a stop waits for the write that is under way, and takes nothing more", async () => {
    const node = await voting();
    node.driver.deliver({ type: "work", pending: true });
    await turns();
    let isStopped = false;
    const stopped = node.driver.stop().then(() => {
      isStopped = true;
    });
    await turns();
    expect(isStopped).toBe(false);
    present(node.journal.writes[0], "write").done();
    await stopped;
    expect(node.signed).toEqual([]);
    await node.receive(status());
    node.driver.deliver({ type: "work", pending: false });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(node.fatal).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
