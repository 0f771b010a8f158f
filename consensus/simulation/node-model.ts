import { present, unreachable } from "../../primitives/assert.ts";
import { messageOf } from "../../primitives/errors.ts";
import type { Prng } from "../../primitives/prng.ts";
import type { Effect, Report } from "../effects.ts";
import type { ConsensusEvent, Timer, TimerKind } from "../events.ts";
import type { BlockHeader } from "../header.ts";
import { type ConsensusMessage, decodeMessage, encodeMessage } from "../messages.ts";
import type { Anchor } from "../types.ts";
import { ApplicationModel, type CommittedGroup } from "./application-model.ts";
import { BlockPipeline } from "./block-pipeline.ts";
import { BodyExchange } from "./body-exchange.ts";
import type { Core } from "./core-port.ts";
import { DiskModel, type LogFile } from "./disk-model.ts";
import { EffectGate } from "./effect-gate.ts";
import type { Frame } from "./frames.ts";
import { JournalWatch } from "./journal-watch.ts";
import { describeEffect, describeEvent, describeReportKind } from "./narration.ts";
import { readStatement } from "./statement-reader.ts";
import type { ToyBatch } from "./toy-application.ts";
import { reportWire } from "./wire-oracle.ts";
import { type NodeConditions, START_MS, type World } from "./world.ts";

/** Chance that a restart or a commit rolls the journal over to a new segment. */
const NEW_SEGMENT_CHANCE = 0.05;

/** What lives from start to crash. */
interface Process {
  readonly core: Core;
  readonly gate: EffectGate;
  readonly exchange: BodyExchange;
  readonly pipeline: BlockPipeline;
  readonly timers: Map<TimerKind, Timer>;
  /** View of the last commit that the core has decided. */
  floorView: number;
  pending: boolean;
  alive: boolean;
}

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
  readonly #disk: DiskModel;
  readonly #journal: LogFile<Uint8Array>;
  readonly #bodies: LogFile<ToyBatch>;
  readonly #watch: JournalWatch;
  readonly #sign: (statement: Uint8Array) => Uint8Array;
  /** Headers of blocks this node validated or built, for the oracle. */
  readonly #headers = new Map<string, BlockHeader>();
  #process: Process | undefined;
  #boots = 0;
  #latestClockMs = 0;

  constructor(index: number, world: World, prng: Prng, conditions: NodeConditions) {
    this.conditions = conditions;
    this.#index = index;
    this.#world = world;
    this.#prng = prng;
    this.#disk = new DiskModel(world.clock, prng.fork("disk"), conditions.disk);
    this.#journal = this.#disk.open<Uint8Array>();
    this.#bodies = this.#disk.open<ToyBatch>();
    const groups = this.#disk.open<CommittedGroup>();
    this.application = new ApplicationModel(index, world.chainId, this.#bodies, groups);
    this.#watch = new JournalWatch(world.chainId, world.epoch, this.#journal);
    this.#sign = world.keyring.signer(index);
  }

  get isUp(): boolean {
    return this.#process !== undefined;
  }

  get clockMs(): number {
    const now = START_MS + this.#world.clock.nowMs + this.conditions.clockErrorMs;
    this.#latestClockMs = Math.max(this.#latestClockMs, now);
    this.#world.latestClockMs = Math.max(this.#world.latestClockMs, now);
    return now;
  }

  /** Starts the process, the first time or again. */
  start(): void {
    const world = this.#world;
    this.#boots += 1;
    this.#disk.speed = this.conditions.disk;
    const last = this.application.lastGroup;
    if (last !== undefined) this.#watch.certifiedByBlockStore(last.finalization.view);
    world.checker.restarted(this.#index, this.application.height);
    const anchor = anchorOf(last) ?? world.genesis;
    const process = this.#boot(anchor);
    if (process === undefined) return;
    this.#process = process;
    world.log.record(world.clock.nowMs, this.#index, "start", `boot ${this.#boots}`);
    this.#input({ type: "start", incarnation: this.#boots });
    this.#updateWork();
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
    this.#disk.crash();
    if (world.sabotage.losesJournal === true) this.#journal.dropFirst(this.#journal.length);
    if (world.sabotage.losesBodies === true) this.#bodies.dropFirst(this.#bodies.length);
    this.application.reload();
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
    this.#input({ type: "peerConnected", index: peer });
  }

  receive(from: number, frame: Frame): void {
    const process = this.#process;
    if (process === undefined) return;
    switch (frame.type) {
      case "consensus":
        this.#deliver(process, from, frame.message);
        return;
      case "encoded":
        this.#deliver(process, from, decodeMessage(frame.bytes));
        return;
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
    this.#input({ type: "message", from, message });
  }

  #boot(anchor: Anchor): Process | undefined {
    const world = this.#world;
    const later = (delayMs: number, run: () => void): void => {
      world.clock.after(delayMs, () => {
        if (this.#process?.alive === true && this.#process === process) run();
      });
    };
    let core: Core;
    try {
      core = world.startCore(
        {
          chainId: world.chainId,
          epoch: world.epoch,
          validators: world.set,
          self: this.#index,
          parameters: world.parameters,
          anchor: world.genesis,
        },
        this.#journal.entries,
        anchor,
      );
    } catch (error) {
      world.checker.fail("HALT", `node ${this.#index} cannot restart: ${messageOf(error)}`);
      return undefined;
    }
    const exchange = new BodyExchange({
      node: this.#index,
      size: world.set.validators.length,
      application: this.application,
      prng: this.#prng.fork(`bodies ${this.#boots}`),
      packingMs: world.parameters.packingMs,
      later,
      send: (to, frame) => world.send(this.#index, to, frame),
      onBatch: () => {
        this.#updateWork();
        pipeline.retry();
      },
    });
    const pipeline = new BlockPipeline({
      application: this.application,
      disk: this.#disk,
      exchange,
      later,
      executionMs: () =>
        this.conditions.minExecutionMs +
        this.#prng.below(this.conditions.maxExecutionMs - this.conditions.minExecutionMs + 1),
      answer: (event) => this.#input(event),
      onHeader: (digest, header) => this.#headers.set(digest, header),
      onApplied: (states) => {
        for (const { height, stateRoot, applied } of states) {
          world.checker.applied(this.#index, height, stateRoot, applied);
        }
        this.#updateWork();
      },
    });
    const process: Process = {
      core,
      gate: new EffectGate(),
      exchange,
      pipeline,
      timers: new Map(),
      floorView: anchor.view,
      pending: false,
      alive: true,
    };
    return process;
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
    let effects: readonly Effect[];
    try {
      effects = process.core.step(event, this.clockMs);
    } catch (error) {
      const trace = error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
      world.checker.fail("HALT", `node ${this.#index} throws on ${kind} ${detail}: ${trace}`);
      return;
    }
    for (const effect of effects) {
      world.coverage.count(`effect ${effect.type}`);
      world.log.remark(world.clock.nowMs, this.#index, effect.type, () => describeEffect(effect));
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
        this.#release(process, () => this.#transmit([effect.to], effect.message));
        return;
      case "broadcast":
        this.#release(process, () => this.#transmit(this.#peers, effect.message));
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
          this.#transmit([effect.to], {
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
    if (this.#world.sabotage.ignoresBarriers === true) run();
    else process.gate.release(run);
  }

  #persist(process: Process, records: readonly Uint8Array[]): void {
    for (const record of records) this.#journal.append(record);
    const number = process.gate.persistIssued();
    this.#disk.sync(() => process.gate.persistDurable(number));
  }

  /** A new segment starts with all live records; the older ones go once it is durable. */
  #newSegment(process: Process): void {
    const older = this.#journal.dropped + this.#journal.length;
    this.#world.coverage.count("new segment");
    for (const record of process.core.snapshot()) this.#journal.append(record);
    this.#disk.sync(() => this.#journal.dropFirst(older - this.#journal.dropped));
  }

  #signLater(process: Process, id: number, statements: readonly Uint8Array[]): void {
    const world = this.#world;
    for (const statement of statements) {
      world.checker.decidedToSign(this.#index, statement, process.floorView);
    }
    this.#release(process, () => {
      const signatures = statements.map((statement) => {
        world.checker.signed(this.#index, statement);
        const read = readStatement(statement);
        const header = this.#headers.get(read.target?.blockDigest ?? "");
        if (read.kind === "notarize" && header !== undefined) {
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

  #transmit(peers: readonly number[], message: ConsensusMessage): void {
    const world = this.#world;
    reportWire(world, this.#index, message, world.watched ? this.#watch : undefined);
    const frame: Frame = world.encoded
      ? { type: "encoded", bytes: encodeMessage(message) }
      : { type: "consensus", message };
    for (const peer of peers) {
      if (peer < world.set.validators.length && peer !== this.#index) {
        world.send(this.#index, peer, frame);
      }
    }
  }

  get #peers(): readonly number[] {
    return this.#world.set.validators.map((_, peer) => peer);
  }
}

function anchorOf(group: CommittedGroup | undefined): Anchor | undefined {
  if (group === undefined) return undefined;
  const header = present(group.headers[group.headers.length - 1], "last header of a group");
  const digest = present(group.digests[group.digests.length - 1], "digest of the last header");
  const { finalization } = group;
  return {
    height: header.height,
    view: finalization.view,
    digest,
    timestampMs: header.timestampMs,
    finalization,
  };
}
