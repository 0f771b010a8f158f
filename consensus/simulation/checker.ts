import { evidenceDigest } from "../evidence.ts";
import type { BlockHeader } from "../header.ts";
import type { ConsensusMessage } from "../messages.ts";
import { weightOf } from "../quorum.ts";
import type { Certificate, Target } from "../types.ts";
import { ContradictionWatch } from "./contradiction-watch.ts";
import type { EpochDirectory } from "./epoch-directory.ts";
import { type ReadStatement, readStatement, targetKey } from "./statement-reader.ts";

/** What must hold in every run with Byzantine weight within the bound. */
export type Invariant =
  /** Finalized chains of honest nodes are prefixes of one another. */
  | "S1"
  /** At most one block is notarized in a view. */
  | "S2"
  /** No view is both nullified and finalized. */
  | "S3"
  /** What is finalized was notarized with the same target; all views it skips are nullified. */
  | "S4"
  /** No honest key contradicts itself or signs at or below its floor, across restarts. */
  | "S5"
  /** Nothing is on the wire before the disk holds what it promises. */
  | "S6"
  /** Floor, view and applied height never go back. */
  | "S7"
  /** Equal height means equal state; each transaction is executed once. */
  | "S8"
  /** Timestamps rise along the chain and lie within the bounds of an honest clock. */
  | "S9"
  /** Certificates that honest nodes send are complete and of quorum weight. */
  | "S10"
  /** A core's memory stays within its bounds. */
  | "S11"
  /** The same seed gives the same run, event for event. */
  | "S12"
  /** An honest node neither stops for good nor throws. */
  | "HALT"
  /** A run stays within its budget of events: nothing feeds on itself. */
  | "LOAD"
  /** After stabilisation every honest node finalizes new blocks in bounded time. */
  | "L1"
  /** A transaction that an honest node holds after stabilisation becomes final. */
  | "L2"
  /** After stabilisation all honest nodes reach the same floor. */
  | "L3"
  /** After stabilisation a node that was down or lost its disk catches up. */
  | "L4"
  /** At rest no view is nullified, views pass for heartbeat blocks alone, traffic is bounded. */
  | "L5"
  /** At rest heartbeat blocks appear. */
  | "L6"
  /** After stabilisation an epoch ends and the next begins at every honest node. */
  | "L7"
  /** Who contradicts itself before an honest node, after stabilisation, is convicted on the chain. */
  | "L8"
  /** After all nodes were down at once the chain goes on. */
  | "L9"
  /** A header stands in its epoch, and names the next validators exactly where it ends. */
  | "EPOCH"
  /** Evidence in a final block convicts a Byzantine key, and none twice by the same proof. */
  | "EVIDENCE";

export interface Violation {
  readonly invariant: Invariant;
  readonly atMs: number;
  readonly detail: string;
}

/** Votes of one view by honest keys: what any certificate of the view could be made of. */
interface ViewLedger {
  readonly notarize: Map<string, number>;
  readonly finalize: Map<string, number>;
  nullify: number;
  readonly bySigner: Map<number, SignerSlot>;
}

/** What one honest key signed in one view: at most one target each, if all is well. */
interface SignerSlot {
  readonly proposed: Set<string>;
  readonly notarized: Set<string>;
  readonly finalized: Set<string>;
  nullified: boolean;
}

interface NodeLedger {
  /** Of the floor and the view; they are compared by epoch first. */
  epoch: number;
  floorView: number;
  view: number;
  appliedHeight: number;
  /** Height of the last block this node committed; its chain is the common one up to there. */
  committedHeight: number;
}

interface ChainLink {
  readonly digest: string;
  readonly timestampMs: number;
  readonly stateRoot: string | undefined;
  /** Epoch of the block after this one. */
  readonly nextEpoch: number;
}

export interface CheckerOptions {
  readonly epochs: EpochDirectory;
  /** Participants, of whom any epoch has some. */
  readonly honest: readonly number[];
  readonly genesisDigest: string;
  readonly genesisTimestampMs: number;
  readonly precisionMs: number;
  readonly now: () => number;
}

/** Violations kept of one run: the first is the cause, a few more show the consequences. */
const MAX_VIOLATIONS = 8;

/**
 * The global oracle: it sees every signature that honest keys make, every message honest nodes send,
 * every block they commit, and every durable byte they own. It knows nothing of the core's state, so
 * it cannot share the core's mistakes. Byzantine keys count as if they had signed everything.
 */
export class Checker {
  readonly violations: Violation[] = [];
  readonly #options: CheckerOptions;
  readonly #views = new Map<string, ViewLedger>();
  /** By epoch. */
  readonly #byzantineWeights = new Map<number, number>();
  readonly #nodes: NodeLedger[];
  /** The one finalized chain, by height; genesis at 0. */
  readonly #chain: ChainLink[];
  /** Digests of the evidence on the chain. */
  readonly #convictions = new Set<string>();
  /** Height at which each transaction was executed first. */
  readonly #executedAt = new Map<string, number>();
  /** By epoch. */
  readonly #highestViews = new Map<number, number>();
  #widestGap = 0;
  #nullifications = 0;
  readonly #contradictions: ContradictionWatch;

  constructor(options: CheckerOptions) {
    this.#options = options;
    const { epochs } = options;
    this.#contradictions = new ContradictionWatch(epochs, options.honest);
    this.#nodes = Array.from({ length: epochs.participants }, () => ({
      epoch: epochs.firstEpoch,
      floorView: 0,
      view: 0,
      appliedHeight: 0,
      committedHeight: 0,
    }));
    this.#chain = [
      {
        digest: options.genesisDigest,
        timestampMs: options.genesisTimestampMs,
        stateRoot: undefined,
        nextEpoch: epochs.firstEpoch,
      },
    ];
  }

  /** The honest participants. */
  get honest(): readonly number[] {
    return this.#options.honest;
  }

  /** Blocks that at least one honest node committed. */
  get height(): number {
    return this.#chain.length - 1;
  }

  /** Most views that any node's floor has moved over at once: the longest wait for finality. */
  get widestGap(): number {
    return this.#widestGap;
  }

  /** Views that nodes told of, beyond the first of each epoch. */
  get viewsPassed(): number {
    let passed = 0;
    for (const highest of this.#highestViews.values()) passed += highest - 1;
    return passed;
  }

  /** Nullify votes of honest keys. */
  get nullifications(): number {
    return this.#nullifications;
  }

  /** Height at which a transaction was executed first. */
  executedAt(transaction: string): number | undefined {
    return this.#executedAt.get(transaction);
  }

  get highestView(): number {
    return this.#nodes.reduce((highest, node) => Math.max(highest, node.view), 0);
  }

  /** The key of an honest node signs `statement`. */
  signed(node: number, statement: Uint8Array): void {
    const read = readStatement(statement);
    const weight = this.#options.epochs.weightOf(read.epoch, node);
    if (weight === 0) this.fail("S5", `node ${node} signs in epoch ${read.epoch}, not its own`);
    const ledger = this.#ledger(read.epoch, read.view);
    const own = ledger.bySigner.get(node) ?? emptySlot();
    ledger.bySigner.set(node, own);
    const key = targetKey(read.target);
    const clash = (what: string): void =>
      this.fail("S5", `node ${node} signs ${read.kind} in view ${read.view} after ${what}`);
    switch (read.kind) {
      case "proposal":
        if (own.proposed.size > 0 && !own.proposed.has(key)) clash("another proposal");
        own.proposed.add(key);
        return;
      case "notarize":
        if (own.notarized.has(key)) return;
        if (own.notarized.size > 0) clash("another notarize vote");
        own.notarized.add(key);
        add(ledger.notarize, key, weight);
        break;
      case "nullify":
        if (own.nullified) return;
        if (own.finalized.size > 0) clash("a finalize vote");
        own.nullified = true;
        ledger.nullify += weight;
        this.#nullifications += 1;
        break;
      case "finalize":
        if (own.finalized.has(key)) return;
        if (own.nullified) clash("a nullify vote");
        if (own.finalized.size > 0) clash("another finalize vote");
        own.finalized.add(key);
        add(ledger.finalize, key, weight);
        break;
    }
    this.#checkView(read, ledger);
  }

  /** A core of `epoch` decides to sign while its floor stands at `floorView`. */
  decidedToSign(
    node: number,
    statement: Uint8Array,
    floorView: number,
    epoch = this.#options.epochs.firstEpoch,
  ): void {
    const read = readStatement(statement);
    if (read.epoch !== epoch || read.view <= floorView) {
      this.fail("S5", `node ${node} signs ${read.kind} in view ${read.view}, floor ${floorView}`);
    }
  }

  /** S9: an honest node votes for `header`; `clockMs` is the latest time its clock ever showed. */
  votedFor(node: number, header: BlockHeader, clockMs: number): void {
    if (header.timestampMs > clockMs + this.#options.precisionMs) {
      this.fail("S9", `node ${node} votes for height ${header.height} ahead of its clock`);
    }
  }

  /** S2 and S3 on what could be certified, whether or not anyone ever collects the votes. */
  #checkView(read: ReadStatement, ledger: ViewLedger): void {
    const possible = this.#possible(read.epoch, ledger.notarize);
    if (possible.length > 1) {
      this.fail("S2", `view ${read.view}: ${possible.length} blocks can be notarized`);
    }
    const finalized = this.#possible(read.epoch, ledger.finalize);
    const nullified = this.#isQuorum(read.epoch, ledger.nullify);
    if (nullified && finalized.length > 0) {
      this.fail("S3", `view ${read.view}: both nullification and finalization exist`);
    }
    for (const key of finalized) {
      if (!possible.includes(key)) {
        this.fail("S4", `view ${read.view}: finalization without notarization of ${key}`);
      }
    }
  }

  #possible(epoch: number, votes: ReadonlyMap<string, number>): readonly string[] {
    return [...votes].filter(([, weight]) => this.#isQuorum(epoch, weight)).map(([key]) => key);
  }

  /** Whether honest weight and all Byzantine weight of the epoch together are a quorum. */
  #isQuorum(epoch: number, honestWeight: number): boolean {
    const { epochs, honest } = this.#options;
    const { set } = epochs.of(epoch);
    let byzantine = this.#byzantineWeights.get(epoch);
    if (byzantine === undefined) {
      byzantine = honest.reduce((rest, node) => rest - epochs.weightOf(epoch, node), set.total);
      this.#byzantineWeights.set(epoch, byzantine);
    }
    return honestWeight + byzantine >= set.quorum;
  }

  /** S6: an honest node puts a signed statement on the wire; `missing` is not on its disk. */
  released(node: number, what: string, missing: string | undefined): void {
    if (missing !== undefined)
      this.fail("S6", `node ${node} sent ${what}, not durable: ${missing}`);
  }

  /** An honest node stores or forwards a certificate. */
  certificate(node: number, certificate: Certificate): void {
    if (!this.#options.epochs.has(certificate.epoch)) {
      this.fail("S10", `node ${node} sent a certificate of epoch ${certificate.epoch}`);
      return;
    }
    const { set } = this.#options.epochs.of(certificate.epoch);
    let weight = 0;
    let count = 0;
    for (let i = 0; i < set.validators.length; i++) {
      if ((certificate.signers & (1 << i)) === 0) continue;
      weight += weightOf(set, i);
      count += 1;
    }
    if (weight < set.quorum || count !== certificate.signatures.length) {
      this.fail("S10", `node ${node} sent a ${certificate.kind} certificate of weight ${weight}`);
    }
    const ledger = this.#ledger(certificate.epoch, certificate.view);
    if (!this.#couldExist(certificate.epoch, ledger, certificate.kind, certificate.target)) {
      this.fail(
        "S10",
        `view ${certificate.view}: ${certificate.kind} certificate that nobody can have signed`,
      );
    }
  }

  #couldExist(
    epoch: number,
    ledger: ViewLedger,
    kind: Certificate["kind"],
    target: Target | undefined,
  ): boolean {
    const honest = kind === "nullify" ? ledger.nullify : ledger[kind].get(targetKey(target));
    return this.#isQuorum(epoch, honest ?? 0);
  }

  /** An honest core commits: heights follow its last one, `finalization` names the last header. */
  committed(
    node: number,
    headers: readonly { readonly header: BlockHeader; readonly digest: string }[],
    finalization: Certificate,
    latestClockMs: number,
  ): void {
    const own = this.#node(node);
    for (const { header, digest } of headers) {
      if (header.height !== own.committedHeight + 1) {
        this.fail("S1", `node ${node} commits ${header.height} upon ${own.committedHeight}`);
        return;
      }
      own.committedHeight = header.height;
      const known = this.#chain[header.height];
      if (known === undefined) this.#extend(node, header, digest, latestClockMs);
      else if (known.digest !== digest) {
        this.fail("S1", `node ${node}: height ${header.height} is ${digest}, was ${known.digest}`);
      }
    }
    const last = headers[headers.length - 1];
    const { target } = finalization;
    if (last === undefined || target === undefined || target.blockDigest !== last.digest) {
      this.fail("S4", `node ${node}: the finalization names another block than the last`);
      return;
    }
    if (finalization.epoch !== last.header.epoch) {
      this.fail("S10", `node ${node}: finality of epoch ${finalization.epoch} for another's block`);
      return;
    }
    this.#checkFinalization(finalization.epoch, finalization.view, target);
    this.#enterEpoch(own, finalization.epoch);
    if (own.epoch === finalization.epoch) {
      this.#widestGap = Math.max(this.#widestGap, finalization.view - own.floorView);
      own.floorView = Math.max(own.floorView, finalization.view);
    }
  }

  #extend(node: number, header: BlockHeader, digest: string, latestClockMs: number): void {
    const parent = this.#chain[header.height - 1];
    if (parent === undefined || header.parentDigest !== parent.digest) {
      this.fail("S1", `node ${node}: block ${header.height} is not on its parent`);
      return;
    }
    if (header.timestampMs <= parent.timestampMs) {
      this.fail("S9", `height ${header.height}: time ${header.timestampMs} does not rise`);
    }
    if (header.timestampMs > latestClockMs + this.#options.precisionMs) {
      this.fail("S9", `height ${header.height}: time is ahead of every honest clock`);
    }
    this.#checkEpoch(header, parent.nextEpoch);
    this.#checkEvidence(header);
    const { timestampMs, stateRoot, nextValidators } = header;
    const nextEpoch = parent.nextEpoch + (nextValidators === undefined ? 0 : 1);
    this.#chain.push({ digest, timestampMs, stateRoot, nextEpoch });
  }

  #checkEpoch(header: BlockHeader, epoch: number): void {
    if (header.epoch !== epoch) {
      this.fail("EPOCH", `height ${header.height} is of epoch ${header.epoch}, not ${epoch}`);
    }
    if (header.nextValidators !== this.#options.epochs.nextValidators(epoch, header.height)) {
      this.fail("EPOCH", `height ${header.height} names wrong next validators, or none`);
    }
  }

  #checkEvidence(header: BlockHeader): void {
    for (const evidence of header.evidence) {
      const convict = this.#options.epochs.participantOf(evidence.epoch, evidence.signer);
      if (this.#options.honest.includes(convict)) {
        this.fail("EVIDENCE", `height ${header.height} convicts node ${convict}, which is honest`);
      }
      const digest = evidenceDigest(evidence);
      if (this.#convictions.has(digest)) {
        this.fail("EVIDENCE", `height ${header.height} repeats evidence`);
      }
      this.#convictions.add(digest);
      this.#contradictions.convicted(evidence.epoch, evidence.signer);
    }
  }

  /** A voting node takes in a message whose signatures are good. */
  heard(node: number, message: ConsensusMessage): void {
    this.#contradictions.heard(node, message);
  }

  /** From here on every contradiction that one honest node hears must end on the chain. */
  watchContradictions(): void {
    this.#contradictions.begin();
  }

  /** Signers heard to contradict themselves and not convicted yet, "epoch:signer". */
  get unpunished(): readonly string[] {
    return this.#contradictions.unpunished;
  }

  /** Proofs on the chain. */
  get convictions(): number {
    return this.#convictions.size;
  }

  /** A node votes, or follows, in `epoch` from now on: its floor starts anew. */
  beganEpoch(node: number, epoch: number): void {
    const own = this.#node(node);
    if (epoch < own.epoch)
      this.fail("S7", `node ${node} falls from epoch ${own.epoch} to ${epoch}`);
    this.#enterEpoch(own, epoch);
  }

  #enterEpoch(own: NodeLedger, epoch: number): void {
    if (epoch <= own.epoch) return;
    own.epoch = epoch;
    own.floorView = 0;
    own.view = 0;
  }

  /** The epochs that honest nodes are in. */
  get epochs(): readonly number[] {
    return this.#options.honest.map((node) => this.#node(node).epoch);
  }

  #checkFinalization(epoch: number, view: number, target: Target): void {
    const ledger = this.#ledger(epoch, view);
    if (!this.#couldExist(epoch, ledger, "finalize", target)) {
      this.fail("S4", `view ${view}: committed on a finalization that cannot exist`);
    }
    if (!this.#couldExist(epoch, ledger, "notarize", target)) {
      this.fail("S4", `view ${view}: finalized but not notarized`);
    }
    for (let skipped = target.parentView + 1; skipped < view; skipped++) {
      if (!this.#couldExist(epoch, this.#ledger(epoch, skipped), "nullify", undefined)) {
        this.fail("S4", `view ${view} skips view ${skipped}, which nobody nullified`);
      }
    }
  }

  /** S7: floor and view as a node tells its peers. The floor also outlives a restart. */
  reported(
    node: number,
    view: number,
    floorView: number,
    epoch = this.#options.epochs.firstEpoch,
  ): void {
    const own = this.#node(node);
    if (epoch < own.epoch) this.fail("S7", `node ${node}: epoch from ${own.epoch} to ${epoch}`);
    this.#enterEpoch(own, epoch);
    if (view < own.view) this.fail("S7", `node ${node}: view went from ${own.view} to ${view}`);
    own.view = view;
    this.#highestViews.set(epoch, Math.max(view, this.#highestViews.get(epoch) ?? 1));
    if (floorView < own.floorView) {
      this.fail("S7", `node ${node}: floor went from ${own.floorView} to ${floorView}`);
    }
    own.floorView = floorView;
  }

  /** A node applied a block: S8 against the root that the header promises and all others got. */
  applied(node: number, height: number, stateRoot: string, transactions: readonly string[]): void {
    const own = this.#node(node);
    if (height !== own.appliedHeight + 1) {
      this.fail("S7", `node ${node} applies ${height} upon ${own.appliedHeight}`);
    }
    own.appliedHeight = height;
    const promised = this.#chain[height]?.stateRoot;
    if (promised !== stateRoot) {
      this.fail("S8", `node ${node}, height ${height}: root ${stateRoot}, promised ${promised}`);
    }
    for (const transaction of transactions) {
      const before = this.#executedAt.get(transaction) ?? height;
      if (before !== height) {
        this.fail("S8", `${transaction} is executed at height ${before} and at ${height}`);
      }
      this.#executedAt.set(transaction, height);
    }
  }

  /** A node starts again from what its disk holds. */
  restarted(node: number, durableHeight: number): void {
    const own = this.#node(node);
    if (durableHeight < own.appliedHeight) {
      this.fail("S7", `node ${node}: applied height fell to ${durableHeight} by a restart`);
    }
    own.appliedHeight = durableHeight;
    // What was decided but not yet durable at the crash is decided again.
    own.committedHeight = durableHeight;
    own.view = 0;
  }

  /** A node's journal, and perhaps all it had, is gone: what it tells starts anew. */
  lostDisk(node: number): void {
    const own = this.#node(node);
    own.epoch = this.#options.epochs.firstEpoch;
    own.floorView = 0;
    own.view = 0;
    own.appliedHeight = 0;
  }

  /** Heights of honest nodes, in their order. */
  get appliedHeights(): readonly number[] {
    return this.#options.honest.map((node) => this.#node(node).appliedHeight);
  }

  fail(invariant: Invariant, detail: string): void {
    if (this.violations.length >= MAX_VIOLATIONS) return;
    this.violations.push({ invariant, atMs: this.#options.now(), detail });
  }

  #ledger(epoch: number, view: number): ViewLedger {
    const key = `${epoch}:${view}`;
    const known = this.#views.get(key);
    if (known !== undefined) return known;
    const fresh: ViewLedger = {
      notarize: new Map(),
      finalize: new Map(),
      nullify: 0,
      bySigner: new Map(),
    };
    this.#views.set(key, fresh);
    return fresh;
  }

  #node(node: number): NodeLedger {
    const ledger = this.#nodes[node];
    if (ledger === undefined) throw new RangeError(`node ${node} is not in the set`);
    return ledger;
  }
}

function emptySlot(): SignerSlot {
  return { proposed: new Set(), notarized: new Set(), finalized: new Set(), nullified: false };
}

function add(weights: Map<string, number>, key: string, weight: number): void {
  weights.set(key, (weights.get(key) ?? 0) + weight);
}
