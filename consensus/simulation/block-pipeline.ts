import type { Effect } from "../effects.ts";
import type { ConsensusEvent } from "../events.ts";
import { type BlockHeader, HEADER_VERSION } from "../header.ts";
import type { Certificate } from "../types.ts";
import type { ApplicationModel, CommittedGroup } from "./application-model.ts";
import type { BodyExchange } from "./body-exchange.ts";
import { digestOf } from "./digest-memo.ts";
import type { DiskModel } from "./disk-model.ts";
import type { ToyState } from "./toy-application.ts";

type Validate = Extract<Effect, { type: "validate" }>;
type Build = Extract<Effect, { type: "build" }>;

export interface BlockPipelineOptions {
  readonly application: ApplicationModel;
  readonly disk: DiskModel;
  readonly exchange: BodyExchange;
  readonly later: (delayMs: number, run: () => void) => void;
  /** Draws how long one execution takes. */
  readonly executionMs: () => number;
  readonly answer: (event: ConsensusEvent) => void;
  /** A header that this node was asked to validate, or has built. */
  readonly onHeader: (digest: string, header: BlockHeader) => void;
  /** Hash of the next validators where a block of this height closes its epoch. */
  readonly nextValidators: (epoch: number, height: number) => string | undefined;
  /** The participant that built a block. */
  readonly authorOf: (header: BlockHeader) => number;
  readonly onApplied: (states: readonly ToyState[]) => void;
}

/**
 * Blocks on their way through one node: built, validated, applied. Bodies are fetched when they are
 * missing and durable before any answer; a block waits until its parent's state is there.
 */
export class BlockPipeline {
  readonly #options: BlockPipelineOptions;
  /** Asked for, but the parent's state or a body is missing. */
  readonly #waiting = new Map<string, Validate>();
  readonly #executing = new Set<string>();
  readonly #verdicts = new Map<string, "valid" | "bad">();
  readonly #queue: CommittedGroup[] = [];
  #applying = false;

  constructor(options: BlockPipelineOptions) {
    this.#options = options;
  }

  build(effect: Build, chainId: string): void {
    const { application, disk, later, answer } = this.#options;
    const { parent, view } = effect;
    const batchDigests = effect.allowTransactions ? application.choose(parent.digest) : [];
    application.storeBodies(batchDigests);
    const finish = (): void => {
      const evidence = application.unrecorded(parent.digest, effect.evidence);
      const state = application.preview(parent.digest, batchDigests, evidence);
      if (state === undefined) {
        answer({ type: "built", view, header: undefined });
        return;
      }
      const header: BlockHeader = {
        version: HEADER_VERSION,
        chainId,
        epoch: effect.epoch,
        height: parent.height + 1,
        parentDigest: parent.digest,
        proposer: effect.proposer,
        timestampMs: effect.timestampMs,
        batchDigests,
        stateRoot: state.stateRoot,
        receiptsRoot: state.receiptsRoot,
        evidence,
        nextValidators: this.#options.nextValidators(effect.epoch, parent.height + 1),
      };
      const digest = digestOf(header);
      application.remember(digest, state);
      this.#verdicts.set(digest, "valid");
      this.#options.onHeader(digest, header);
      answer({ type: "built", view, header });
    };
    disk.sync(() => later(this.#options.executionMs(), finish));
  }

  validate(effect: Validate): void {
    this.#options.onHeader(effect.digest, effect.header);
    this.#waiting.set(effect.digest, effect);
    this.#tryValidate(effect);
  }

  /** Takes over a decided chain; gives each header with its digest. */
  commit(
    headers: readonly BlockHeader[],
    finalization: Certificate,
  ): readonly { header: BlockHeader; digest: string }[] {
    const digests = headers.map(digestOf);
    this.#queue.push({ headers, digests, finalization });
    this.#applyNext();
    return headers.map((header, i) => ({ header, digest: digests[i] ?? "" }));
  }

  /** Something arrived that a block may have waited for. */
  retry(): void {
    for (const effect of Array.from(this.#waiting.values())) this.#tryValidate(effect);
    this.#applyNext();
  }

  #tryValidate(effect: Validate): void {
    const { application, disk, exchange, later, answer } = this.#options;
    const { digest, header, parent } = effect;
    const verdict = this.#verdicts.get(digest);
    if (verdict !== undefined && (verdict === "bad" || application.hasState(digest))) {
      this.#waiting.delete(digest);
      later(0, () => answer({ type: "validated", digest, verdict }));
      return;
    }
    if (this.#executing.has(digest) || !application.hasState(parent.digest)) return;
    const missing = application.missing([header]);
    if (missing.length > 0) {
      exchange.want(missing, this.#options.authorOf(header));
      return;
    }
    this.#executing.add(digest);
    application.storeBodies(header.batchDigests);
    disk.sync(() => {
      later(this.#options.executionMs(), () => {
        this.#executing.delete(digest);
        this.#execute(effect);
      });
    });
  }

  #execute(effect: Validate): void {
    const { application, answer } = this.#options;
    const { digest, header, parent } = effect;
    const state = application.preview(parent.digest, header.batchDigests, header.evidence);
    // The parent fell below the tip meanwhile: this block can never be final.
    if (state === undefined) return;
    const fresh = application.unrecorded(parent.digest, header.evidence);
    const { nextValidators } = this.#options;
    const matches =
      state.stateRoot === header.stateRoot &&
      state.receiptsRoot === header.receiptsRoot &&
      fresh.length === header.evidence.length &&
      header.nextValidators === nextValidators(header.epoch, header.height);
    const verdict = matches ? "valid" : "bad";
    this.#verdicts.set(digest, verdict);
    if (matches) application.remember(digest, state);
    this.#waiting.delete(digest);
    answer({ type: "validated", digest, verdict });
    for (const next of Array.from(this.#waiting.values())) {
      if (next.parent.digest === digest) this.#tryValidate(next);
    }
  }

  #applyNext(): void {
    const { application, disk, exchange } = this.#options;
    const group = this.#queue[0];
    if (group === undefined || this.#applying) return;
    const missing = application.missing(group.headers);
    if (missing.length > 0) {
      const [first] = group.headers;
      exchange.want(missing, first === undefined ? 0 : this.#options.authorOf(first));
      return;
    }
    this.#applying = true;
    application.storeBodies(group.headers.flatMap((header) => header.batchDigests));
    // Two syncs: a block store that named a body the disk lost would be corrupt.
    disk.sync(() => {
      application.storeGroup(group);
      disk.sync(() => this.#applied(group));
    });
  }

  #applied(group: CommittedGroup): void {
    this.#applying = false;
    this.#queue.shift();
    const { application, onApplied, answer } = this.#options;
    onApplied(application.apply(group));
    answer({ type: "applied", height: application.height });
    this.retry();
  }
}
