import { invariant, present } from "../assert.ts";
import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES } from "../ed25519/criterion.ts";
import { CodedError } from "../errors.ts";
import type { SignatureCheck, VerificationLane } from "../verifier.ts";
import { BatchWriter, MAX_MESSAGE_BYTES, packedSize } from "./signature-batch.ts";

export type VerificationErrorCode = "OVERLOADED" | "TOO_LARGE" | "CLOSED" | "START_FAILED";

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
  /** `verify` calls refused with OVERLOADED. */
  readonly refusals: number;
  /** Sum and maximum over batches of the time from the first signature to the first dispatch. */
  readonly waitMsTotal: number;
  readonly waitMsMax: number;
}

/** One `verify` call that waits for its verdicts. */
export class VerificationJob {
  readonly promise: Promise<readonly boolean[]>;
  readonly #verdicts: boolean[];
  #missing = 0;
  #settled = false;
  #resolve: (verdicts: readonly boolean[]) => void = () => {};
  #reject: (reason: Error) => void = () => {};

  constructor(count: number) {
    this.#verdicts = Array.from({ length: count }, () => false);
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  get settled(): boolean {
    return this.#settled;
  }

  /** One more signature has to be answered by a batch before the job is done. */
  expect(): void {
    this.#missing += 1;
  }

  answer(index: number, verdict: boolean): void {
    this.#verdicts[index] = verdict;
    this.#missing -= 1;
    invariant(this.#missing >= 0, "a signature is answered once");
    this.settleIfComplete();
  }

  settleIfComplete(): void {
    if (this.#missing > 0 || this.#settled) return;
    this.#settled = true;
    this.#resolve(this.#verdicts);
  }

  fail(reason: Error): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#reject(reason);
  }
}

/** A batch and the jobs that its verdicts belong to. */
export interface LaneBatch {
  readonly lane: VerificationLane;
  readonly writer: BatchWriter;
  readonly origins: { readonly job: VerificationJob; readonly index: number }[];
  /** Milliseconds of the pool's monotonic clock. */
  readonly startedAt: number;
  bytes: number;
  /** Runs on a worker that ended without a usable answer. */
  failedRuns: number;
}

/**
 * What waits for verification in one lane, packed into batches as it arrives. Every count is held
 * from admission until the batch is answered, so work that runs counts against the bounds too.
 */
export class LaneQueue {
  readonly lane: VerificationLane;
  readonly #limits: LaneLimits;
  readonly #nextBatchNumber: () => number;
  /** Bounded by the limits: every batch in it has been admitted. */
  readonly #sealed: LaneBatch[] = [];
  #open: LaneBatch | undefined;
  #pendingSignatures = 0;
  #pendingBytes = 0;
  #verified = 0;
  #batches = 0;
  #refusals = 0;
  #waitMsTotal = 0;
  #waitMsMax = 0;

  constructor(lane: VerificationLane, limits: LaneLimits, nextBatchNumber: () => number) {
    this.lane = lane;
    this.#limits = limits;
    this.#nextBatchNumber = nextBatchNumber;
  }

  get hasSealed(): boolean {
    return this.#sealed.length > 0;
  }

  get hasOpen(): boolean {
    return this.#open !== undefined;
  }

  get isIdle(): boolean {
    return this.#pendingSignatures === 0;
  }

  /**
   * Takes all checks of a call or none, copying their bytes.
   *
   * @throws VerificationError OVERLOADED (try again later), TOO_LARGE (this call can never fit)
   */
  admit(checks: readonly SignatureCheck[], nowMs: number): VerificationJob {
    const packable = checks.map(isPackable);
    this.#checkRoom(checks, packable);
    const job = new VerificationJob(checks.length);
    checks.forEach((check, index) => {
      // Any other length is a verdict already: the job's default, "does not verify".
      if (packable[index] === true) this.#append(check, job, index, nowMs);
    });
    job.settleIfComplete();
    return job;
  }

  /** The next batch to run; the one still being filled only if `flush` is set. */
  take(flush: boolean, nowMs: number): LaneBatch | undefined {
    let batch = this.#sealed.shift();
    if (batch === undefined && flush) {
      batch = this.#open;
      this.#open = undefined;
    }
    if (batch !== undefined && batch.failedRuns === 0) {
      const waited = nowMs - batch.startedAt;
      this.#waitMsTotal += waited;
      this.#waitMsMax = Math.max(this.#waitMsMax, waited);
      this.#batches += 1;
    }
    return batch;
  }

  /** Puts a batch back in front, to be run again. */
  returnToFront(batch: LaneBatch): void {
    this.#sealed.unshift(batch);
  }

  settle(batch: LaneBatch, verdicts: readonly boolean[]): void {
    invariant(verdicts.length === batch.origins.length, "one verdict for each signature");
    this.#release(batch);
    this.#verified += verdicts.length;
    batch.origins.forEach(({ job, index }, i) => {
      job.answer(index, present(verdicts[i], "verdict"));
    });
  }

  fail(batch: LaneBatch, reason: Error): void {
    this.#release(batch);
    for (const { job } of batch.origins) job.fail(reason);
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

  #checkRoom(checks: readonly SignatureCheck[], packable: readonly boolean[]): void {
    let signatures = 0;
    let bytes = 0;
    checks.forEach((check, index) => {
      if (check.message.length > MAX_MESSAGE_BYTES) {
        throw tooLarge("message bytes", check.message.length, MAX_MESSAGE_BYTES);
      }
      if (packable[index] !== true) return;
      signatures += 1;
      bytes += packedSize(check);
    });
    const limits = this.#limits;
    if (signatures > limits.signatures) {
      throw tooLarge("signatures", signatures, limits.signatures);
    }
    if (bytes > limits.bytes) throw tooLarge("bytes", bytes, limits.bytes);
    if (
      this.#pendingSignatures + signatures > limits.signatures ||
      this.#pendingBytes + bytes > limits.bytes
    ) {
      this.#refusals += 1;
      throw new VerificationError("OVERLOADED", `the ${this.lane} lane is full`, {
        lane: this.lane,
        pendingSignatures: this.#pendingSignatures,
        pendingBytes: this.#pendingBytes,
      });
    }
  }

  #append(check: SignatureCheck, job: VerificationJob, index: number, nowMs: number): void {
    let batch = this.#open;
    if (batch !== undefined && !batch.writer.hasRoomFor(check)) {
      this.#sealed.push(batch);
      batch = undefined;
    }
    if (batch === undefined) {
      const writer = new BatchWriter(this.#nextBatchNumber());
      batch = { lane: this.lane, writer, origins: [], startedAt: nowMs, bytes: 0, failedRuns: 0 };
    }
    this.#open = batch;
    batch.writer.add(check);
    batch.origins.push({ job, index });
    job.expect();
    const size = packedSize(check);
    batch.bytes += size;
    this.#pendingBytes += size;
    this.#pendingSignatures += 1;
    if (!batch.writer.isFull) return;
    this.#sealed.push(batch);
    this.#open = undefined;
  }

  #release(batch: LaneBatch): void {
    this.#pendingSignatures -= batch.origins.length;
    this.#pendingBytes -= batch.bytes;
    invariant(this.#pendingSignatures >= 0 && this.#pendingBytes >= 0, "a batch is released once");
  }
}

function isPackable(check: SignatureCheck): boolean {
  return check.publicKey.length === PUBLIC_KEY_BYTES && check.signature.length === SIGNATURE_BYTES;
}

function tooLarge(what: string, got: number, limit: number): VerificationError {
  return new VerificationError("TOO_LARGE", `${got} ${what} in one call, at most ${limit}`, {
    what,
    got,
    limit,
  });
}
