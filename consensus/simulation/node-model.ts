import { invariant, unreachable } from "../../primitives/assert.ts";
import { messageOf } from "../../primitives/errors.ts";
import type { Prng } from "../../primitives/prng.ts";
import type { Effect, EpochEnd } from "../effects.ts";
import type { ConsensusEvent } from "../events.ts";
import type { BlockHeader } from "../header.ts";
import type { ConsensusMessage } from "../messages.ts";
import { ApplicationModel, type CommittedGroup } from "./application-model.ts";
import { BlockPipeline } from "./block-pipeline.ts";
import { BodyExchange } from "./body-exchange.ts";
import { bootCore } from "./core-boot.ts";
import { DeathWatch } from "./death-watch.ts";
import { DiskModel, type LogFile } from "./disk-model.ts";
import { EffectGate } from "./effect-gate.ts";
import { EffectPerformer, NEW_SEGMENT_CHANCE } from "./effect-performer.ts";
import { EpochJournals, resumePoint } from "./epoch-boot.ts";
import type { DiskLoss } from "./faults.ts";
import type { Frame } from "./frames.ts";
import { admits, readMessage } from "./message-door.ts";
import { describeEffect, describeEvent } from "./narration.ts";
import { NodeClock } from "./node-clock.ts";
import type { Process } from "./node-process.ts";
import type { ToyBatch } from "./toy-application.ts";
import type { NodeConditions, World } from "./world.ts";

/** Longest time from the end of an epoch to the start of the next one's core. */
const MAX_SWITCH_MS = 20;

/** Every so many events of a run the memory of the node concerned is measured. */
const CAPS_CHECK_INTERVAL = 61;

/**
 * One honest node: the real core behind a driver that does what the real one must do, with a model
 * of its disk, its clock, its signer and its application.
 */
export class NodeModel {
  readonly conditions: NodeConditions;
  readonly application: ApplicationModel;
  readonly #index: number;
  readonly #world: World;
  readonly #prng: Prng;
  readonly #clock: NodeClock;
  readonly #death: DeathWatch;
  readonly #disk: DiskModel;
  readonly #journals: EpochJournals;
  readonly #bodies: LogFile<ToyBatch>;
  readonly #groups: LogFile<CommittedGroup>;
  readonly #performer: EffectPerformer;
  /** Headers of blocks this node validated or built, for the oracle. */
  readonly #headers = new Map<string, BlockHeader>();
  #process: Process | undefined;
  #boots = 0;
  /** The journal was lost: this key must not vote again, and the node only follows. */
  #observes = false;

  constructor(index: number, world: World, prng: Prng, conditions: NodeConditions) {
    this.conditions = conditions;
    this.#index = index;
    this.#world = world;
    this.#prng = prng;
    this.#clock = new NodeClock(world, conditions);
    this.#death = new DeathWatch(() => {
      world.coverage.count("died amid a step");
      this.crash();
    });
    this.#disk = new DiskModel(world.clock, prng.fork("disk"), conditions.disk);
    this.#journals = new EpochJournals(world.chainId, this.#disk);
    this.#bodies = this.#disk.open<ToyBatch>();
    this.#groups = this.#disk.open<CommittedGroup>();
    this.application = new ApplicationModel(index, world.chainId, this.#bodies, this.#groups);
    this.#performer = new EffectPerformer({
      world,
      node: index,
      prng,
      conditions,
      disk: this.#disk,
      clock: this.#clock,
      death: this.#death,
      application: this.application,
      sign: world.keyring.signer(index),
      headers: this.#headers,
      input: (event) => this.#input(event),
      epochEnded: (process) => this.#endEpoch(process),
    });
  }

  get isUp(): boolean {
    return this.#process !== undefined;
  }

  /** It follows and never votes, since its journal is lost. */
  get observes(): boolean {
    return this.#observes;
  }

  /** Sets the clock to `errorMs` beside true time; it gains `drift` in a thousand from then on. */
  setClock(errorMs: number, drift: number): void {
    this.#clock.set(errorMs, drift);
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
    if (this.#prng.chance(NEW_SEGMENT_CHANCE)) this.#performer.newSegment(process);
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
    this.#death.arm(boundary, onDeath);
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
    this.#death.disarm();
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
        const message = readMessage(this.#world, frame.bytes);
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

  #deliver(process: Process, from: number, message: ConsensusMessage): void {
    const world = this.#world;
    if (!admits(world, process.core, message)) return;
    if (process.core.participates()) world.checker.heard(this.#index, message);
    this.#input({ type: "message", from: world.epochs.peerOf(process.epoch, from), message });
  }

  /** A core of one epoch; `begins` where the epoch before ended in this very process. */
  #boot(exchange: BodyExchange, begins: EpochEnd | undefined): Process | undefined {
    const booted = bootCore({
      world: this.#world,
      node: this.#index,
      application: this.application,
      journals: this.#journals,
      observes: this.#observes,
      begins,
    });
    if (booted === undefined) return undefined;
    const process: Process = {
      ...booted,
      gate: new EffectGate(),
      exchange,
      pipeline: this.#createPipeline(exchange, () => process),
      timers: new Map(),
      pending: false,
      alive: true,
      ended: undefined,
    };
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
      effects = process.core.step(event, this.#clock.nowMs);
    } catch (error) {
      const trace = error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
      world.checker.fail("HALT", `node ${this.#index} throws on ${kind} ${detail}: ${trace}`);
      return;
    }
    for (const effect of effects) {
      if (!process.alive) return;
      world.coverage.count(`effect ${effect.type}`);
      world.log.remark(world.clock.nowMs, this.#index, effect.type, () => describeEffect(effect));
      if (this.#death.passes()) return;
      this.#performer.perform(process, effect);
    }
  }

  #later(process: Process, delayMs: number, run: () => void): void {
    this.#world.clock.after(delayMs, () => {
      if (process.alive) run();
    });
  }
}
