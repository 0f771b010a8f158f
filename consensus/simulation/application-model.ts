import { present } from "../../primitives/assert.ts";
import { type Evidence, evidenceDigest } from "../evidence.ts";
import type { BlockHeader } from "../header.ts";
import type { Certificate } from "../types.ts";
import type { LogFile } from "./disk-model.ts";
import {
  batchDigest,
  execute,
  GENESIS_STATE,
  isExecuted,
  isRecorded,
  type ToyBatch,
  type ToyState,
} from "./toy-application.ts";

/** Batches that one block takes: few, so that several blocks carry transactions at once. */
const BATCHES_PER_BLOCK = 4;

/** Transactions that one batch takes. */
const TRANSACTIONS_PER_BATCH = 8;

/** Blocks that became final together, written to the block store in one piece. */
export interface CommittedGroup {
  readonly headers: readonly BlockHeader[];
  readonly digests: readonly string[];
  /** Of the last header. */
  readonly finalization: Certificate;
}

/**
 * One node's toy application with its stores: batches, executed states, committed blocks. What is
 * not in one of the two files is lost at a crash. It knows neither clock nor network.
 */
export class ApplicationModel {
  readonly #node: number;
  readonly #genesisDigest: string;
  readonly #bodies: LogFile<ToyBatch>;
  readonly #groups: LogFile<CommittedGroup>;

  #batches = new Map<string, ToyBatch>();
  /** Digests of batches that are in the bodies file, durable or on the way. */
  #stored = new Set<string>();
  /** Batches with a transaction that no committed block has executed, oldest first. */
  #open = new Map<string, ToyBatch>();
  #unpacked: string[] = [];
  #nextSequence = 0;
  #states = new Map<string, ToyState>();
  #tip: ToyState = GENESIS_STATE;
  #tipDigest: string;
  /** Height at which each transaction was executed for good. */
  #committed = new Map<string, number>();
  /** Height at which each piece of evidence was recorded for good. */
  #evidence = new Map<string, number>();
  /** The last block of each epoch that is over, with its finalization. */
  #closings = new Map<number, { digest: string; finalization: Certificate }>();
  #headers: BlockHeader[] = [];
  /** Finalizations by height of the block they name. */
  #finalizations = new Map<number, Certificate>();

  constructor(
    node: number,
    genesisDigest: string,
    bodies: LogFile<ToyBatch>,
    groups: LogFile<CommittedGroup>,
  ) {
    this.#node = node;
    this.#genesisDigest = genesisDigest;
    this.#tipDigest = genesisDigest;
    this.#bodies = bodies;
    this.#groups = groups;
    this.reload();
  }

  /** After a crash: forgets everything and reads the files again. */
  reload(): void {
    this.#batches = new Map();
    this.#stored = new Set();
    this.#open = new Map();
    this.#unpacked = [];
    this.#states = new Map([[this.#genesisDigest, GENESIS_STATE]]);
    this.#tip = GENESIS_STATE;
    this.#tipDigest = this.#genesisDigest;
    this.#committed = new Map();
    this.#evidence = new Map();
    this.#closings = new Map();
    this.#headers = [];
    this.#finalizations = new Map();
    for (const batch of this.#bodies.entries) {
      this.receive(batch);
      this.#stored.add(batchDigest(batch));
      if (batch.author === this.#node) this.#nextSequence = batch.sequence + 1;
    }
    for (const group of this.#groups.entries) this.apply(group);
    // A sequence number used before the crash and lost with it must not name another batch.
    this.#nextSequence += 1_000;
  }

  get height(): number {
    return this.#tip.height;
  }

  get tip(): ToyState {
    return this.#tip;
  }

  /** How an epoch ended; undefined while it has not. */
  closingOf(
    epoch: number,
  ): { readonly digest: string; readonly finalization: Certificate } | undefined {
    return this.#closings.get(epoch);
  }

  /** Those of the offered that neither a committed block nor one below `parentDigest` records. */
  unrecorded(parentDigest: string, offered: readonly Evidence[]): readonly Evidence[] {
    const parent = this.#states.get(parentDigest);
    if (parent === undefined) return [];
    return offered.filter((each) => {
      const digest = evidenceDigest(each);
      const height = this.#evidence.get(digest);
      const committed = height !== undefined && height <= parent.height;
      return !committed && !isRecorded(parent, digest);
    });
  }

  get tipRoot(): string {
    return this.#tip.stateRoot;
  }

  get lastGroup(): CommittedGroup | undefined {
    return this.#groups.entries[this.#groups.length - 1];
  }

  submit(transaction: string): void {
    this.#unpacked.push(transaction);
  }

  get hasUnpacked(): boolean {
    return this.#unpacked.length > 0;
  }

  /** Whether anything waits that no committed block has executed. */
  get hasWork(): boolean {
    return this.#unpacked.length > 0 || this.#open.size > 0;
  }

  get oldestOpen(): ToyBatch | undefined {
    return this.#open.values().next().value;
  }

  isCommitted(transaction: string): boolean {
    return this.#committed.has(transaction);
  }

  /** Transactions this node holds and has not seen committed. */
  get held(): readonly string[] {
    const inBatches = [...this.#open.values()].flatMap((batch) => batch.transactions);
    return [...this.#unpacked, ...inBatches].filter((held) => !this.#committed.has(held));
  }

  /** Packs submitted transactions into the next batch of this node. */
  pack(): ToyBatch | undefined {
    if (this.#unpacked.length === 0) return undefined;
    const transactions = this.#unpacked.splice(0, TRANSACTIONS_PER_BATCH);
    const batch = { author: this.#node, sequence: this.#nextSequence++, transactions };
    this.receive(batch);
    return batch;
  }

  /** Takes in a batch; false when it is known already. */
  receive(batch: ToyBatch): boolean {
    const digest = batchDigest(batch);
    if (this.#batches.has(digest)) return false;
    this.#batches.set(digest, batch);
    if (batch.transactions.some((each) => !this.#committed.has(each))) {
      this.#open.set(digest, batch);
    }
    return true;
  }

  batch(digest: string): ToyBatch | undefined {
    return this.#batches.get(digest);
  }

  missing(headers: readonly BlockHeader[]): readonly string[] {
    return headers
      .flatMap((header) => header.batchDigests)
      .filter((digest) => !this.#batches.has(digest));
  }

  /** Writes the bodies of a block to the file; they are durable after the next sync. */
  storeBodies(digests: readonly string[]): void {
    for (const digest of digests) {
      const batch = this.#batches.get(digest);
      if (batch === undefined || this.#stored.has(digest)) continue;
      this.#stored.add(digest);
      this.#bodies.append(batch);
    }
  }

  hasState(digest: string): boolean {
    return this.#states.has(digest);
  }

  /** Batches for a block on `parentDigest`: known, and with something its ancestors lack. */
  choose(parentDigest: string): readonly string[] {
    const parent = this.#states.get(parentDigest);
    if (parent === undefined) return [];
    const chosen: string[] = [];
    for (const [digest, { transactions }] of this.#open) {
      if (chosen.length === BATCHES_PER_BLOCK) break;
      if (transactions.some((each) => !this.#isStale(parent, each))) chosen.push(digest);
    }
    return chosen;
  }

  /** Executes on the parent's state; undefined while the parent or a body is unknown. */
  preview(
    parentDigest: string,
    batchDigests: readonly string[],
    evidence: readonly Evidence[] = [],
  ): ToyState | undefined {
    const parent = this.#states.get(parentDigest);
    if (parent === undefined) return undefined;
    const batches: ToyBatch[] = [];
    for (const digest of batchDigests) {
      const batch = this.#batches.get(digest);
      if (batch === undefined) return undefined;
      batches.push(batch);
    }
    const isCommitted = (transaction: string): boolean =>
      this.#isCommittedBelow(parent, transaction);
    return execute(parent, batches, isCommitted, evidence.map(evidenceDigest));
  }

  /** Keeps an executed state, so that blocks can be built on it. */
  remember(digest: string, state: ToyState): void {
    if (state.height > this.#tip.height) this.#states.set(digest, state);
  }

  /** Appends a group to the block store; durable, and to be applied, after the next sync. */
  storeGroup(group: CommittedGroup): void {
    this.#groups.append(group);
  }

  /** Executes a group upon the tip. Returns what each block gave, for the oracle to compare. */
  apply(group: CommittedGroup): readonly ToyState[] {
    const states: ToyState[] = [];
    for (const [i, header] of group.headers.entries()) {
      const state = this.preview(this.#tipDigest, header.batchDigests, header.evidence);
      if (state === undefined) break;
      for (const transaction of state.applied) this.#committed.set(transaction, state.height);
      this.#tipDigest = present(group.digests[i], "digest of a committed header");
      // Blocks executed upon it before it was final hang on the remembered object: keep that one.
      this.#tip = this.#states.get(this.#tipDigest) ?? state;
      this.#tip.parent = undefined;
      this.#states.set(this.#tipDigest, this.#tip);
      this.#headers.push(header);
      for (const digest of state.evidence) this.#evidence.set(digest, state.height);
      if (header.nextValidators !== undefined) {
        const { finalization } = group;
        this.#closings.set(header.epoch, { digest: this.#tipDigest, finalization });
      }
      states.push(state);
    }
    this.#finalizations.set(this.#tip.height, group.finalization);
    for (const [digest, state] of this.#states) {
      if (state.height < this.#tip.height) this.#states.delete(digest);
    }
    for (const [digest, { transactions }] of this.#open) {
      if (transactions.every((each) => this.#committed.has(each))) this.#open.delete(digest);
    }
    return states;
  }

  /** The committed blocks `fromHeight` … of one epoch, as a peer is served them; see BlocksBody. */
  serve(
    fromHeight: number,
    count: number,
  ): { headers: readonly BlockHeader[]; finalization: Certificate } | undefined {
    let finalized: number | undefined;
    const { epoch } = this.#headers[fromHeight - 1] ?? { epoch: 0 };
    for (const height of this.#finalizations.keys()) {
      if (finalized !== undefined && this.#headers[height - 1]?.epoch !== epoch) break;
      const within = height < fromHeight + count;
      if (height >= fromHeight && (finalized === undefined || within)) finalized = height;
      if (!within) break;
    }
    const finalization = finalized === undefined ? undefined : this.#finalizations.get(finalized);
    if (finalized === undefined || finalization === undefined) return undefined;
    const last = Math.min(finalized, fromHeight + count - 1);
    return { headers: this.#headers.slice(fromHeight - 1, last), finalization };
  }

  #isStale(parent: ToyState, transaction: string): boolean {
    return isExecuted(parent, transaction) || this.#isCommittedBelow(parent, transaction);
  }

  #isCommittedBelow(parent: ToyState, transaction: string): boolean {
    const height = this.#committed.get(transaction);
    return height !== undefined && height <= parent.height;
  }
}
