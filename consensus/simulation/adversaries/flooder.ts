import type { ConsensusMessage } from "../../messages.ts";
import { hashText } from "../toy-application.ts";
import type { CreateAdversary } from "./adversary.ts";
import { Follower } from "./follower.ts";
import { forgeProposal } from "./forged-proposal.ts";
import type { Base } from "./observed-chain.ts";

/** Pause between two floods, ms. */
const ROUND_MS = 250;

/** Messages of one flood to each peer. */
const FLOOD = 12;

/** Far above any view: ahead of every window, but countable. */
const FAR_VIEW = 2 ** 40;

/**
 * Says far too much: votes of its own for views far in the future and for every view of the window,
 * for blocks that are not there, proposals of views to come, requests without end, statuses and
 * batches again and again. All of it is signed as it should be. Memory and replies must stay bounded.
 */
export const createFlooder: CreateAdversary = (context) => new Flooder(context);

class Flooder extends Follower {
  #requests = 0;

  override start(): void {
    super.start();
    this.context.later(this.context.prng.below(ROUND_MS), () => this.#flood());
  }

  protected override lead(view: number, base: Base): void {
    this.#propose(view, base);
  }

  #flood(): void {
    const { prng, set, later } = this.context;
    for (let i = 0; i < FLOOD; i++) {
      const peer = prng.below(set.validators.length);
      this.send(peer, this.#request());
      const { view } = this.chain;
      // Its own votes contradict nothing: one block for each view, and never a nullification.
      const ahead = prng.chance(0.3) ? FAR_VIEW + prng.below(1_000) : view + 1 + prng.below(64);
      const kind = prng.chance(0.5) ? "notarize" : "finalize";
      this.vote(kind, ahead, {
        parentView: ahead - 1,
        parentDigest: hashText("flood"),
        blockDigest: hashText(`flood ${ahead}`),
      });
    }
    const base = this.chain.bases(this.chain.view)[0];
    if (base !== undefined && prng.chance(0.3))
      this.#propose(this.chain.view + prng.below(60), base);
    later(ROUND_MS, () => this.#flood());
  }

  #request(): ConsensusMessage {
    const { prng, epoch } = this.context;
    const requestId = this.#requests++;
    switch (prng.below(4)) {
      case 0:
        return { type: "getBlocks", body: { requestId, fromHeight: 1, count: 64 } };
      case 1:
        return {
          type: "getBlocks",
          body: { requestId, fromHeight: prng.below(2 ** 32), count: 0 },
        };
      case 2:
        return { type: "getCertificates", body: { requestId, epoch, fromView: 1 } };
      default:
        return { type: "getHeader", body: { requestId, digest: hashText(`${requestId}`) } };
    }
  }

  #propose(view: number, base: Base): void {
    const { clockMs, prng } = this.context;
    const { message } = forgeProposal(this.context, this.chain, view, {
      base,
      timestampMs: Math.max(base.timestampMs + 1, clockMs()),
      batchDigests: this.chain.newestBatches(prng.below(3)),
      spoilsState: false,
      spoilsSignature: false,
    });
    this.toAll(message);
  }
}
