import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Evidence } from "../../consensus/evidence.ts";
import { type BlockHeader, headerDigest } from "../../consensus/header.ts";
import type { Certificate } from "../../consensus/types.ts";
import { currentEpochOf } from "../../ledger/closing.ts";
import {
  buildBody,
  type SignedTransaction,
  signatureBy,
  unsigned,
  withSignatures,
} from "../../ledger/envelope.ts";
import { chainIdOf, type Genesis } from "../../ledger/genesis.ts";
import { sgla, testGenesis } from "../../ledger/testing/test-ledger.ts";
import { utf8 } from "../../primitives/bytes.ts";
import type { Signer } from "../../primitives/ed25519/signer.ts";
import { nativeSigner, verifySodium } from "../../primitives/native/sodium.ts";
import { sha256 } from "../../primitives/sha256.ts";
import type { SignatureCheck, VerificationLane, Verifier } from "../../primitives/verifier.ts";
import { type Batch, packBatch } from "../dissemination/batch.ts";
import { BatchPool } from "../dissemination/batch-pool.ts";
import { Dissemination } from "../dissemination/dissemination.ts";
import { PendingTransactions } from "../dissemination/pending-transactions.ts";
import { type BootedStorage, createStorage, openStorage } from "./boot.ts";
import { type AppliedBlock, LedgerApplication } from "./ledger-application.ts";
import { checkTransactions } from "./signature-check.ts";

/** Test support: nodes without sockets and without consensus, with real keys, disk and ledger. */

export function signerOf(name: string): Signer {
  return nativeSigner(sha256(utf8(`test seed ${name}`)));
}

export const VALIDATOR_NAMES = ["V0", "V1", "V2", "V3"] as const;

/** The test genesis under keys that sign, and four validators of equal weight. */
export function networkGenesis(changes: Partial<Genesis> = {}): Genesis {
  const { members } = testGenesis();
  return testGenesis({
    members: members.map((member) => ({
      ...member,
      keys: member.keys.map((key) => ({
        ...key,
        publicKey: signerOf(`${member.id}/${key.keyId}`).publicKey,
      })),
    })),
    validators: VALIDATOR_NAMES.map((name) => ({
      name,
      member: "SBP",
      consensusKey: signerOf(name).publicKey,
      networkKey: signerOf(`${name} network`).publicKey,
      weight: 1,
    })),
    ...changes,
  });
}

export interface TransactionOptions {
  readonly chainId?: string;
  readonly member?: string;
  readonly clientRef?: string;
  readonly account?: string;
  readonly expiresAtHeight?: number;
  readonly signers?: readonly string[];
  /** Signers whose signature is broken. */
  readonly broken?: readonly string[];
  /** Key that signs, by its id. */
  readonly keyId?: string;
}

/** Opens an account of HBL: the central bank and HBL sign. */
export function transactionFor(
  genesis: Genesis,
  name: string,
  options: TransactionOptions = {},
): SignedTransaction {
  const body = buildBody(
    {
      chainId: options.chainId ?? chainIdOf(genesis),
      member: options.member ?? "HBL",
      clientRef: options.clientRef ?? name,
      expiresAtHeight: options.expiresAtHeight ?? 10,
    },
    "open-account",
    sgla(options.account ?? `SGLA-${name}`, "HBL"),
  );
  const bare = unsigned(body);
  const signatures = (options.signers ?? ["HBL", "SBP"]).map((member) => {
    const keyId = options.keyId ?? "k1";
    const signed = signatureBy(bare, member, keyId, signerOf(`${member}/${keyId}`));
    if (options.broken?.includes(member) !== true) return signed;
    return { ...signed, signature: new Uint8Array(64).fill(9) };
  });
  return withSignatures(bare, signatures);
}

export function batchFrom(
  author: number,
  sequence: number,
  transactions: readonly SignedTransaction[],
): Batch {
  return packBatch(
    author,
    sequence,
    transactions.map((transaction) => ({ bytes: transaction.bytes, transaction })),
  );
}

/** Not verified by the application: consensus has done that. */
export function finalizationOf(header: BlockHeader, view = header.height): Certificate {
  const { epoch, parentDigest } = header;
  return {
    kind: "finalize",
    epoch,
    view,
    target: { parentView: view - 1, parentDigest, blockDigest: headerDigest(header) },
    signers: 0b111,
    signatures: [0, 1, 2].map(() => new Uint8Array(64)),
  };
}

/** Verifies on the calling thread, counts, and refuses on demand. */
export class TestVerifier implements Verifier {
  readonly calls: { readonly count: number; readonly lane: VerificationLane }[] = [];
  /** Thrown by the next calls, one each. */
  readonly refusals: Error[] = [];
  /** Runs before the verdicts of each call are given. */
  meanwhile: (() => void | Promise<void>) | undefined;

  get signatures(): number {
    return this.calls.reduce((sum, { count }) => sum + count, 0);
  }

  async verify(checks: readonly SignatureCheck[], lane: VerificationLane) {
    this.calls.push({ count: checks.length, lane });
    const refusal = this.refusals.shift();
    if (refusal !== undefined) throw refusal;
    const verdicts = checks.map(({ publicKey, message, signature }) =>
      verifySodium(publicKey, message, signature),
    );
    await this.meanwhile?.();
    return verdicts;
  }

  async close(): Promise<void> {}
}

export class TestNode {
  readonly self: number;
  readonly genesis: Genesis;
  readonly directory: string;
  readonly storage: BootedStorage;
  readonly verifier = new TestVerifier();
  readonly pool: BatchPool;
  readonly pending = new PendingTransactions({ maxBytes: 1 << 26, maxTransactions: 10_000 });
  readonly dissemination: Dissemination;
  readonly application: LedgerApplication;
  readonly applied: AppliedBlock[] = [];
  readonly executed: number[] = [];
  readonly peers = new Map<number, TestNode>();
  /** Requests for batches that left this node. */
  requests = 0;
  /** A clock that only tests move: acknowledgements are never waited for. */
  nowMs = 0;

  private constructor(self: number, genesis: Genesis, directory: string, storage: BootedStorage) {
    this.self = self;
    this.genesis = genesis;
    this.directory = directory;
    this.storage = storage;
    this.pool = new BatchPool({ weights: [1, 1, 1, 1], quorum: 3, self });
    const { blocks, committed } = storage;
    this.dissemination = new Dissemination(
      { self, packingMs: 0, pool: this.pool, pending: this.pending },
      {
        send: (peer, kind, payload) => {
          const node = this.peers.get(peer);
          if (node === undefined) return { status: "not-connected" };
          if (kind === 34) this.requests += 1;
          setImmediate(() => void node.dissemination.onFrame(self, kind, payload));
          return { status: "queued" };
        },
        broadcast: () => undefined,
        connectedPeers: () => [...this.peers.keys()],
        penalise: () => undefined,
        check: (batch) => checkTransactions(batch.transactions, committed, this.verifier),
        stored: (digest) => blocks.batches.getBatch(digest),
        committed: (digest) => blocks.batches.committedHeight(digest) !== undefined,
        workChanged: () => undefined,
        dropped: () => undefined,
        log: () => undefined,
        now: () => this.nowMs,
      },
    );
    this.application = new LedgerApplication({
      chainId: chainIdOf(genesis),
      blocks,
      committed,
      pool: this.pool,
      dissemination: this.dissemination,
      verifier: this.verifier,
      onApplied: (block) => this.applied.push(block),
      onSeen: () => undefined,
      onExecuted: (_seconds, transactions) => this.executed.push(transactions),
      now: () => this.nowMs,
    });
  }

  static async create(self: number, genesis: Genesis): Promise<TestNode> {
    const directory = await mkdtemp(join(tmpdir(), "mizan-runtime-"));
    await createStorage(directory, genesis, 1);
    return TestNode.open(self, genesis, directory);
  }

  static async open(self: number, genesis: Genesis, directory: string): Promise<TestNode> {
    return new TestNode(self, genesis, directory, await openStorage(directory, genesis));
  }

  get head() {
    return this.storage.committed.head;
  }

  /** Pools a batch as if it had arrived from its author, verified. */
  async hold(batch: Batch): Promise<void> {
    const { committed } = this.storage;
    const checked = await checkTransactions(batch.transactions, committed, this.verifier);
    this.pool.add({ batch, checked }, this.nowMs);
    this.nowMs += 1_000;
  }

  /** A block on `parent`, or on the head. */
  build(
    parent?: BlockHeader,
    allowTransactions = true,
    evidence: readonly Evidence[] = [],
  ): Promise<BlockHeader | undefined> {
    const { head } = this;
    const on =
      parent === undefined
        ? { digest: head.digest, height: head.height, timestampMs: head.timestampMs }
        : { digest: headerDigest(parent), height: parent.height, timestampMs: parent.timestampMs };
    return this.application.build({
      type: "build",
      view: on.height + 1,
      epoch: currentEpochOf(this.storage.committed).epoch,
      proposer: this.self,
      parent: { ...on, header: parent },
      timestampMs: on.timestampMs + 1_000,
      allowTransactions,
      evidence,
    });
  }

  validate(header: BlockHeader): Promise<"valid" | "bad"> {
    return this.application.validate({
      type: "validate",
      digest: headerDigest(header),
      view: header.height,
      header,
      // The application knows parents by their digest.
      parent: { digest: header.parentDigest, height: 0, timestampMs: 0, header: undefined },
    });
  }

  async close(): Promise<void> {
    this.dissemination.stop();
    await this.storage.journal.close();
    await this.storage.database.close();
  }

  async destroy(): Promise<void> {
    await this.close();
    await rm(this.directory, { recursive: true });
  }
}

/** Each can ask each. */
export function connect(...nodes: readonly TestNode[]): void {
  for (const a of nodes) for (const b of nodes) if (a !== b) a.peers.set(b.self, b);
}

/** Whether the promise is settled after what is under way has had its turns. */
export async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const settle = (): void => {
    settled = true;
  };
  promise.then(settle, settle);
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  return settled;
}
