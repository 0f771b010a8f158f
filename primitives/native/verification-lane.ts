import { invariant } from "../assert.ts";
import { CodedError } from "../errors.ts";
import type { SignatureCheck, VerificationLane } from "../verifier.ts";
import { MAX_BATCH_BYTES, MAX_MESSAGE_BYTES } from "./signature-slab.ts";
import { isPackable, packedSize, VerificationJob } from "./verification-job.ts";

/**
 * OVERLOADED: the lane is full, SOURCE_OVERLOADED: this source's share of it is; try again later.
 * BAD_SIGNATURES: the source sent too many that did not verify. TOO_LARGE: can never fit.
 */
export type VerificationErrorCode =
  | "OVERLOADED"
  | "SOURCE_OVERLOADED"
  | "BAD_SIGNATURES"
  | "TOO_LARGE"
  | "CLOSED"
  | "START_FAILED";

/** No verdict was reached, for a reason that says nothing about the signatures. */
export class VerificationError extends CodedError<VerificationErrorCode> {
  override readonly name = "VerificationError";
}

export interface LaneLimits {
  /** Signatures accepted and not yet answered. */
  readonly signatures: number;
  /** Packed bytes of those signatures. */
  readonly bytes: number;
}

export interface LaneStats {
  /** Accepted and not yet answered, running ones included. */
  readonly pendingSignatures: number;
  readonly pendingBytes: number;
  readonly verifiedSignatures: number;
  readonly batches: number;
  /** `verify` calls refused with OVERLOADED, SOURCE_OVERLOADED or BAD_SIGNATURES. */
  readonly refusals: number;
  /** Sum and maximum over batches of the time from the first signature to the first dispatch. */
  readonly waitMsTotal: number;
  readonly waitMsMax: number;
}

/** Of a lane's limits, what one source may hold: 1 / 2, so that two others still get through. */
const SOURCE_SHARE = 2;
/** Signatures that a source puts into a batch before the next source's turn. */
const TURN_SIGNATURES = 32;

/** Items `from` up to `to` of a job. */
export interface BatchPart {
  readonly job: VerificationJob;
  readonly from: number;
  readonly to: number;
}

export interface LaneBatch {
  readonly lane: VerificationLane;
  readonly parts: readonly BatchPart[];
  readonly count: number;
  readonly bytes: number;
  /** Runs on a thread that ended without a usable answer. */
  failedRuns: number;
}

interface Source {
  readonly name: string | undefined;
  /** Jobs with items that no batch has yet. */
  readonly jobs: { readonly job: VerificationJob; readonly since: number }[];
  pendingSignatures: number;
  pendingBytes: number;
}

/**
 * What waits for verification in one lane. Sources (members, peers) take turns, so that none waits
 * behind another's flood. Every count is held from admission until the batch is answered: work that
 * runs counts against the bounds too.
 */
export class LaneQueue {
  readonly lane: VerificationLane;
  readonly #limits: LaneLimits;
  /** Bounded by the limits: a source is here while something of it is pending. */
  readonly #sources = new Map<string | undefined, Source>();
  /** Sources with untaken items, the next one first. */
  readonly #turns: Source[] = [];
  /** Batches whose run failed, to be run again before all others. */
  readonly #again: LaneBatch[] = [];
  /** Calls without all their verdicts; bounded by the limits. */
  readonly #jobs = new Set<VerificationJob>();
  #untaken = 0;
  #pendingSignatures = 0;
  #pendingBytes = 0;
  #verified = 0;
  #batches = 0;
  #refusals = 0;
  #waitMsTotal = 0;
  #waitMsMax = 0;

  constructor(lane: VerificationLane, limits: LaneLimits) {
    this.lane = lane;
    this.#limits = limits;
  }

  /** Signatures that no batch has yet. */
  get untaken(): number {
    return this.#untaken;
  }

  get hasFailed(): boolean {
    return this.#again.length > 0;
  }

  /**
   * Takes all checks of a call or none, copying their bytes.
   *
   * @throws VerificationError OVERLOADED, SOURCE_OVERLOADED, TOO_LARGE
   */
  admit(
    checks: readonly SignatureCheck[],
    source: string | undefined,
    nowMs: number,
  ): VerificationJob {
    const job = new VerificationJob(checks, source, this.#checkRoom(checks, source));
    if (job.settled) return job;
    this.#jobs.add(job);
    let queue = this.#sources.get(source);
    if (queue === undefined) {
      queue = { name: source, jobs: [], pendingSignatures: 0, pendingBytes: 0 };
      this.#sources.set(source, queue);
    }
    if (queue.jobs.length === 0) this.#turns.push(queue);
    queue.jobs.push({ job, since: nowMs });
    this.#hold(queue, job.count, job.byteLength);
    this.#untaken += job.count;
    return job;
  }

  /** The next batch, of at most so many signatures: a failed one, or one made now. */
  take(limit: number, nowMs: number): LaneBatch | undefined {
    const again = this.#again.shift();
    if (again !== undefined) return again;
    const parts: BatchPart[] = [];
    let count = 0;
    let bytes = 0;
    let since = nowMs;
    for (let source = this.#turns[0]; source !== undefined; source = this.#turns[0]) {
      const taken = takeTurn(source, Math.min(limit - count, TURN_SIGNATURES), bytes, parts);
      if (taken.count === 0) break;
      count += taken.count;
      bytes += taken.bytes;
      since = Math.min(since, taken.since);
      this.#turns.shift();
      if (source.jobs.length > 0) this.#turns.push(source);
      if (count >= limit) break;
    }
    if (count === 0) return undefined;
    this.#untaken -= count;
    this.#batches += 1;
    this.#waitMsTotal += nowMs - since;
    this.#waitMsMax = Math.max(this.#waitMsMax, nowMs - since);
    return { lane: this.lane, parts, count, bytes, failedRuns: 0 };
  }

  /** Puts a batch back in front, to be run again. */
  returnToFront(batch: LaneBatch): void {
    this.#again.unshift(batch);
  }

  /** `verdict`: of item i of the batch. Returns the bad ones by named source. */
  settle(batch: LaneBatch, verdict: (index: number) => boolean): ReadonlyMap<string, number> {
    const bad = new Map<string, number>();
    let index = 0;
    for (const { job, from, to } of batch.parts) {
      for (let item = from; item < to; item++) {
        const valid = verdict(index++);
        if (!valid && job.source !== undefined) bad.set(job.source, (bad.get(job.source) ?? 0) + 1);
        job.answer(item, valid);
      }
      if (job.settled) this.#jobs.delete(job);
    }
    invariant(index === batch.count, "one verdict for each signature");
    this.#release(batch);
    this.#verified += batch.count;
    return bad;
  }

  fail(batch: LaneBatch, reason: Error): void {
    this.#release(batch);
    for (const { job } of batch.parts) {
      job.fail(reason);
      this.#jobs.delete(job);
    }
  }

  /** Nothing is waited for any more. */
  failAll(reason: Error): void {
    for (const job of this.#jobs) job.fail(reason);
    this.#jobs.clear();
  }

  /** Whether a call waits for verdicts. */
  get isIdle(): boolean {
    return this.#jobs.size === 0;
  }

  /** Signatures verified, or a call refused, without the queue. */
  countVerified(signatures: number): void {
    this.#verified += signatures;
    this.#batches += 1;
  }

  countRefusal(): void {
    this.#refusals += 1;
  }

  stats(): LaneStats {
    return {
      pendingSignatures: this.#pendingSignatures,
      pendingBytes: this.#pendingBytes,
      verifiedSignatures: this.#verified,
      batches: this.#batches,
      refusals: this.#refusals,
      waitMsTotal: this.#waitMsTotal,
      waitMsMax: this.#waitMsMax,
    };
  }

  /** Packed bytes of the checks, if there is room for them. */
  #checkRoom(checks: readonly SignatureCheck[], source: string | undefined): number {
    let signatures = 0;
    let bytes = 0;
    for (const check of checks) {
      if (check.message.length > MAX_MESSAGE_BYTES) {
        throw tooLarge("message bytes", check.message.length, MAX_MESSAGE_BYTES);
      }
      if (!isPackable(check)) continue;
      signatures += 1;
      bytes += packedSize(check);
    }
    const share = source === undefined ? 1 : SOURCE_SHARE;
    const most = {
      signatures: Math.floor(this.#limits.signatures / share),
      bytes: Math.floor(this.#limits.bytes / share),
    };
    if (signatures > most.signatures) throw tooLarge("signatures", signatures, most.signatures);
    if (bytes > most.bytes) throw tooLarge("bytes", bytes, most.bytes);
    const held = this.#sources.get(source);
    if (
      this.#pendingSignatures + signatures > this.#limits.signatures ||
      this.#pendingBytes + bytes > this.#limits.bytes
    ) {
      throw this.#refusal("OVERLOADED", `the ${this.lane} lane is full`);
    }
    if (
      (held?.pendingSignatures ?? 0) + signatures > most.signatures ||
      (held?.pendingBytes ?? 0) + bytes > most.bytes
    ) {
      throw this.#refusal("SOURCE_OVERLOADED", `the source's share of the ${this.lane} lane`);
    }
    return bytes;
  }

  #refusal(code: "OVERLOADED" | "SOURCE_OVERLOADED", message: string): VerificationError {
    this.#refusals += 1;
    return new VerificationError(code, message, {
      lane: this.lane,
      pendingSignatures: this.#pendingSignatures,
      pendingBytes: this.#pendingBytes,
    });
  }

  #hold(source: Source, signatures: number, bytes: number): void {
    source.pendingSignatures += signatures;
    source.pendingBytes += bytes;
    this.#pendingSignatures += signatures;
    this.#pendingBytes += bytes;
  }

  #release(batch: LaneBatch): void {
    for (const { job, from, to } of batch.parts) {
      const source = this.#sources.get(job.source);
      invariant(source !== undefined, "the source of what is pending is known");
      this.#hold(source, from - to, job.startOf(from) - job.startOf(to));
      invariant(source.pendingSignatures >= 0 && source.pendingBytes >= 0, "released once");
      if (source.pendingSignatures === 0) this.#sources.delete(source.name);
    }
  }
}

/** Up to `limit` items of the source, while the batch has room for their bytes. */
function takeTurn(
  source: Source,
  limit: number,
  usedBytes: number,
  parts: BatchPart[],
): { count: number; bytes: number; since: number } {
  let count = 0;
  let bytes = 0;
  let since = Number.POSITIVE_INFINITY;
  for (let first = source.jobs[0]; first !== undefined && count < limit; first = source.jobs[0]) {
    const { job } = first;
    const from = job.taken;
    while (job.taken < job.count && count < limit) {
      const size = job.sizeOf(job.taken);
      if (usedBytes + bytes + size > MAX_BATCH_BYTES) break;
      bytes += size;
      count += 1;
      job.taken += 1;
    }
    if (job.taken > from) {
      parts.push({ job, from, to: job.taken });
      since = Math.min(since, first.since);
    }
    if (job.taken < job.count) break;
    source.jobs.shift();
  }
  return { count, bytes, since };
}

function tooLarge(what: string, got: number, limit: number): VerificationError {
  return new VerificationError("TOO_LARGE", `${got} ${what} in one call, at most ${limit}`, {
    what,
    got,
    limit,
  });
}
