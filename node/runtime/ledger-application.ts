import { setTimeout as delay } from "node:timers/promises";
import type { Effect } from "../../consensus/effects.ts";
import { type BlockHeader, HEADER_VERSION, headerDigest } from "../../consensus/header.ts";
import { MAX_BATCHES_PER_BLOCK } from "../../consensus/limits.ts";
import type { BlocksBody } from "../../consensus/messages.ts";
import { applyBlock, type BlockResult } from "../../ledger/apply-block.ts";
import { evidenceForBlock, evidenceProblem } from "../../ledger/evidence.ts";
import { invariant, present } from "../../primitives/assert.ts";
import { CodedError } from "../../primitives/errors.ts";
import type { Verifier } from "../../primitives/verifier.ts";
import type { BatchPool, SignatureFindings } from "../dissemination/batch-pool.ts";
import type { BatchBody } from "../dissemination/dissemination.ts";
import type { BlockStore } from "../storage/block-store.ts";
import { BlockBodies, type BodySource, MAX_FINAL_AHEAD } from "./block-bodies.ts";
import { readBlocks } from "./block-range.ts";
import { CommitGroup, committedBlockOf } from "./commit-group.ts";
import type { CommittedState } from "./committed-state.ts";
import type { ConsensusApplication, FinalRange } from "./consensus-driver.ts";
import { differenceFrom, requireAgreement } from "./divergence.ts";
import { type ExecutedBlock, ExecutedBlocks, type ParentState } from "./executed-blocks.ts";
import { ExecutionPace } from "./execution-pace.ts";
import { evidenceChecks, type HeaderEvidence, headerEvidence } from "./header-evidence.ts";
import { checkTransactions } from "./signature-check.ts";

/**
 * Transactions in one block. Executing them takes well under a quarter of the shortest view at
 * 80 us each; a block over it is bad, so every node has the same bound.
 */
export const MAX_TRANSACTIONS_PER_BLOCK = 4096;

/** Pause before signatures that the verifier had no room for are handed to it again. */
const VERIFY_AGAIN_MS = 20;

/** Refusals that pass by themselves and say nothing about the block: no verdict, ask again. */
const PASSING: ReadonlySet<string> = new Set(["BUSY", "BATCH_LIMIT", "CLOSED"]);

/** Batches removed at once when the store of those that no block names is full. */
const COLLECT_WHEN_FULL = 4096;

type BuildRequest = Extract<Effect, { type: "build" }>;
type ValidateRequest = Extract<Effect, { type: "validate" }>;
type ServeRequest = Extract<Effect, { type: "serveBlocks" }>;

/** A block that has just become final on this node: durable, and the state stands after it. */
export interface AppliedBlock {
  readonly header: BlockHeader;
  readonly digest: string;
  readonly result: BlockResult;
  readonly batches: readonly BatchBody[];
  /** Seconds the durable write took, shared equally among the blocks that it carried. */
  readonly commitSeconds: number;
}

export interface ApplicationOptions {
  readonly chainId: string;
  readonly blocks: BlockStore;
  readonly committed: CommittedState;
  readonly pool: BatchPool;
  readonly dissemination: BodySource;
  readonly verifier: Verifier;
  readonly onApplied: (block: AppliedBlock) => void;
  /** A proposal was seen for the first time. */
  readonly onSeen: (digest: string) => void;
  readonly onExecuted: (seconds: number, transactions: number) => void;
  readonly now: () => number;
}

interface Judgement {
  readonly header: BlockHeader;
  readonly verdict: Promise<"valid" | "bad" | undefined>;
}

/**
 * The ledger as consensus sees it. The leader executes before it proposes and voters before they
 * vote: the header carries the state's root after the block, so a node that computes something else
 * finds out before finality.
 */
export class LedgerApplication implements ConsensusApplication {
  readonly #options: ApplicationOptions;
  readonly #executed: ExecutedBlocks;
  readonly #bodies: BlockBodies;
  readonly #pace = new ExecutionPace(MAX_TRANSACTIONS_PER_BLOCK);
  /** Blocks on the way to a verdict: the core may ask again meanwhile. */
  readonly #judging = new Map<string, Judgement>();

  constructor(options: ApplicationOptions) {
    this.#options = options;
    this.#executed = new ExecutedBlocks(options.committed);
    this.#bodies = new BlockBodies(options.dissemination);
  }

  get unfinalized(): number {
    return this.#executed.size;
  }

  /**
   * Batches that a block in the race names: they must stay on disk, for this node may have voted
   * for that block.
   */
  namedDigests(): ReadonlySet<string> {
    const named = new Set(this.#bodies.digests());
    for (const { header } of [...this.#judging.values(), ...this.#executed.values()]) {
      for (const digest of header.batchDigests) named.add(digest);
    }
    return named;
  }

  async build(request: BuildRequest): Promise<BlockHeader | undefined> {
    const { parent } = request;
    await this.#executed.whenExecuted(parent.digest, parent.height);
    const chain = this.#executed.chainTo(parent.digest);
    // The head has moved past the parent: this view is over.
    if (chain === undefined) return undefined;
    const batches = await this.#chooseBatches(request, chain);
    const place = {
      epoch: request.epoch,
      proposer: request.proposer,
      height: parent.height + 1,
      parentDigest: parent.digest,
      timestampMs: request.timestampMs,
    };
    const parentState = this.#executed.stateAfter(parent.digest);
    if (parentState === undefined) return undefined;
    const evidence = evidenceForBlock(parentState.reader, headerEvidence(request.evidence));
    const result = await this.#execute(place, batches, evidence);
    if (result === undefined) return undefined;
    const header: BlockHeader = {
      version: HEADER_VERSION,
      chainId: this.#options.chainId,
      ...place,
      batchDigests: batches.map(({ batch }) => batch.digest),
      stateRoot: result.stateRoot,
      receiptsRoot: result.receiptsRoot,
      evidence: evidence.map((each) => each.evidence),
      nextValidators: result.closing?.hash,
    };
    const digest = headerDigest(header);
    this.#options.onSeen(digest);
    this.#keep(header, digest, batches, result);
    return header;
  }

  /** Batches for the next block, durable. None when the disk has no room for what they need. */
  async #chooseBatches(
    request: BuildRequest,
    chain: readonly ExecutedBlock[],
  ): Promise<readonly BatchBody[]> {
    if (!request.allowTransactions) return [];
    const named = new Set(chain.flatMap(({ header }) => header.batchDigests));
    const limits = {
      maxBatches: MAX_BATCHES_PER_BLOCK,
      maxTransactions: this.#pace.transactions,
    };
    const batches = this.#options.pool.candidates(named, limits, this.#options.now());
    try {
      await this.#storeBodies(batches);
    } catch (error) {
      if (error instanceof CodedError && error.code === "BATCH_LIMIT") return [];
      throw error;
    }
    return batches;
  }

  async validate(request: ValidateRequest): Promise<"valid" | "bad"> {
    const { digest } = request;
    if (this.#executed.get(digest) !== undefined) return "valid";
    const { header } = request;
    const judgement = this.#judging.get(digest) ?? { header, verdict: this.#judge(request) };
    this.#judging.set(digest, judgement);
    const verdict = await judgement.verdict.finally(() => this.#judging.delete(digest));
    return verdict ?? new Promise<never>(() => undefined);
  }

  /** Undefined when there is no verdict: the core asks again as long as it wants one. */
  async #judge({ header, digest }: ValidateRequest): Promise<"valid" | "bad" | undefined> {
    this.#options.onSeen(digest);
    if (new Set(header.batchDigests).size !== header.batchDigests.length) return "bad";
    try {
      const batches = await this.#bodies.ofProposal(digest, header);
      if (batches === undefined) return undefined;
      if (transactionCount(batches) > MAX_TRANSACTIONS_PER_BLOCK) return "bad";
      await this.#executed.whenExecuted(header.parentDigest, header.height - 1);
      await this.#storeBodies(batches);
      const evidence = headerEvidence(header.evidence);
      const standing = await this.#judgeEvidence(header, evidence);
      if (standing !== "valid") return standing;
      const result = await this.#execute(header, batches, evidence);
      // Final already, or its branch lost: the core knows from the certificates.
      if (result === undefined) return undefined;
      if (differenceFrom(header, result) !== undefined) return "bad";
      this.#keep(header, digest, batches, result);
      return "valid";
    } catch (error) {
      if (error instanceof CodedError && PASSING.has(error.code)) return undefined;
      throw error;
    }
  }

  /** Undefined where the parent's state is gone. */
  async #judgeEvidence(
    header: BlockHeader,
    evidence: readonly HeaderEvidence[],
  ): Promise<"valid" | "bad" | undefined> {
    if (evidence.length === 0) return "valid";
    const parent = this.#executed.stateAfter(header.parentDigest);
    if (parent === undefined) return undefined;
    const { chainId, verifier } = this.#options;
    const checks = evidenceChecks(chainId, parent.reader, evidence);
    if (checks === undefined) return "bad";
    const verdicts = await untilVerified(() => verifier.verify(checks, "vote"));
    return verdicts.every(Boolean) ? "valid" : "bad";
  }

  /**
   * Applies what is final, in order. Blocks that are ready go to disk by one synced write; none of
   * those waits for the bodies of a later one.
   */
  async commit(ranges: readonly FinalRange[]): Promise<void> {
    const chain = ranges.flatMap(({ headers, finalization }) =>
      headers.map((header) => ({ header, digest: headerDigest(header), finalization })),
    );
    const group = new CommitGroup();
    for (const [i, { header, digest, finalization }] of chain.entries()) {
      if (this.#isFinalHere(header, digest, group)) continue;
      for (const next of chain.slice(i + 1, i + MAX_FINAL_AHEAD)) {
        if (this.#executed.get(next.digest) === undefined) {
          this.#bodies.ahead(next.digest, next.header);
        }
      }
      const executed = this.#executed.get(digest);
      if (executed === undefined && !this.#bodies.isAtHand(digest)) await this.#write(group);
      const block = executed ?? (await this.#executeFinal(header, digest));
      this.#executed.keepUntilApplied(digest);
      group.add({ ...block, finalization });
      if (group.isFull) await this.#write(group);
    }
    await this.#write(group);
  }

  /** Known from an earlier start, when the journal was behind the block store, or waiting here. */
  #isFinalHere({ height }: BlockHeader, digest: string, group: CommitGroup): boolean {
    const { committed, blocks } = this.#options;
    if (height > (group.last?.header.height ?? committed.head.height)) return false;
    const here = group.digestAt(height) ?? blocks.digest(height);
    invariant(here === digest, "a final block stays the final block");
    return true;
  }

  serveBlocks({ requestId, fromHeight, count }: ServeRequest): BlocksBody {
    return readBlocks(this.#options.blocks, requestId, fromHeight, count);
  }

  /** A block that the network has made final: it must execute to its own roots here too. */
  async #executeFinal(header: BlockHeader, digest: string): Promise<ExecutedBlock> {
    const batches = await this.#bodies.ofFinal(digest, header);
    const evidence = headerEvidence(header.evidence);
    const parent = present(
      this.#executed.stateAfter(header.parentDigest),
      "a final block stands on the head or on an executed block",
    );
    const problem = evidenceProblem(parent.reader, evidence);
    if (problem !== undefined) {
      throw new CodedError("DIVERGENCE", "the network took evidence that this node refuses", {
        height: header.height,
        got: problem,
      });
    }
    const result = present(
      await this.#execute(header, batches, evidence),
      "blocks are committed one at a time",
    );
    requireAgreement(header, result);
    return this.#keep(header, digest, batches, result);
  }

  /** One synced write for the whole group; only after it does anybody learn of its blocks. */
  async #write(group: CommitGroup): Promise<void> {
    const waiting = group.take();
    if (waiting.length === 0) return;
    const { blocks, committed, pool, onApplied } = this.#options;
    const started = performance.now();
    await blocks.commitBlocks(waiting.map(committedBlockOf));
    const commitSeconds = (performance.now() - started) / 1000 / waiting.length;
    for (const { header, digest, batches, result, changes } of waiting) {
      const { height, timestampMs, epoch, stateRoot } = header;
      committed.advance({ height, digest, timestampMs, epoch, stateRoot }, changes, result.tree);
      this.#executed.prune();
      this.#bodies.release(height);
      pool.remove(header.batchDigests);
      onApplied({ header, digest, result, batches, commitSeconds });
    }
  }

  /**
   * Runs the block on its parent's state. Undefined when that state is no longer there because the
   * head has moved on. Keys that changed since a batch arrived are looked at again first.
   */
  async #execute(
    place: Pick<BlockHeader, "height" | "parentDigest" | "timestampMs">,
    batches: readonly BatchBody[],
    evidence: readonly HeaderEvidence[],
  ): Promise<BlockResult | undefined> {
    const before = this.#executed.stateAfter(place.parentDigest);
    if (before === undefined) return undefined;
    const transactions = await this.#check(batches, before);
    const parent: ParentState | undefined = this.#executed.stateAfter(place.parentDigest);
    if (parent === undefined) return undefined;
    const started = performance.now();
    const result = applyBlock({
      state: parent.reader,
      tree: parent.tree,
      height: place.height,
      parentDigest: place.parentDigest,
      evidence,
      timestampMs: place.timestampMs,
      transactions,
    });
    const seconds = (performance.now() - started) / 1000;
    this.#pace.observed(seconds, transactions.length);
    this.#options.onExecuted(seconds, transactions.length);
    return result;
  }

  /** Agreement waits for these signatures: they go with the votes, and are never refused. */
  async #check(
    batches: readonly BatchBody[],
    before: ParentState,
  ): Promise<readonly SignatureFindings[]> {
    const transactions = batches.flatMap(({ batch }) => batch.transactions);
    const prior = batches.flatMap<SignatureFindings | undefined>(
      ({ batch, checked }) => checked ?? batch.transactions.map(() => undefined),
    );
    const { verifier } = this.#options;
    return untilVerified(() =>
      checkTransactions(transactions, before.reader, verifier, prior, "vote"),
    );
  }

  #keep(
    header: BlockHeader,
    digest: string,
    batches: readonly BatchBody[],
    result: BlockResult,
  ): ExecutedBlock {
    const block = { digest, header, batches, result, changes: new Map(result.changes) };
    this.#executed.add(block);
    return block;
  }

  /** Every body that a vote will name is on disk before the vote. Rejects with BATCH_LIMIT. */
  async #storeBodies(batches: readonly BatchBody[]): Promise<void> {
    const store = this.#options.blocks.batches;
    const missing = batches
      .filter(({ batch }) => !store.has(batch.digest))
      .map(({ batch }) => [batch.digest, batch.bytes] as const);
    if (missing.length === 0) return;
    try {
      await store.putBatches(missing);
    } catch (error) {
      if (!(error instanceof CodedError) || error.code !== "BATCH_LIMIT") throw error;
      // Filled by proposals that became nothing: those below the head go.
      await store.collectGarbage({
        storedBelowHeight: this.#options.committed.head.height,
        keep: new Set([...this.#options.pool.digests(), ...this.namedDigests()]),
        limit: COLLECT_WHEN_FULL,
      });
      await store.putBatches(missing);
    }
  }
}

/** Asks again until the verifier has room. */
async function untilVerified<T>(verify: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await verify();
    } catch (error) {
      if (!(error instanceof CodedError) || error.code !== "OVERLOADED") throw error;
    }
    await delay(VERIFY_AGAIN_MS);
  }
}

function transactionCount(batches: readonly BatchBody[]): number {
  return batches.reduce((sum, { batch }) => sum + batch.transactions.length, 0);
}
