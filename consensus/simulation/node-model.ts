import { invariant, unreachable } from "../../primitives/assert.ts";
import { CodecError } from "../../primitives/codec/codec-error.ts";
import { messageOf } from "../../primitives/errors.ts";
import type { Prng } from "../../primitives/prng.ts";
import { isCopy } from "../closing.ts";
import type { Effect, EpochEnd, Report } from "../effects.ts";
import type { ConsensusEvent, Timer, TimerKind } from "../events.ts";
import type { BlockHeader } from "../header.ts";
import { type ConsensusMessage, decodeMessage, encodeMessage } from "../messages.ts";
import type { PeerIndex, Target } from "../types.ts";
import { ApplicationModel, type CommittedGroup } from "./application-model.ts";
import { BlockPipeline } from "./block-pipeline.ts";
import { BodyExchange } from "./body-exchange.ts";
import type { Core } from "./core-port.ts";
import { DiskModel, type LogFile } from "./disk-model.ts";
import { EffectGate } from "./effect-gate.ts";
import { type EpochJournal, EpochJournals, resumePoint } from "./epoch-boot.ts";
import type { DiskLoss } from "./faults.ts";
import type { Frame } from "./frames.ts";
import { describeEffect, describeEvent, describeReportKind } from "./narration.ts";
import { readStatement } from "./statement-reader.ts";
import type { ToyBatch } from "./toy-application.ts";
import { reportWire } from "./wire-oracle.ts";
import { type NodeConditions, START_MS, type World } from "./world.ts";

/** Chance that a restart or a commit rolls the journal over to a new segment. */
const NEW_SEGMENT_CHANCE = 0.05;

/** Longest time from the end of an epoch to the start of the next one's core. */
const MAX_SWITCH_MS = 20;

/** Every so many events of a run the memory of the node concerned is measured. */
const CAPS_CHECK_INTERVAL = 61;

/** What lives from start, or from the start of an epoch, to its end or a crash. */
interface Process {
  readonly core: Core;
  readonly epoch: number;
  readonly journal: EpochJournal;
  readonly gate: EffectGate;
  readonly exchange: BodyExchange;
  readonly pipeline: BlockPipeline;
  readonly timers: Map<TimerKind, Timer>;
  /** View of the last commit that the core has decided. */
  floorView: number;
  pending: boolean;
  alive: boolean;
  /** The core has ended the epoch; its last block is not applied yet. */
  ended: EpochEnd | undefined;
}

/**
 * One honest node: the real core behind a driver that does what the real one must do, with a model
 * of its disk, its clock, its signer and its application.
 */
export class NodeModel {
  readonly conditions: NodeConditions;
  readonly application: ApplicationModel;
  readonly #index: number;
  readonly #everyone: readonly number[];
  readonly #world: World;
  readonly #prng: Prng;
  readonly #disk: DiskModel;
  readonly #journals: EpochJournals;
  readonly #bodies: LogFile<ToyBatch>;
  readonly #groups: LogFile<CommittedGroup>;
  readonly #sign: (statement: Uint8Array) => Uint8Array;
  /** Headers of blocks this node validated or built, for the oracle. */
  readonly #headers = new Map<string, BlockHeader>();
  #process: Process | undefined;
  #boots = 0;
  #latestClockMs = 0;
  /** The journal was lost: this key must not vote again, and the node only follows. */
  #observes = false;
  /** Effects and sends left until the node dies by itself. */
  #boundariesLeft: number | undefined;
  #onDeath: () => void = () => {};

  constructor(index: number, world: World, prng: Prng, conditions: NodeConditions) {
    this.conditions = conditions;
    this.#index = index;
    this.#everyone = Array.from({ length: world.epochs.participants }, (_, peer) => peer);
    this.#world = world;
    this.#prng = prng;
    this.#disk = new DiskModel(world.clock, prng.fork("disk"), conditions.disk);
    this.#journals = new EpochJournals(world.chainId, this.#disk);
    this.#bodies = this.#disk.open<ToyBatch>();
    this.#groups = this.#disk.open<CommittedGroup>();
    this.application = new ApplicationModel(index, world.chainId, this.#bodies, this.#groups);
    this.#sign = world.keyring.signer(index);
  }

  get isUp(): boolean {
    return this.#process !== undefined;
  }

  get clockMs(): number {
    const { clockErrorMs, clockDrift, clockSetAtMs } = this.conditions;
    const trueMs = this.#world.clock.nowMs;
    const drifted = Math.floor(((trueMs - clockSetAtMs) * clockDrift) / 1_000);
    const now = START_MS + trueMs + clockErrorMs + drifted;
    this.#latestClockMs = Math.max(this.#latestClockMs, now);
    this.#world.latestClockMs = Math.max(this.#world.latestClockMs, now);
    return now;
  }

  /** It follows and never votes, since its journal is lost. */
  get observes(): boolean {
    return this.#observes;
  }

  /** Sets the clock to `errorMs` beside true time; it gains `drift` in a thousand from then on. */
  setClock(errorMs: number, drift: number): void {
    this.conditions.clockErrorMs = errorMs;
    this.conditions.clockDrift = drift;
    this.conditions.clockSetAtMs = this.#world.clock.nowMs;
  }

  /** Starts the process, the first time or again. */
  start(): void {
    const world = this.#world;
    this.#boots += 1;
    this.#disk.speed = this.conditions.disk;
    if (this.#journals.isDamaged) {
      world.coverage.count("damaged journal refused");
      this.#loseJournal();
    }
    world.checker.restarted(this.#index, this.application.height);
    const process = this.#boot(this.#createExchange(), undefined);
    if (process === undefined) return;
    this.#run(process);
    if (this.#prng.chance(NEW_SEGMENT_CHANCE)) this.#newSegment(process);
  }

  /** The process dies; the disk loses what it had not synced. */
  crash(): void {
    const world = this.#world;
    if (this.#process === undefined) return;
    world.log.record(world.clock.nowMs, this.#index, "crash", "");
    world.coverage.count("crash");
    this.#process.alive = false;
    this.#process = undefined;
    this.disarm();
    this.#disk.crash();
    if (world.sabotage.losesJournal === true) this.#journals.lose();
    if (world.sabotage.losesBodies === true) this.#bodies.dropFirst(this.#bodies.length);
    this.application.reload();
  }

  /** Dies at the `boundary`-th effect or send from now, amid whatever it is doing. */
  crashAmid(boundary: number, onDeath: () => void): void {
    if (this.#process === undefined) return;
    this.#boundariesLeft = boundary;
    this.#onDeath = onDeath;
  }

  /** A failed sync ends the process: that is the driver's part of the contract. */
  failSync(onDeath: () => void): void {
    if (this.#process === undefined) return;
    this.#disk.failNext(() => {
      this.#world.coverage.count("sync failed");
      this.crash();
      onDeath();
    });
  }

  disarm(): void {
    this.#boundariesLeft = undefined;
    this.#disk.disarm();
  }

  /** While the node is down, its disk loses something that was durable. */
  loseDisk(loss: DiskLoss): void {
    invariant(this.#process === undefined, "a disk is lost between two processes");
    this.#world.coverage.count(`disk lost ${loss}`);
    switch (loss) {
      case "flipped bit":
        this.#journals.flipBit();
        return;
      case "journal":
        this.#loseJournal();
        return;
      case "everything":
        this.#loseJournal();
        this.#bodies.dropFirst(this.#bodies.length);
        this.#groups.dropFirst(this.#groups.length);
        this.application.reload();
        return;
      default:
        unreachable(loss);
    }
  }

  /** The operator must not let a validator vote that has lost its journal. */
  #loseJournal(): void {
    this.#journals.lose();
    this.#observes = true;
    this.#world.checker.lostDisk(this.#index);
  }

  /** Passes a boundary; true where the node has died at it. */
  #diesHere(): boolean {
    if (this.#boundariesLeft === undefined) return false;
    this.#boundariesLeft -= 1;
    if (this.#boundariesLeft > 0) return false;
    this.#boundariesLeft = undefined;
    this.#world.coverage.count("died amid a step");
    this.crash();
    this.#onDeath();
    return true;
  }

  /** New conditions of the disk hold from its next sync on. */
  refreshDisk(): void {
    this.#disk.speed = this.conditions.disk;
  }

  submit(transaction: string): void {
    if (this.#process === undefined) return;
    this.#process.exchange.submit(transaction);
    this.#updateWork();
  }

  peerConnected(peer: number): void {
    const process = this.#process;
    if (process === undefined) return;
    const index = this.#world.epochs.peerOf(process.epoch, peer);
    this.#input({ type: "peerConnected", index });
  }

  receive(from: number, frame: Frame): void {
    const process = this.#process;
    if (process === undefined) return;
    switch (frame.type) {
      case "consensus":
        this.#deliver(process, from, frame.message);
        return;
      case "encoded": {
        const message = this.#read(frame.bytes);
        if (message !== undefined) this.#deliver(process, from, message);
        return;
      }
      case "batch":
        process.exchange.receiveBatch(frame.batch);
        return;
      case "getBatches":
        process.exchange.serve(from, frame.digests);
        return;
      default:
        unreachable(frame);
    }
  }

  /** What the codec cannot read, or finds too large, never reaches the core. */
  #read(bytes: Uint8Array): ConsensusMessage | undefined {
    try {
      return decodeMessage(bytes);
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      this.#world.coverage.count(`unreadable ${error.code}`);
      return undefined;
    }
  }

  /** As the real driver: one bad signature, and the whole message is dropped. */
  #deliver(process: Process, from: number, message: ConsensusMessage): void {
    const { keyring, coverage } = this.#world;
    const needed = process.core.signaturesOf(message);
    if (typeof needed === "string") {
      coverage.count(`refused ${needed}`);
      return;
    }
    for (const { publicKey, message: statement, signature } of needed) {
      if (!keyring.verifyKey(publicKey, statement, signature)) {
        coverage.count(`bad signature in ${message.type}`);
        return;
      }
    }
    coverage.count(`message ${message.type}`);
    if (process.core.participates()) this.#world.checker.heard(this.#index, message);
    const peer = this.#world.epochs.peerOf(process.epoch, from);
    this.#input({ type: "message", from: peer, message });
  }

  /** A core of one epoch; `begins` where the epoch before ended in this very process. */
  #boot(exchange: BodyExchange, begins: EpochEnd | undefined): Process | undefined {
    const world = this.#world;
    const { epoch, anchor, previous } = resumePoint(world, this.application);
    const journal = this.#journals.of(epoch);
    if (previous?.epoch !== begins?.epoch && begins !== undefined) {
      world.checker.fail("HALT", `node ${this.#index} leaves epoch ${begins.epoch} for ${epoch}`);
    }
    if (anchor.finalization?.epoch === epoch) journal.watch.certifiedByBlockStore(anchor.view);
    let core: Core;
    try {
      core = world.startCore(
        {
          chainId: world.chainId,
          epoch,
          validators: world.epochs.of(epoch).set,
          self: this.#observes ? undefined : world.epochs.indexOf(epoch, this.#index),
          parameters: world.parameters,
          anchor,
          previous,
          startGate: begins?.startGate,
          evidence: begins?.evidence,
          halt: begins?.halt,
        },
        journal.file.entries,
        anchor,
      );
    } catch (error) {
      world.checker.fail("HALT", `node ${this.#index} cannot restart: ${messageOf(error)}`);
      return undefined;
    }
    const process: Process = {
      core,
      epoch,
      journal,
      gate: new EffectGate(),
      exchange,
      pipeline: this.#createPipeline(exchange, () => process),
      timers: new Map(),
      floorView: anchor.view,
      pending: false,
      alive: true,
      ended: undefined,
    };
    world.checker.beganEpoch(this.#index, epoch);
    return process;
  }

  #createExchange(): BodyExchange {
    const world = this.#world;
    const boot = this.#boots;
    return new BodyExchange({
      node: this.#index,
      size: world.epochs.participants,
      application: this.application,
      prng: this.#prng.fork(`bodies ${boot}`),
      packingMs: world.parameters.packingMs,
      later: (delayMs, run) => {
        world.clock.after(delayMs, () => {
          if (this.#process !== undefined && this.#boots === boot) run();
        });
      },
      send: (to, frame) => world.send(this.#index, to, frame),
      onBatch: () => {
        this.#updateWork();
        this.#process?.pipeline.retry();
      },
    });
  }

  /** What a core asks of it is answered to that core alone, never to the one after it. */
  #createPipeline(exchange: BodyExchange, owner: () => Process): BlockPipeline {
    const world = this.#world;
    return new BlockPipeline({
      application: this.application,
      disk: this.#disk,
      exchange,
      later: (delayMs, run) => this.#later(owner(), delayMs, run),
      executionMs: () =>
        this.conditions.minExecutionMs +
        this.#prng.below(this.conditions.maxExecutionMs - this.conditions.minExecutionMs + 1),
      answer: (event) => {
        if (owner().alive) this.#input(event);
        if (event.type === "applied") this.#endEpoch(owner());
      },
      onHeader: (digest, header) => this.#headers.set(digest, header),
      nextValidators: (epoch, height) => world.epochs.nextValidators(epoch, height),
      authorOf: ({ epoch, proposer }) => world.epochs.participantOf(epoch, proposer),
      onApplied: (states) => {
        for (const { height, stateRoot, applied } of states) {
          world.checker.applied(this.#index, height, stateRoot, applied);
        }
        this.#updateWork();
      },
    });
  }

  /** When the closing block is applied, the next epoch's core takes over, a little later. */
  #endEpoch(process: Process): void {
    const { ended } = process;
    if (ended === undefined || this.application.height < ended.closing.height) return;
    process.ended = undefined;
    this.#later(process, this.#prng.below(MAX_SWITCH_MS), () => {
      const next = this.#boot(process.exchange, ended);
      if (next === undefined) return;
      process.alive = false;
      this.#world.coverage.count(`epoch began, gate ${ended.startGate}`);
      this.#run(next);
    });
  }

  #run(process: Process): void {
    const world = this.#world;
    const { epoch, anchor } = resumePoint(world, this.application);
    this.#process = process;
    world.log.record(world.clock.nowMs, this.#index, "start", `boot ${this.#boots} epoch ${epoch}`);
    world.epochBegan({ epoch, anchor, state: this.application.tip });
    this.#input({ type: "start", incarnation: this.#boots });
    this.#updateWork();
  }

  #updateWork(): void {
    const process = this.#process;
    if (process === undefined || process.pending === this.application.hasWork) return;
    process.pending = this.application.hasWork;
    this.#input({ type: "work", pending: process.pending });
  }

  #input(event: ConsensusEvent): void {
    const process = this.#process;
    if (process === undefined) return;
    const world = this.#world;
    const [kind, detail] = describeEvent(event);
    world.log.record(world.clock.nowMs, this.#index, kind, detail);
    if (world.log.count % CAPS_CHECK_INTERVAL === 0) {
      const excess = process.core.excess();
      if (excess !== undefined) world.checker.fail("S11", `node ${this.#index}: ${excess}`);
    }
    let effects: readonly Effect[];
    try {
      effects = process.core.step(event, this.clockMs);
    } catch (error) {
      const trace = error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
      world.checker.fail("HALT", `node ${this.#index} throws on ${kind} ${detail}: ${trace}`);
      return;
    }
    for (const effect of effects) {
      if (!process.alive) return;
      world.coverage.count(`effect ${effect.type}`);
      world.log.remark(world.clock.nowMs, this.#index, effect.type, () => describeEffect(effect));
      if (this.#diesHere()) return;
      this.#perform(process, effect);
    }
  }

  #perform(process: Process, effect: Effect): void {
    switch (effect.type) {
      case "persist":
        this.#persist(process, effect.records);
        return;
      case "sign":
        this.#signLater(process, effect.id, effect.statements);
        return;
      case "send":
        this.#release(process, () => this.#send(process, effect.to, effect.message));
        return;
      case "broadcast":
        this.#release(process, () => this.#transmit(process, this.#everyone, effect.message));
        return;
      case "setTimer":
        this.#setTimer(process, effect.timer, effect.delayMs);
        return;
      case "build":
        process.pipeline.build(effect, this.#world.chainId);
        return;
      case "validate":
        process.pipeline.validate(effect);
        return;
      case "commit":
        process.floorView = Math.max(process.floorView, effect.finalization.view);
        if (isCopyVote(effect.finalization.target)) this.#world.coverage.count("final by a copy");
        this.#release(process, () => {
          this.#world.checker.committed(
            this.#index,
            process.pipeline.commit(effect.headers, effect.finalization),
            effect.finalization,
            this.#world.latestClockMs,
          );
          if (this.#prng.chance(NEW_SEGMENT_CHANCE)) this.#newSegment(process);
        });
        return;
      case "serveBlocks":
        this.#release(process, () => {
          const body = this.application.serve(effect.fromHeight, effect.count);
          this.#send(process, effect.to, {
            type: "blocks",
            body: {
              requestId: effect.requestId,
              headers: body?.headers ?? [],
              finalization: body?.finalization,
              refusal: body === undefined ? "NOT_AVAILABLE" : undefined,
            },
          });
        });
        return;
      case "endEpoch":
        this.#release(process, () => {
          process.ended = effect.end;
          this.#endEpoch(process);
        });
        return;
      case "report":
        this.#report(effect.report);
        return;
      default:
        unreachable(effect);
    }
  }

  #report(report: Report): void {
    const { checker, coverage } = this.#world;
    coverage.count(describeReportKind(report));
    if (report.kind !== "halted") return;
    checker.fail("HALT", `node ${this.#index} halts: ${report.code} ${report.detail}`);
  }

  #release(process: Process, run: () => void): void {
    const runAlive = (): void => {
      if (process.alive) run();
    };
    if (this.#world.sabotage.ignoresBarriers === true) runAlive();
    else process.gate.release(runAlive);
  }

  #persist(process: Process, records: readonly Uint8Array[]): void {
    for (const record of records) process.journal.file.append(record);
    const number = process.gate.persistIssued();
    this.#disk.sync(() => process.gate.persistDurable(number));
  }

  /** A new segment starts with all live records; the older ones go once it is durable. */
  #newSegment(process: Process): void {
    const { file } = process.journal;
    const older = file.dropped + file.length;
    this.#world.coverage.count("new segment");
    for (const record of process.core.snapshot()) file.append(record);
    this.#disk.sync(() => file.dropFirst(older - file.dropped));
  }

  #signLater(process: Process, id: number, statements: readonly Uint8Array[]): void {
    const world = this.#world;
    for (const statement of statements) {
      world.checker.decidedToSign(this.#index, statement, process.floorView, process.epoch);
    }
    this.#release(process, () => {
      const signatures = statements.map((statement) => {
        world.checker.signed(this.#index, statement);
        const read = readStatement(statement);
        const header = this.#headers.get(read.target?.blockDigest ?? "");
        // A copy's block was timely to a quorum once; its voters look at that no more.
        const copy = isCopyVote(read.target);
        if (copy) world.coverage.count(`signed ${read.kind} of a copy`);
        if (read.kind === "notarize" && !copy && header !== undefined) {
          world.checker.votedFor(this.#index, header, this.#latestClockMs);
        }
        return this.#sign(statement);
      });
      this.#later(process, this.#prng.below(2), () => {
        this.#input({ type: "signed", id, signatures });
      });
    });
  }

  #later(process: Process, delayMs: number, run: () => void): void {
    this.#world.clock.after(delayMs, () => {
      if (process.alive) run();
    });
  }

  #setTimer(process: Process, timer: Timer, delayMs: number): void {
    process.timers.set(timer.kind, timer);
    this.#later(process, Math.max(0, delayMs), () => {
      const replaced = process.timers.get(timer.kind) !== timer;
      if (replaced && !this.conditions.staleTimers) return;
      this.#input({ type: "timerFired", timer });
    });
  }

  #send(process: Process, to: PeerIndex, message: ConsensusMessage): void {
    const participant = this.#world.epochs.participantOf(process.epoch, to);
    this.#transmit(process, [participant], message);
  }

  #transmit(process: Process, to: readonly number[], message: ConsensusMessage): void {
    const world = this.#world;
    reportWire(world, this.#index, message, world.watched ? process.journal.watch : undefined);
    const frame: Frame = world.encoded
      ? { type: "encoded", bytes: encodeMessage(message) }
      : { type: "consensus", message };
    for (const participant of to) {
      if (participant < world.epochs.participants && participant !== this.#index) {
        if (this.#diesHere()) return;
        world.send(this.#index, participant, frame);
      }
    }
  }
}

function isCopyVote(target: Target | undefined): boolean {
  return target !== undefined && isCopy(target);
}
