import type { EpochEnd, Report } from "../../consensus/effects.ts";
import type { ConsensusEvent } from "../../consensus/events.ts";
import type { ConsensusParameters } from "../../consensus/parameters.ts";
import { restore } from "../../consensus/restore.ts";
import type { ConsensusConfig, ConsensusState } from "../../consensus/state.ts";
import { validatorChangesTable } from "../../ledger/state/validator-change.ts";
import { invariant } from "../../primitives/assert.ts";
import type { Signer } from "../../primitives/ed25519/signer.ts";
import { CodedError } from "../../primitives/errors.ts";
import type { Verifier } from "../../primitives/verifier.ts";
import type { MessageKind } from "../net/frame.ts";
import type { PenaltyReason } from "../net/penalty.ts";
import type { BlockStore } from "../storage/block-store.ts";
import type { CommittedState } from "./committed-state.ts";
import { type ConsensusApplication, ConsensusDriver } from "./consensus-driver.ts";
import { anchorOf, previousEpoch } from "./epoch-ends.ts";
import type { EpochJournal, EpochJournals } from "./epoch-journals.ts";
import { journalThatKeeps, separateVotes } from "./observer-journal.ts";
import { type OwnKeys, type Roster, rosterOf } from "./roster.ts";

export interface EpochsOptions {
  readonly chainId: string;
  readonly own: OwnKeys;
  readonly parameters: ConsensusParameters;
  readonly signer: Signer;
  readonly blocks: BlockStore;
  readonly committed: CommittedState;
  readonly journals: EpochJournals;
  readonly application: ConsensusApplication;
  readonly verifier: Verifier;
  /** Peers are numbers of the mesh here. */
  send(peer: number, kind: MessageKind, payload: Uint8Array): void;
  broadcast(kind: MessageKind, payload: Uint8Array): void;
  penalise(peer: number, reason: PenaltyReason): void;
  connected(): Iterable<number>;
  /** Who votes or whom to talk to has changed. */
  rosterChanged(roster: Roster): void;
  /** A core runs its epoch: what was told to the one before is to be told again. */
  begun(): void;
  report(report: Report, roster: Roster): void;
  dropped(reason: string): void;
  journalWrote(seconds: number, records: number): void;
  stepped(state: ConsensusState): void;
  log(event: `epoch.${string}`, data: object): void;
  fatal(error: unknown): void;
  now(): number;
}

/**
 * Consensus over the epochs of a chain. Each has a core, a driver and a journal of its own; when one
 * has ended and its last block is applied, the next begins with the validators that the ledger now
 * holds. A node whose key is not among them follows as an observer.
 */
export class ConsensusEpochs {
  readonly #options: EpochsOptions;
  #roster: Roster;
  #driver: ConsensusDriver;
  #journal: EpochJournal["journal"];
  #pendingChanges: Uint8Array | undefined;
  #incarnation = 0;
  #switching: Promise<void> = Promise.resolve();
  #stopped = false;

  /** After a process start: `opened` is the journal of the current epoch. */
  constructor(options: EpochsOptions, opened: EpochJournal) {
    this.#options = options;
    this.#roster = rosterOf(options.committed, options.own);
    this.#pendingChanges = this.#changesBytes();
    this.#journal = opened.journal;
    this.#driver = this.#newDriver(this.#config({}), opened.records);
  }

  get roster(): Roster {
    return this.#roster;
  }

  get state(): ConsensusState {
    return this.#driver.state;
  }

  /** Whether this node votes in the epoch, or at least may once it has heard a quorum. */
  get isValidator(): boolean {
    return this.#roster.self !== undefined;
  }

  async start(): Promise<void> {
    // What was read may stand in the system's cache only: a failed sync before the last stop would
    // show. A new segment with all live records is synced before the first vote.
    await this.#driver.rotateJournal();
    this.#startDriver();
  }

  /** No event is taken any more; resolves when what was to be durable is. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#driver.stop();
    await this.#switching;
  }

  closeJournal(): Promise<void> {
    return this.#journal.close();
  }

  deliver(event: Extract<ConsensusEvent, { type: "work" }>): void {
    this.#driver.deliver(event);
  }

  connected(peer: number): void {
    this.#driver.deliver({ type: "peerConnected", index: this.#roster.indexOf(peer) });
  }

  onFrame(peer: number, kind: MessageKind, payload: Uint8Array): Promise<void> {
    return this.#driver.onFrame(this.#roster.indexOf(peer), kind, payload);
  }

  /** A block is applied: those that are about to join are peers from their proposal on. */
  applied(height: number): void {
    if (height === this.#roster.startHeight) this.#removeOldJournals();
    const bytes = this.#changesBytes();
    if (bytes === this.#pendingChanges) return;
    this.#pendingChanges = bytes;
    const fresh = rosterOf(this.#options.committed, this.#options.own);
    // In the block that closes an epoch the next one has begun in the state, but not here.
    if (fresh.epoch === this.#roster.epoch) this.#take(fresh);
  }

  #changesBytes(): Uint8Array | undefined {
    return this.#options.committed.get(validatorChangesTable.key(""));
  }

  #take(roster: Roster): void {
    this.#roster = roster;
    this.#options.rosterChanged(roster);
  }

  #config(change: Partial<ConsensusConfig>): ConsensusConfig {
    const { chainId, parameters, blocks, committed } = this.#options;
    const { epoch, set, self } = this.#roster;
    return {
      chainId,
      epoch,
      validators: set,
      self,
      parameters,
      anchor: anchorOf(blocks, committed, committed.head),
      previous: previousEpoch(blocks, committed),
      startGate: "closed",
      ...change,
    };
  }

  #newDriver(config: ConsensusConfig, records: readonly Uint8Array[]): ConsensusDriver {
    const options = this.#options;
    const kept = separateVotes(config, records);
    const state = restore(config, kept.records, config.anchor);
    // Indexes are those of this driver's epoch, also for what comes of a message after its end.
    const own = this.#roster;
    const roster = (): Roster => (this.#roster.epoch === own.epoch ? this.#roster : own);
    return new ConsensusDriver(state, {
      application: options.application,
      journal: journalThatKeeps(this.#journal, kept.votes),
      verifier: options.verifier,
      signer: options.signer,
      send: (peer, kind, payload) => {
        for (const number of roster().numbersOf(peer)) options.send(number, kind, payload);
      },
      broadcast: (kind, payload) => options.broadcast(kind, payload),
      penalise: (peer, reason) => {
        for (const number of roster().numbersOf(peer)) options.penalise(number, reason);
      },
      report: (report) => options.report(report, roster()),
      epochEnded: (end) => {
        this.#switching = this.#beginNext(end).catch((error: unknown) => options.fatal(error));
      },
      dropped: (reason) => options.dropped(reason),
      journalWrote: (seconds, count) => options.journalWrote(seconds, count),
      stepped: (stepped) => options.stepped(stepped),
      fatal: (error) => options.fatal(error),
      now: () => options.now(),
    });
  }

  #startDriver(): void {
    // The number differs from that of every earlier start: the journal's lock makes them successive.
    this.#incarnation = Math.max(Date.now(), this.#incarnation + 1);
    this.#driver.start(this.#incarnation);
    for (const peer of this.#options.connected()) this.connected(peer);
    this.#options.begun();
  }

  /** The closing block is applied. Until the new core runs, the old one goes on serving. */
  async #beginNext(end: EpochEnd): Promise<void> {
    const { committed, own, journals } = this.#options;
    const began = performance.now();
    const roster = rosterOf(committed, own);
    const { head } = committed;
    invariant(roster.epoch === end.epoch + 1, "epochs follow one another");
    invariant(head.digest === end.digest, "an epoch ends with the block that closes it");
    if (roster.setHash !== end.closing.nextValidators) {
      throw new CodedError("DIVERGENCE", "this node knows other validators than the network", {
        height: head.height,
        got: roster.setHash,
        expected: String(end.closing.nextValidators),
      });
    }
    const opened = await journals.begin(roster.epoch);
    await this.#driver.stop();
    await this.#journal.close();
    this.#journal = opened.journal;
    if (this.#stopped) return;
    const before = this.#roster;
    this.#pendingChanges = this.#changesBytes();
    this.#take(roster);
    // Promises of an earlier life in this epoch: then the gate is for the network to open.
    const isFresh = opened.records.length === 0;
    const isSameKey = before.self !== undefined;
    this.#driver = this.#newDriver(
      this.#config({
        startGate: isFresh ? end.startGate : "closed",
        evidence: end.evidence,
        halt: isSameKey ? end.halt : undefined,
      }),
      opened.records,
    );
    this.#startDriver();
    this.#options.log("epoch.begun", {
      epoch: roster.epoch,
      startHeight: roster.startHeight,
      validators: roster.members.map(({ name }) => name),
      voting: roster.self !== undefined,
      milliseconds: Math.round(performance.now() - began),
    });
  }

  /** The epoch has a final block: nobody asks any more what was promised at the end of the last. */
  #removeOldJournals(): void {
    this.#options.journals.removeBefore(this.#roster.epoch).catch((error: unknown) => {
      // Only room on the disk: they are never read again, and the next epoch tries once more.
      this.#options.log("epoch.journals-kept", { err: error });
    });
  }
}
