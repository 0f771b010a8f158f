import { encodeMessage } from "../messages.ts";
import { viewTimeouts } from "../pacemaker.ts";
import type { ConsensusParameters } from "../parameters.ts";
import type { Checker } from "./checker.ts";
import type { Frame } from "./frames.ts";
import type { IdleSummary } from "./simulation-options.ts";

/** What was under way when the last transaction became final has this long to come to rest, ms. */
const SETTLE_MS = 3_000;

/**
 * Bytes a second that one node may send another at rest: one Status a second carries a finalization
 * of up to 25 signatures, and a heartbeat block adds its votes now and then.
 */
const MAX_BYTES_A_SECOND_AND_LINK = 8_000;

/** The first transaction after the rest is final within this many undisturbed views. */
const FIRST_FINAL_IN_VIEWS = 3;

export interface IdleOptions {
  readonly checker: Checker;
  readonly parameters: ConsensusParameters;
  readonly participants: number;
  /** How long the network is watched at rest, ms; 0: not at all. */
  readonly forMs: number;
  readonly submit: (transaction: string) => void;
}

interface Reading {
  readonly atMs: number;
  readonly height: number;
  readonly views: number;
  readonly nullifications: number;
}

/**
 * When all is final and no client sends: L5, nobody nullifies a view, views pass for heartbeat
 * blocks alone and traffic is bounded; L6, heartbeat blocks appear; and then the first transaction
 * is final everywhere within the normal time (L2).
 */
export class IdleMonitor {
  readonly #options: IdleOptions;
  #restsSinceMs: number | undefined;
  #begin: Reading | undefined;
  #end: Reading | undefined;
  #bytes = 0;
  #counting = false;
  #summary: IdleSummary | undefined;
  #done = false;

  constructor(options: IdleOptions) {
    this.#options = options;
  }

  /** The time at rest is over, or there was to be none. */
  get done(): boolean {
    return this.#done;
  }

  get summary(): IdleSummary | undefined {
    return this.#summary;
  }

  /** A frame goes to one node. */
  sent(frame: Frame): void {
    if (this.#counting) this.#bytes += sizeOf(frame);
  }

  check(nowMs: number): void {
    const { forMs } = this.#options;
    this.#restsSinceMs ??= nowMs;
    if (forMs === 0) this.#done = true;
    else if (this.#begin === undefined) {
      if (nowMs < this.#restsSinceMs + SETTLE_MS) return;
      this.#begin = this.#read(nowMs);
      this.#counting = true;
    } else if (this.#end === undefined) {
      if (nowMs < this.#begin.atMs + forMs) return;
      this.#counting = false;
      this.#end = this.#read(nowMs);
      this.#judge(this.#begin, this.#end);
      this.#options.submit("after the rest");
    } else this.#awaitFirst(this.#begin, this.#end, nowMs);
  }

  #judge(begin: Reading, end: Reading): void {
    const { checker, parameters, participants } = this.#options;
    const { heartbeatMs, precisionMs } = parameters;
    const ms = end.atMs - begin.atMs;
    const blocks = end.height - begin.height;
    const views = end.views - begin.views;
    const { advanceMs } = viewTimeouts(parameters, 1);
    if (end.nullifications > begin.nullifications) {
      const count = end.nullifications - begin.nullifications;
      checker.fail("L5", `${count} nullify votes in ${ms} ms at rest`);
    }
    // The last block's finality may be on its way, and views are told once a second.
    if (views > blocks + 2) checker.fail("L5", `${views} views for ${blocks} heartbeat blocks`);
    if (blocks > ms / heartbeatMs + 1) checker.fail("L5", `${blocks} blocks in ${ms} ms at rest`);
    const links = participants * (participants - 1);
    const rate = this.#bytes / links / (ms / 1_000);
    if (rate > MAX_BYTES_A_SECOND_AND_LINK) {
      checker.fail("L5", `${Math.round(rate)} bytes a second on each link at rest`);
    }
    const least = Math.floor(ms / (heartbeatMs + 3 * precisionMs + advanceMs)) - 1;
    if (blocks < least) checker.fail("L6", `${blocks} heartbeat blocks in ${ms} ms`);
  }

  #awaitFirst(begin: Reading, end: Reading, nowMs: number): void {
    const { checker, parameters } = this.#options;
    const boundMs = FIRST_FINAL_IN_VIEWS * viewTimeouts(parameters, 1).advanceMs;
    const height = checker.executedAt("after the rest");
    const everywhere =
      height !== undefined && checker.appliedHeights.every((applied) => applied >= height);
    if (everywhere) {
      this.#summary = {
        ms: end.atMs - begin.atMs,
        blocks: end.height - begin.height,
        views: end.views - begin.views,
        bytes: this.#bytes,
        firstFinalMs: nowMs - end.atMs,
      };
      this.#done = true;
    } else if (nowMs > end.atMs + boundMs) {
      checker.fail("L2", `the first transaction after the rest is not final in ${boundMs} ms`);
    }
  }

  #read(atMs: number): Reading {
    const { checker } = this.#options;
    return {
      atMs,
      height: checker.height,
      views: checker.viewsPassed,
      nullifications: checker.nullifications,
    };
  }
}

function sizeOf(frame: Frame): number {
  switch (frame.type) {
    case "consensus":
      return encodeMessage(frame.message).length;
    case "encoded":
      return frame.bytes.length;
    case "batch":
      return frame.batch.transactions.join().length + 100;
    case "getBatches":
      return 32 * frame.digests.length;
  }
}
