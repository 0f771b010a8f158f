import { evidenceDigest } from "../evidence.ts";
import type { BlockHeader } from "../header.ts";
import type { ConsensusMessage } from "../messages.ts";
import { weightOf } from "../quorum.ts";
import type { Certificate, Target } from "../types.ts";
import { ContradictionWatch } from "./contradiction-watch.ts";
import type { EpochDirectory } from "./epoch-directory.ts";
import type { Invariant, Violation } from "./invariants.ts";
import { readStatement } from "./statement-reader.ts";
import { VoteLedger } from "./vote-ledger.ts";

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
  readonly #votes: VoteLedger;
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
  readonly #contradictions: ContradictionWatch;

  constructor(options: CheckerOptions) {
    this.#options = options;
    const { epochs } = options;
    this.#votes = new VoteLedger({
      epochs,
      honest: options.honest,
      fail: (invariant, detail) => this.fail(invariant, detail),
    });
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
    return this.#votes.nullifications;
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
    this.#votes.signed(node, readStatement(statement));
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
    const { epoch, view, kind, target } = certificate;
    if (!this.#votes.couldExist(epoch, view, kind, target)) {
      this.fail(
        "S10",
        `view ${certificate.view}: ${certificate.kind} certificate that nobody can have signed`,
      );
    }
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
    if (!this.#votes.couldExist(epoch, view, "finalize", target)) {
      this.fail("S4", `view ${view}: committed on a finalization that cannot exist`);
    }
    if (!this.#votes.couldExist(epoch, view, "notarize", target)) {
      this.fail("S4", `view ${view}: finalized but not notarized`);
    }
    for (let skipped = target.parentView + 1; skipped < view; skipped++) {
      if (!this.#votes.couldExist(epoch, skipped, "nullify", undefined)) {
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

  #node(node: number): NodeLedger {
    const ledger = this.#nodes[node];
    if (ledger === undefined) throw new RangeError(`node ${node} is not in the set`);
    return ledger;
  }
}
