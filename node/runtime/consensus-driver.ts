import type { Effect, EpochEnd, Report } from "../../consensus/effects.ts";
import type { ConsensusEvent, Timer, TimerKind } from "../../consensus/events.ts";
import type { BlockHeader } from "../../consensus/header.ts";
import {
  type BlocksBody,
  type ConsensusMessage,
  decodeMessage,
  encodeMessage,
} from "../../consensus/messages.ts";
import { journalSnapshot } from "../../consensus/restore.ts";
import type { ConsensusState } from "../../consensus/state.ts";
import { step } from "../../consensus/step.ts";
import type { Certificate } from "../../consensus/types.ts";
import { type MessageRefusalCode, signaturesOf } from "../../consensus/verification.ts";
import { unreachable } from "../../primitives/assert.ts";
import type { Signer } from "../../primitives/ed25519/signer.ts";
import { CodedError, messageOf } from "../../primitives/errors.ts";
import type { Verifier } from "../../primitives/verifier.ts";
import { FrameKind, type MessageKind } from "../net/frame.ts";
import type { PenaltyReason } from "../net/penalty.ts";
import { CommitQueue } from "./commit-queue.ts";
import { DurableOutbox, type GatedEffect } from "./durable-outbox.ts";

/** Journal size above which its live records move to a new segment. */
const ROTATE_BYTES = 16 * 1024 * 1024;

/** A stop waits this long for a commit that is under way; one that lacks a batch can't end. */
const COMMIT_STOP_MS = 1_000;

/** Messages of one peer in verification; a flood beyond it is dropped, honest votes are resent. */
const MAX_IN_VERIFICATION = 256;

/** Events that wait for the reducer; it is synchronous, so a backlog means an endless loop. */
const MAX_QUEUED_EVENTS = 65_536;

type BuildEffect = Extract<Effect, { type: "build" }>;
type ValidateEffect = Extract<Effect, { type: "validate" }>;
type ServeEffect = Extract<Effect, { type: "serveBlocks" }>;

/** Blocks that follow one another, and what makes the last of them, and so all, final. */
export interface FinalRange {
  readonly headers: readonly BlockHeader[];
  readonly finalization: Certificate;
}

/** The ledger behind consensus: its answers come back as events. */
export interface ConsensusApplication {
  build(request: BuildEffect): Promise<BlockHeader | undefined>;
  /** Resolves when there is a verdict; never, while a batch is missing. */
  validate(request: ValidateEffect): Promise<"valid" | "bad">;
  /** Applies and stores the blocks durably, in order. */
  commit(ranges: readonly FinalRange[]): Promise<void>;
  serveBlocks(request: ServeEffect): BlocksBody;
}

export interface DriverJournal {
  append(records: readonly Uint8Array[]): Promise<void>;
  rotate(liveRecords: readonly Uint8Array[]): Promise<void>;
  readonly bytes: number;
}

export interface DriverPorts {
  readonly application: ConsensusApplication;
  readonly journal: DriverJournal;
  readonly verifier: Verifier;
  readonly signer: Signer;
  send(peer: number, kind: MessageKind, payload: Uint8Array): void;
  broadcast(kind: MessageKind, payload: Uint8Array): void;
  penalise(peer: number, reason: PenaltyReason): void;
  report(report: Report): void;
  /** The closing block is applied: the core of the next epoch takes over. */
  epochEnded(end: EpochEnd): void;
  /** A message was not handed to the core, and why. */
  dropped(reason: string): void;
  journalWrote(seconds: number, records: number): void;
  stepped(state: ConsensusState): void;
  /** The node must stop: its state can no longer be trusted. */
  fatal(error: unknown): void;
  now(): number;
}

/** Refusals that honest peers cause too: messages that come late, early or twice. */
const HARMLESS: ReadonlySet<MessageRefusalCode> = new Set([
  "STALE",
  "AHEAD",
  "UNSOLICITED",
  // Where an epoch ends, some are in the next one before others.
  "OTHER_EPOCH",
]);

/**
 * Runs the consensus core: turns frames, timers and answers into events, one at a time, and carries
 * out the effects in the order the core gives them. Signatures are verified before a message
 * becomes an event; what depends on the journal waits for the disk.
 */
export class ConsensusDriver {
  readonly state: ConsensusState;
  readonly #ports: DriverPorts;
  readonly #outbox: DurableOutbox;
  readonly #commits: CommitQueue;
  readonly #timers = new Map<TimerKind, NodeJS.Timeout>();
  readonly #inVerification = new Map<number, number>();
  #events: ConsensusEvent[] = [];
  #draining = false;
  #stopped = false;
  /** Size of the journal after its last rotation: what is live may itself be large. */
  #rotatedBytes = 0;

  constructor(state: ConsensusState, ports: DriverPorts) {
    this.state = state;
    this.#ports = ports;
    this.#outbox = new DurableOutbox({
      append: (records) => this.#append(records),
      release: (effect) => this.#release(effect),
      fatal: (error) => this.#fatal(error),
      wrote: (seconds, records) => ports.journalWrote(seconds, records),
    });
    this.#commits = new CommitQueue({
      commit: (ranges) => ports.application.commit(ranges),
      applied: (height) => this.deliver({ type: "applied", height }),
      fatal: (error) => this.#fatal(error),
    });
  }

  start(incarnation: number): void {
    this.deliver({ type: "start", incarnation });
  }

  /** Moves what is live to a new segment of the journal. */
  async rotateJournal(): Promise<void> {
    await this.#ports.journal.rotate(journalSnapshot(this.state));
    this.#rotatedBytes = this.#ports.journal.bytes;
  }

  /** No event is taken any more; resolves when the last durable write and commit are done. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    this.#commits.stop();
    await this.#outbox.stop();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, COMMIT_STOP_MS);
    });
    await Promise.race([this.#commits.settled, late]);
    clearTimeout(timer);
  }

  /** Queues an event; the reducer runs in a later microtask, never inside its own effects. */
  deliver(event: ConsensusEvent): void {
    if (this.#stopped) return;
    if (this.#events.length >= MAX_QUEUED_EVENTS) {
      this.#fatal(new CodedError("EVENT_BACKLOG", "the consensus core does not keep up"));
      return;
    }
    this.#events.push(event);
    if (this.#draining) return;
    this.#draining = true;
    queueMicrotask(() => this.#drain());
  }

  /** A consensus frame of an authenticated peer. Never throws for what the peer sent. */
  async onFrame(from: number, kind: MessageKind, payload: Uint8Array): Promise<void> {
    const atWork = this.#inVerification.get(from) ?? 0;
    if (atWork >= MAX_IN_VERIFICATION) {
      this.#ports.dropped("BUSY");
      return;
    }
    this.#inVerification.set(from, atWork + 1);
    try {
      await this.#verifyAndDeliver(from, kind, payload);
    } finally {
      this.#inVerification.set(from, (this.#inVerification.get(from) ?? 1) - 1);
    }
  }

  async #verifyAndDeliver(from: number, kind: MessageKind, payload: Uint8Array): Promise<void> {
    let message: ConsensusMessage;
    try {
      message = decodeMessage(payload);
      // Caps and streams go by the frame's kind: it must be the message's own.
      if (frameKindOf(message) !== kind) {
        throw new CodedError("WRONG_KIND", `a ${message.type} in a frame of kind ${kind}`);
      }
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#ports.dropped(error.code);
      this.#ports.penalise(from, "MALFORMED_MESSAGE");
      return;
    }
    const required = signaturesOf(message, this.state.config.validators, this.state);
    if (!required.ok) {
      this.#ports.dropped(required.code);
      if (!HARMLESS.has(required.code)) this.#ports.penalise(from, "MALFORMED_MESSAGE");
      return;
    }
    if (required.signatures.length > 0) {
      let verdicts: readonly boolean[];
      try {
        verdicts = await this.#ports.verifier.verify(required.signatures, "vote");
      } catch (error) {
        // Overloaded or closing: no verdict about the message, and its sender is not to blame.
        if (!(error instanceof CodedError)) throw error;
        this.#ports.dropped(error.code);
        return;
      }
      if (verdicts.includes(false)) {
        this.#ports.dropped("BAD_SIGNATURE");
        this.#ports.penalise(from, "BAD_SIGNATURE");
        return;
      }
    }
    this.deliver({ type: "message", from, message });
  }

  #drain(): void {
    try {
      while (this.#events.length > 0 && !this.#stopped) {
        const events = this.#events;
        this.#events = [];
        for (const event of events) {
          if (this.#stopped) return;
          for (const effect of step(this.state, event, this.#ports.now())) this.#carryOut(effect);
        }
      }
      this.#ports.stepped(this.state);
    } catch (error) {
      this.#fatal(error);
    } finally {
      this.#draining = false;
    }
  }

  #carryOut(effect: Effect): void {
    switch (effect.type) {
      case "persist":
        this.#outbox.persist(effect.records);
        break;
      case "send":
      case "broadcast":
      case "sign":
      case "commit":
      case "endEpoch":
      case "serveBlocks":
        this.#outbox.gate(effect);
        break;
      case "setTimer":
        this.#setTimer(effect.timer, effect.delayMs);
        break;
      case "build":
        this.#answer(this.#ports.application.build(effect), (header) => ({
          type: "built",
          view: effect.view,
          header,
        }));
        break;
      case "validate":
        this.#answer(this.#ports.application.validate(effect), (verdict) => ({
          type: "validated",
          digest: effect.digest,
          verdict,
        }));
        break;
      case "report":
        this.#ports.report(effect.report);
        break;
      default:
        unreachable(effect);
    }
  }

  #release(effect: GatedEffect): void {
    if (this.#stopped) return;
    switch (effect.type) {
      case "send":
        this.#ports.send(effect.to, frameKindOf(effect.message), encodeMessage(effect.message));
        break;
      case "broadcast":
        this.#ports.broadcast(frameKindOf(effect.message), encodeMessage(effect.message));
        break;
      case "sign": {
        const signatures = effect.statements.map((bytes) => this.#ports.signer.sign(bytes));
        this.deliver({ type: "signed", id: effect.id, signatures });
        break;
      }
      case "serveBlocks": {
        const body = this.#ports.application.serveBlocks(effect);
        this.#ports.send(effect.to, FrameKind.blocks, encodeMessage({ type: "blocks", body }));
        break;
      }
      case "commit":
        this.#commits.push({ headers: effect.headers, finalization: effect.finalization });
        break;
      case "endEpoch":
        void this.#commits.settled.then(() => {
          if (!this.#stopped) this.#ports.epochEnded(effect.end);
        });
        break;
      default:
        unreachable(effect);
    }
  }

  #answer<T>(promise: Promise<T>, toEvent: (value: T) => ConsensusEvent): void {
    promise.then(
      (value) => this.deliver(toEvent(value)),
      (error) => this.#fatal(error),
    );
  }

  #setTimer(timer: Timer, delayMs: number): void {
    clearTimeout(this.#timers.get(timer.kind));
    this.#timers.set(
      timer.kind,
      setTimeout(() => this.deliver({ type: "timerFired", timer }), delayMs),
    );
  }

  async #append(records: readonly Uint8Array[]): Promise<void> {
    // The snapshot is taken from the state, which is ahead of the records still to be written:
    // appending those after it repeats some, which replay does not mind.
    if (this.#ports.journal.bytes > Math.max(ROTATE_BYTES, 2 * this.#rotatedBytes)) {
      await this.rotateJournal();
    }
    await this.#ports.journal.append(records);
  }

  #fatal(error: unknown): void {
    if (this.#stopped) return;
    this.#stopped = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#commits.stop();
    void this.#outbox.stop();
    this.#ports.fatal(error instanceof Error ? error : new CodedError("FATAL", messageOf(error)));
  }
}

function frameKindOf(message: ConsensusMessage): MessageKind {
  return FrameKind[message.type];
}
