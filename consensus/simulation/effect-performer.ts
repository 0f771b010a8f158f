import { unreachable } from "../../primitives/assert.ts";
import type { Prng } from "../../primitives/prng.ts";
import { isCopy } from "../closing.ts";
import type { Effect, Report } from "../effects.ts";
import type { ConsensusEvent, Timer } from "../events.ts";
import type { BlockHeader } from "../header.ts";
import { type ConsensusMessage, encodeMessage } from "../messages.ts";
import type { PeerIndex, Target } from "../types.ts";
import type { ApplicationModel } from "./application-model.ts";
import type { DeathWatch } from "./death-watch.ts";
import type { DiskModel } from "./disk-model.ts";
import type { Frame } from "./frames.ts";
import { describeReportKind } from "./narration.ts";
import type { NodeClock } from "./node-clock.ts";
import type { Process } from "./node-process.ts";
import { readStatement } from "./statement-reader.ts";
import { reportWire } from "./wire-oracle.ts";
import type { NodeConditions, World } from "./world.ts";

/** Chance that a restart or a commit rolls the journal over to a new segment. */
export const NEW_SEGMENT_CHANCE = 0.05;

export interface EffectPerformerOptions {
  readonly world: World;
  readonly node: number;
  readonly prng: Prng;
  readonly conditions: NodeConditions;
  readonly disk: DiskModel;
  readonly clock: NodeClock;
  readonly death: DeathWatch;
  readonly application: ApplicationModel;
  readonly sign: (statement: Uint8Array) => Uint8Array;
  /** Headers of blocks this node validated or built. */
  readonly headers: ReadonlyMap<string, BlockHeader>;
  /** Answers to the core. */
  readonly input: (event: ConsensusEvent) => void;
  /** The commit before it is on its way; process.ended says how. */
  readonly epochEnded: (process: Process) => void;
}

/**
 * Carries out what a core asks for, as the contract with the driver says: in order, and nothing that
 * others can see before the disk has what it promises. The oracle is told of all of it.
 */
export class EffectPerformer {
  readonly #options: EffectPerformerOptions;
  readonly #everyone: readonly number[];

  constructor(options: EffectPerformerOptions) {
    this.#options = options;
    const { participants } = options.world.epochs;
    this.#everyone = Array.from({ length: participants }, (_, peer) => peer);
  }

  perform(process: Process, effect: Effect): void {
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
        process.pipeline.build(effect, this.#options.world.chainId);
        return;
      case "validate":
        process.pipeline.validate(effect);
        return;
      case "commit":
        process.floorView = Math.max(process.floorView, effect.finalization.view);
        if (isCopyVote(effect.finalization.target))
          this.#options.world.coverage.count("final by a copy");
        this.#release(process, () => {
          this.#options.world.checker.committed(
            this.#options.node,
            process.pipeline.commit(effect.headers, effect.finalization),
            effect.finalization,
            this.#options.world.latestClockMs,
          );
          if (this.#options.prng.chance(NEW_SEGMENT_CHANCE)) this.newSegment(process);
        });
        return;
      case "serveBlocks":
        this.#release(process, () => {
          const body = this.#options.application.serve(effect.fromHeight, effect.count);
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
          this.#options.epochEnded(process);
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
    const { checker, coverage } = this.#options.world;
    coverage.count(describeReportKind(report));
    if (report.kind !== "halted") return;
    checker.fail("HALT", `node ${this.#options.node} halts: ${report.code} ${report.detail}`);
  }

  #release(process: Process, run: () => void): void {
    const runAlive = (): void => {
      if (process.alive) run();
    };
    if (this.#options.world.sabotage.ignoresBarriers === true) runAlive();
    else process.gate.release(runAlive);
  }

  #persist(process: Process, records: readonly Uint8Array[]): void {
    for (const record of records) process.journal.file.append(record);
    const number = process.gate.persistIssued();
    this.#options.disk.sync(() => process.gate.persistDurable(number));
  }

  /** A new segment starts with all live records; the older ones go once it is durable. */
  newSegment(process: Process): void {
    const { file } = process.journal;
    const older = file.dropped + file.length;
    this.#options.world.coverage.count("new segment");
    for (const record of process.core.snapshot()) file.append(record);
    this.#options.disk.sync(() => file.dropFirst(older - file.dropped));
  }

  #signLater(process: Process, id: number, statements: readonly Uint8Array[]): void {
    const world = this.#options.world;
    for (const statement of statements) {
      world.checker.decidedToSign(this.#options.node, statement, process.floorView, process.epoch);
    }
    this.#release(process, () => {
      const signatures = statements.map((statement) => {
        world.checker.signed(this.#options.node, statement);
        const read = readStatement(statement);
        const header = this.#options.headers.get(read.target?.blockDigest ?? "");
        // A copy's block was timely to a quorum once; its voters look at that no more.
        const copy = isCopyVote(read.target);
        if (copy) world.coverage.count(`signed ${read.kind} of a copy`);
        if (read.kind === "notarize" && !copy && header !== undefined) {
          world.checker.votedFor(this.#options.node, header, this.#options.clock.latestMs);
        }
        return this.#options.sign(statement);
      });
      this.#later(process, this.#options.prng.below(2), () => {
        this.#options.input({ type: "signed", id, signatures });
      });
    });
  }

  #later(process: Process, delayMs: number, run: () => void): void {
    this.#options.world.clock.after(delayMs, () => {
      if (process.alive) run();
    });
  }

  #setTimer(process: Process, timer: Timer, delayMs: number): void {
    process.timers.set(timer.kind, timer);
    this.#later(process, Math.max(0, delayMs), () => {
      const replaced = process.timers.get(timer.kind) !== timer;
      if (replaced && !this.#options.conditions.staleTimers) return;
      this.#options.input({ type: "timerFired", timer });
    });
  }

  #send(process: Process, to: PeerIndex, message: ConsensusMessage): void {
    const participant = this.#options.world.epochs.participantOf(process.epoch, to);
    this.#transmit(process, [participant], message);
  }

  #transmit(process: Process, to: readonly number[], message: ConsensusMessage): void {
    const world = this.#options.world;
    reportWire(
      world,
      this.#options.node,
      message,
      world.watched ? process.journal.watch : undefined,
    );
    const frame: Frame = world.encoded
      ? { type: "encoded", bytes: encodeMessage(message) }
      : { type: "consensus", message };
    for (const participant of to) {
      if (participant < world.epochs.participants && participant !== this.#options.node) {
        if (this.#options.death.passes()) return;
        world.send(this.#options.node, participant, frame);
      }
    }
  }
}

function isCopyVote(target: Target | undefined): boolean {
  return target !== undefined && isCopy(target);
}
