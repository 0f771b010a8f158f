import type { BlockHeader } from "../../consensus/header.ts";
import { MAX_BATCHES_PER_BLOCK } from "../../consensus/limits.ts";
import { invariant } from "../../primitives/assert.ts";
import { MAX_WANTED } from "../dissemination/batch-fetcher.ts";
import type { BatchBody, Dissemination } from "../dissemination/dissemination.ts";

/**
 * Proposals whose batches are waited for at one time. A leader can name batches that nobody has:
 * of more than these the oldest is given up, and asked for anew if the core still wants a verdict.
 */
export const MAX_WAITING_PROPOSALS = 48;

/** Final blocks whose batches are fetched at one time, the one being applied included. */
export const MAX_FINAL_AHEAD = 9;

// Then a fetch is never refused.
invariant(
  (MAX_WAITING_PROPOSALS + MAX_FINAL_AHEAD) * MAX_BATCHES_PER_BLOCK <= MAX_WANTED,
  "the batches of all blocks that are waited for can be fetched",
);

interface Request {
  readonly header: BlockHeader;
  readonly promise: Promise<readonly BatchBody[] | undefined>;
  readonly giveUp: () => void;
  /** Will be applied, whatever happens: never given up. */
  isFinal: boolean;
  /** The bodies are here, or the fetch has failed: `ofFinal` does not wait. */
  isSettled: boolean;
}

export type BodySource = Pick<Dissemination, "bodies" | "fetcher">;

/**
 * The batches of the blocks that this node works on. Remembers which fetch is for which block, so
 * that what a lost block named is not asked for until the end of time.
 */
export class BlockBodies {
  readonly #source: BodySource;
  readonly #requests = new Map<string, Request>();

  constructor(source: BodySource) {
    this.#source = source;
  }

  /** Blocks whose batches are waited for or held ready. */
  get size(): number {
    return this.#requests.size;
  }

  /** Undefined when given up. Rejects as Dissemination.bodies does. */
  async ofProposal(digest: string, header: BlockHeader): Promise<readonly BatchBody[] | undefined> {
    const request = this.#requests.get(digest) ?? this.#open(digest, header, false);
    try {
      return await request.promise;
    } finally {
      const isMine = this.#requests.get(digest) === request;
      if (isMine && !request.isFinal) this.#requests.delete(digest);
    }
  }

  /** Starts the fetch of a block that is final; `ofFinal` takes what came. */
  ahead(digest: string, header: BlockHeader): void {
    const request = this.#requests.get(digest);
    if (request !== undefined) request.isFinal = true;
    else this.#open(digest, header, true);
  }

  /** Whether `ofFinal` would answer at once. */
  isAtHand(digest: string): boolean {
    return this.#requests.get(digest)?.isSettled === true;
  }

  async ofFinal(digest: string, header: BlockHeader): Promise<readonly BatchBody[]> {
    this.ahead(digest, header);
    const bodies = await this.#requests.get(digest)?.promise;
    invariant(bodies !== undefined, "the bodies of a final block are not given up");
    return bodies;
  }

  /** The head has come to this height: blocks up to it are applied or out of the race. */
  release(height: number): void {
    const over = [...this.#requests].filter(([, { header }]) => header.height <= height);
    this.#giveUp(over.map(([digest]) => digest));
  }

  /** Digests of the batches that some block here names. */
  *digests(): Iterable<string> {
    for (const { header } of this.#requests.values()) yield* header.batchDigests;
  }

  #open(digest: string, header: BlockHeader, isFinal: boolean): Request {
    if (!isFinal) {
      const proposals = [...this.#requests].filter(([, request]) => !request.isFinal);
      const excess = Math.max(0, proposals.length + 1 - MAX_WAITING_PROPOSALS);
      this.#giveUp(proposals.slice(0, excess).map(([oldest]) => oldest));
    }
    const { promise, resolve, reject } = Promise.withResolvers<readonly BatchBody[] | undefined>();
    const giveUp = (): void => resolve(undefined);
    const request = { header, promise, giveUp, isFinal, isSettled: false };
    this.#requests.set(digest, request);
    this.#source.bodies(header.batchDigests, header.proposer).then(resolve, reject);
    const settle = (): void => {
      request.isSettled = true;
    };
    // Whoever waits for a failed fetch is told; one that is only ahead of its time has nobody yet.
    promise.then(settle, settle);
    return request;
  }

  #giveUp(blocks: readonly string[]): void {
    const lost: string[] = [];
    for (const digest of blocks) {
      const request = this.#requests.get(digest);
      if (request === undefined) continue;
      this.#requests.delete(digest);
      lost.push(...request.header.batchDigests);
      request.giveUp();
    }
    if (lost.length === 0) return;
    const stillNamed = new Set(this.digests());
    this.#source.fetcher.abandon(lost.filter((digest) => !stillNamed.has(digest)));
  }
}
