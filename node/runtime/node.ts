import type { Report } from "../../consensus/effects.ts";
import { chainIdOf } from "../../ledger/genesis.ts";
import { installNativeHashing } from "../../primitives/native/hashing.ts";
import { nativeSigner } from "../../primitives/native/sodium.ts";
import { VerificationPool } from "../../primitives/native/verification-pool.ts";
import { VerifiedCache } from "../../primitives/native/verified-cache.ts";
import type { Verifier } from "../../primitives/verifier.ts";
import { type OpsServer, startOpsServer } from "../api/ops-server.ts";
import type { NodePorts } from "../api/ports.ts";
import { type RpcServer, startRpcServer } from "../api/server.ts";
import { BatchPool } from "../dissemination/batch-pool.ts";
import { Dissemination } from "../dissemination/dissemination.ts";
import { PendingTransactions } from "../dissemination/pending-transactions.ts";
import { FrameKind, type MessageKind } from "../net/frame.ts";
import type { Mesh } from "../net/mesh.ts";
import { trustRootOf } from "../snapshot/manifest-check.ts";
import { diskFiles } from "../snapshot/snapshot-files.ts";
import { SnapshotService } from "../snapshot/snapshot-service.ts";
import { type BootedStorage, openStorage } from "./boot.ts";
import { ChainQueries } from "./chain-queries.ts";
import { ConsensusEpochs } from "./consensus-epochs.ts";
import { dataPaths } from "./data-paths.ts";
import { HeadSignal } from "./head-signal.ts";
import { queueOverload } from "./ingress-shedding.ts";
import { type AppliedBlock, LedgerApplication } from "./ledger-application.ts";
import { checkOwnKey, createMesh, meshPeers } from "./node-mesh.ts";
import { NodeMeter } from "./node-meter.ts";
import type { NodeOptions } from "./node-options.ts";
import { readinessChecks } from "./readiness.ts";
import { type OwnKeys, type Roster, rosterOf } from "./roster.ts";
import { settledTransactions } from "./settled-transactions.ts";
import type { ShutdownStep } from "./shutdown.ts";
import { checkTransactions } from "./signature-check.ts";
import { startFromSnapshot } from "./start-from-snapshot.ts";
import { StateQueries } from "./state-queries.ts";
import { TransactionIntake } from "./transaction-intake.ts";
import { TransactionWaiters } from "./transaction-waiters.ts";

/** Blocks for which batches that no block took stay on disk, and how often the rest is removed. */
const BATCH_KEEP_BLOCKS = 256;
const BATCH_COLLECT_BLOCKS = 64;
const BATCH_COLLECT_LIMIT = 1024;

/** How long a stopping node waits for others to hold what it admitted. */
const HAND_OVER_MS = 1_500;

/** A node this far behind what it knows to be final takes no transactions. */
const MAX_BEHIND_BLOCKS = 16;

/**
 * A running node: a validator while its key is in the epoch's set, else an observer. Built in the order of dependence, stopped in the reverse order; owns every
 * socket, file and thread of the process.
 */
export class MizanNode {
  readonly chainId: string;
  readonly #options: NodeOptions;
  readonly #storage: BootedStorage;
  readonly #verifier: Verifier;
  readonly #mesh: Mesh;
  readonly #application: LedgerApplication;
  readonly #epochs: ConsensusEpochs;
  readonly #dissemination: Dissemination;
  readonly #pool: BatchPool;
  readonly #pending: PendingTransactions;
  readonly #waiters = new TransactionWaiters();
  readonly #heads = new HeadSignal();
  readonly #meter: NodeMeter;
  readonly #snapshots: SnapshotService;
  readonly #connected = new Set<number>();
  readonly #onFatal: (error: unknown) => void;
  #rpc: RpcServer | undefined;
  #ops: OpsServer | undefined;
  #pendingWork = false;
  #halted: string | undefined;
  #draining = false;

  /**
   * Opens and checks the data, unlocks nothing and talks to nobody yet. `onFatal` is called at most
   * once, when the node can't go on: the caller stops it and exits.
   */
  static async create(options: NodeOptions, onFatal: (error: unknown) => void): Promise<MizanNode> {
    const hashing = installNativeHashing();
    options.logger.info("node.hashing", { ...hashing });
    const opened = await openStorage(options.dataDir, options.genesis);
    const storage = await startFromSnapshot(opened, options, createMesh);
    let pool: VerificationPool | undefined;
    try {
      pool = await VerificationPool.open({
        threads: options.verificationThreads,
        onIncident: (incident) => options.logger.warn("verification.incident", { ...incident }),
      });
      let isFatal = false;
      const once = (error: unknown): void => {
        options.logger.fatal("node.fatal", { err: error });
        if (!isFatal) onFatal(error);
        isFatal = true;
      };
      const networkKey = nativeSigner(options.networkSeed).publicKey;
      const own = { consensusKey: options.signer.publicKey, networkKey };
      const roster = rosterOf(storage.committed, own);
      checkOwnKey(options, roster);
      const mesh = await createMesh(options, roster, once);
      return new MizanNode(options, storage, pool, mesh, own, once);
    } catch (error) {
      await pool?.close();
      await storage.journal.close();
      await storage.database.close();
      throw error;
    }
  }

  private constructor(
    options: NodeOptions,
    storage: BootedStorage,
    verificationPool: VerificationPool,
    mesh: Mesh,
    own: OwnKeys,
    onFatal: (error: unknown) => void,
  ) {
    this.#options = options;
    this.#storage = storage;
    this.#onFatal = onFatal;
    this.#mesh = mesh;
    this.#verifier = new VerifiedCache(verificationPool);
    this.chainId = chainIdOf(options.genesis);
    const roster = rosterOf(storage.committed, own);
    const now = (): number => Date.now() + options.clockOffsetMs;
    this.#pending = new PendingTransactions(options.mempool);
    this.#pool = new BatchPool({
      weights: roster.weights,
      quorum: roster.set.quorum,
      self: roster.ownNumber,
    });
    this.#dissemination = this.#createDissemination(roster.ownNumber);
    this.#application = new LedgerApplication({
      chainId: this.chainId,
      blocks: storage.blocks,
      committed: storage.committed,
      pool: this.#pool,
      dissemination: this.#bodySource(),
      verifier: this.#verifier,
      onApplied: (block) => this.#applied(block),
      onExecuted: (seconds) => this.#meter.executed(seconds),
      onSeen: (digest) => this.#meter.proposalSeen(digest),
      now: () => performance.now(),
    });
    this.#epochs = new ConsensusEpochs(
      {
        chainId: this.chainId,
        own,
        parameters: options.consensus,
        signer: options.signer,
        blocks: storage.blocks,
        committed: storage.committed,
        journals: storage.journals,
        application: this.#application,
        verifier: this.#verifier,
        send: (peer, kind, payload) => void mesh.send(peer, kind, payload),
        broadcast: (kind, payload) => mesh.broadcast(kind, payload),
        penalise: (peer, reason) => mesh.penalise(peer, reason),
        connected: () => this.#connected,
        rosterChanged: (changed) => this.#rosterChanged(changed),
        begun: () => this.#begun(),
        report: (report, of) => this.#report(report, of),
        dropped: (reason) => this.#meter.messageDropped(reason),
        journalWrote: (seconds) => options.metrics.storage.journalSync.observe(seconds),
        stepped: (stepped) => this.#meter.stepped(stepped),
        log: (event, data) => options.logger.info(event, { ...data }),
        fatal: (error) => this.#fatal(error),
        now,
      },
      storage,
    );
    this.#snapshots = this.#createSnapshots();
    this.#meter = new NodeMeter(options.metrics, {
      mesh,
      verificationPool,
      pending: this.#pending,
      committed: storage.committed,
    });
  }

  async start(): Promise<void> {
    const { logger, rpc, ops, metrics } = this.#options;
    this.#mesh.onFrame((from, kind, payload) => this.#onFrame(from, kind, payload));
    this.#mesh.onPeer((index, event) => {
      if (event === "connected") {
        this.#connected.add(index);
        this.#epochs.connected(index);
        this.#snapshots.peerConnected(index);
      } else {
        this.#connected.delete(index);
        this.#snapshots.peerDisconnected(index);
      }
    });
    // Before anybody can submit: what is admitted becomes an event of a core that has started.
    await this.#epochs.start();
    this.#dissemination.start();
    await this.#snapshots.start();
    const ports = this.#ports();
    this.#rpc = await startRpcServer({
      ...rpc,
      ports,
      log: logger.module("rpc"),
      metrics,
      onInvariant: (error) => this.#fatal(error),
      isIntact: () => !this.#isDivergent(),
    });
    this.#ops = await startOpsServer({
      ...ops,
      metrics,
      log: logger.module("ops"),
      readiness: () => this.readiness(),
    });
    await this.#mesh.start();
    logger.info("node.started", {
      chainId: this.chainId,
      validator: this.#options.name,
      epoch: this.#epochs.roster.epoch,
      voting: this.#epochs.isValidator,
      height: this.#storage.committed.head.height,
      listen: [...this.#mesh.listenAddresses],
      rpc: this.#rpc.port,
      ops: this.#ops.port,
    });
  }

  get rpcPort(): number | undefined {
    return this.#rpc?.port;
  }

  get opsPort(): number | undefined {
    return this.#ops?.port;
  }

  readiness(): ReturnType<typeof readinessChecks> {
    return readinessChecks({
      weights: this.#epochs.roster.weights,
      self: this.#epochs.roster.ownNumber,
      connected: this.#connected,
      syncing: this.#finalHeight() > this.#storage.committed.head.height + 1,
      halted: this.#halted,
      draining: this.#draining,
      voting: this.#epochs.state.gate.open || !this.#epochs.isValidator,
    });
  }

  async #handOver(): Promise<void> {
    if (await this.#dissemination.drain(HAND_OVER_MS)) return;
    this.#options.logger.warn("node.not-handed-over", { transactions: this.#pending.count });
  }

  /** The steps of an orderly stop, for `Shutdown`. The database closes whatever hangs before. */
  shutdownSteps(): readonly ShutdownStep[] {
    return [
      {
        name: "rpc",
        budgetMs: 5_000,
        run: async () => {
          this.#draining = true;
          await this.#rpc?.close();
        },
      },
      { name: "snapshots", budgetMs: 1_000, run: () => this.#snapshots.stop() },
      { name: "hand-over", budgetMs: 2_000, run: () => this.#handOver() },
      { name: "dissemination", budgetMs: 500, run: () => this.#dissemination.stop() },
      { name: "consensus", budgetMs: 3_000, run: () => this.#epochs.stop() },
      { name: "mesh", budgetMs: 2_000, run: () => this.#mesh.stop(1_500) },
      { name: "verifier", budgetMs: 1_000, run: () => this.#verifier.close() },
      { name: "ops", budgetMs: 500, run: () => this.#ops?.close() },
      {
        name: "journal",
        budgetMs: 1_000,
        essential: true,
        run: () => this.#epochs.closeJournal(),
      },
      {
        name: "database",
        budgetMs: 1_500,
        essential: true,
        run: () => this.#storage.database.close(),
      },
    ];
  }

  /** Headers name their proposer by index; batches are asked for by number. */
  #bodySource(): Pick<Dissemination, "bodies" | "fetcher"> {
    const dissemination = this.#dissemination;
    return {
      fetcher: dissemination.fetcher,
      bodies: (digests, proposer) => {
        const { members } = this.#epochs.roster;
        const hint = proposer === undefined ? undefined : members[proposer]?.number;
        return dissemination.bodies(digests, hint);
      },
    };
  }

  #createDissemination(self: number): Dissemination {
    const { committed, blocks } = this.#storage;
    const options = {
      self,
      packingMs: this.#options.consensus.packingMs,
      pool: this.#pool,
      pending: this.#pending,
    };
    return new Dissemination(options, {
      send: (peer, kind, payload) => this.#mesh.send(peer, kind, payload),
      broadcast: (kind, payload) => this.#mesh.broadcast(kind, payload),
      connectedPeers: () => [...this.#connected],
      penalise: (peer, reason) => this.#mesh.penalise(peer, reason),
      // The connection has proved which validator sent it, and only authors send batches unasked.
      check: ({ transactions }, from) =>
        checkTransactions(
          transactions,
          committed,
          this.#verifier,
          [],
          "transaction",
          `validator ${from}`,
        ),
      stored: (digest) => blocks.batches.getBatch(digest),
      committed: (digest) => blocks.batches.committedHeight(digest) !== undefined,
      workChanged: () => this.#updateWork(),
      dropped: (reason) => this.#meter.batchDropped(reason),
      log: (event, data) => this.#options.logger.warn(`batch.${event}`, { ...data }),
      now: () => performance.now(),
    });
  }

  #createSnapshots(): SnapshotService {
    const { committed, blocks } = this.#storage;
    const { logger, snapshot, dataDir, genesis, onResync } = this.#options;
    return new SnapshotService({
      ...snapshot,
      files: diskFiles,
      directory: dataPaths(dataDir).snapshots,
      root: trustRootOf(genesis),
      blocks,
      state: committed,
      isBehind: () => this.#finalHeight() > committed.head.height + 1,
      connected: () => this.#connected,
      send: (peer, kind, payload) => this.#mesh.send(peer, kind, payload).status === "queued",
      penalise: (peer, reason) => this.#mesh.penalise(peer, reason),
      farBehind: () => onResync?.(),
      log: (level, event, data) => logger[level](event, { ...data }),
      fatal: (error) => this.#fatal(error),
      now: () => performance.now(),
    });
  }

  #ports(): NodePorts {
    const { blocks, committed } = this.#storage;
    const queries = new ChainQueries({
      chainId: this.chainId,
      blocks,
      committed,
      heads: this.#heads,
      finalHeight: () => this.#finalHeight(),
      maxExpiryBlocks: () => this.#options.genesis.parameters.maxExpiryBlocks,
    });
    const transactions = new TransactionIntake({
      blocks,
      committed,
      pending: this.#pending,
      waiters: this.#waiters,
      verifier: this.#verifier,
      admitted: () => this.#dissemination.packSoon(),
      closed: () => this.#closed(),
      overload: () => queueOverload(this.#pending, performance.now()),
      count: (outcome) => this.#meter.admission(outcome),
    });
    const state = new StateQueries(blocks, committed);
    return { chain: queries, events: queries, transactions, state };
  }

  #closed(): "DRAINING" | "HALTED" | "OBSERVER" | "SYNCING" | undefined {
    if (this.#draining) return "DRAINING";
    if (this.#halted !== undefined) return "HALTED";
    // What this node packed would be taken by nobody.
    if (!this.#pool.isAuthor(this.#epochs.roster.ownNumber)) return "OBSERVER";
    // Far behind, expiry and references would be judged on a state long past.
    const behind = this.#finalHeight() - this.#storage.committed.head.height;
    return behind > MAX_BEHIND_BLOCKS ? "SYNCING" : undefined;
  }

  /** This node's state or chain contradicts what the network certified: it must not be read. */
  #isDivergent(): boolean {
    return this.#halted === "DIVERGENCE" || this.#halted === "SAFETY_VIOLATION";
  }

  #onFrame(from: number, kind: MessageKind, payload: Uint8Array): Promise<void> {
    if (kind >= FrameKind.getSnapshotManifest) {
      return this.#snapshots.onFrame(from, kind, payload);
    }
    return kind >= FrameKind.batch
      ? this.#dissemination.onFrame(from, kind, payload)
      : this.#epochs.onFrame(from, kind, payload);
  }

  #applied(block: AppliedBlock): void {
    const { header, digest, result, commitSeconds } = block;
    const { committed, blocks } = this.#storage;
    this.#pending.settle(settledTransactions(block, this.#epochs.roster.ownNumber));
    this.#pending.expire(header.height + 1);
    this.#waiters.applied(header.height, result.receipts);
    this.#meter.applied(digest, header.height, result.receipts.length, commitSeconds);
    this.#heads.announce(committed.head);
    this.#epochs.applied(header.height);
    this.#snapshots.applied(header.height, header.nextValidators !== undefined);
    this.#updateWork();
    this.#options.logger.debug("block.applied", {
      height: header.height,
      digest,
      transactions: result.receipts.length,
      stateRoot: header.stateRoot,
    });
    if (header.height % BATCH_COLLECT_BLOCKS === 0) {
      const keep = new Set([...this.#pool.digests(), ...this.#application.namedDigests()]);
      const storedBelowHeight = header.height - BATCH_KEEP_BLOCKS;
      blocks.batches
        .collectGarbage({ storedBelowHeight, keep, limit: BATCH_COLLECT_LIMIT })
        .catch((error: unknown) => this.#fatal(error));
    }
  }

  #updateWork(): void {
    const pending = this.#pool.size > 0;
    if (pending === this.#pendingWork) return;
    this.#pendingWork = pending;
    this.#epochs.deliver({ type: "work", pending });
  }

  #begun(): void {
    if (this.#pendingWork) this.#epochs.deliver({ type: "work", pending: true });
  }

  #rosterChanged(roster: Roster): void {
    const { weights, set, ownNumber } = roster;
    this.#mesh.setPeers(meshPeers(this.#options, roster));
    this.#pool.setValidators(weights, set.quorum, ownNumber);
    this.#dissemination.validatorsChanged(ownNumber);
  }

  #finalHeight(): number {
    return this.#epochs.state.floor.height;
  }

  #report(report: Report, roster: Roster): void {
    const { logger } = this.#options;
    switch (report.kind) {
      case "halted":
        this.#halted = report.code;
        logger.fatal("consensus.halted", { ...report });
        break;
      case "conflictingCertificates":
        logger.fatal("consensus.conflicting-certificates", { ...report });
        break;
      case "evidence":
        logger.error("consensus.evidence", { ...report.evidence });
        break;
      case "peerFault":
        logger.warn("consensus.peer-fault", { ...report });
        for (const peer of roster.numbersOf(report.peer)) {
          this.#mesh.penalise(peer, "WRONG_ANSWER");
        }
        break;
      case "nullifying":
        this.#meter.nullifying(report.reason);
        logger.info("consensus.nullifying", { ...report });
        break;
      case "clockSkew":
        logger.warn("consensus.clock-skew", { ...report });
        break;
      case "votingEnabled":
        logger.info("consensus.voting", { view: report.view });
        break;
      case "ignoredRecords":
        logger.warn("consensus.ignored-records", { ...report });
        break;
    }
  }

  #fatal(error: unknown): void {
    this.#onFatal(error);
  }
}
