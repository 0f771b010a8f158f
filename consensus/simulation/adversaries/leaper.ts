import { type ConsensusMessage, proposalTarget } from "../../messages.ts";
import { voteStatement } from "../../statements.ts";
import type { Target } from "../../types.ts";
import { digestOf } from "../digest-memo.ts";
import type { Frame } from "../frames.ts";
import type { Adversary, AdversaryContext, CreateAdversary } from "./adversary.ts";
import { forgeProposal, forgeSkips } from "./forged-proposal.ts";
import { type Base, ObservedChain } from "./observed-chain.ts";

/** How far back it looks for a block to leap from. */
const LEAP_VIEWS = 8;

/**
 * Tries to make the chain forget a block. As leader it proposes, to everybody and as early as it
 * can, on a block below the newest notarized one, with no proof that the views between were
 * nullified or with a made-up one; or its block's time does not rise. It notarizes whatever it sees
 * and never finalizes, so that finality is slow and the leap comes in time.
 */
export const createLeaper: CreateAdversary = (context) => new Leaper(context);

class Leaper implements Adversary {
  readonly #context: AdversaryContext;
  readonly #chain: ObservedChain;
  readonly #notarized = new Set<string>();
  #ledView = 0;

  constructor(context: AdversaryContext) {
    this.#context = context;
    this.#chain = new ObservedChain(context);
  }

  start(): void {
    this.#lead();
  }

  receive(from: number, frame: Frame): void {
    if (frame.type === "batch") this.#chain.observeBatch(frame.batch);
    if (frame.type === "getBatches") this.#serve(from, frame.digests);
    if (frame.type !== "consensus") return;
    const { message } = frame;
    this.#chain.observeMessage(message);
    if (message.type === "proposal") {
      const { header, view } = message.body;
      this.#notarize(view, proposalTarget(message.body, digestOf(header)));
    }
    this.#lead();
  }

  #lead(): void {
    const { index, leaderOf, prng, clockMs } = this.#context;
    const view = this.#chain.view;
    if (leaderOf(view) !== index || this.#ledView >= view) return;
    const base = this.#chooseBase(view);
    if (base === undefined) return;
    this.#ledView = view;
    const rising = Math.max(base.timestampMs + 1, clockMs());
    const { message, target } = forgeProposal(this.#context, this.#chain, view, {
      base,
      timestampMs: prng.chance(0.3) ? base.timestampMs - prng.below(2) : rising,
      batchDigests: this.#chain.newestBatches(prng.below(3)),
      spoilsState: false,
      spoilsSignature: false,
    });
    this.#toAll(message);
    this.#notarize(view, target);
  }

  /** Mostly the newest block that leaves one out, now and then the right one. */
  #chooseBase(view: number): Base | undefined {
    const { prng } = this.#context;
    const leaps = this.#chain.leaps(view, LEAP_VIEWS).filter((base) => base.view < view - 1);
    if (leaps.length === 0 || prng.chance(0.3)) return this.#chain.bases(view)[0];
    const base = prng.chance(0.7) ? leaps[0] : prng.pick(leaps);
    return base !== undefined && prng.chance(0.3) ? forgeSkips(this.#context, view, base) : base;
  }

  #notarize(view: number, target: Target): void {
    const key = `${view} ${target.blockDigest}`;
    if (this.#notarized.has(key)) return;
    this.#notarized.add(key);
    const { chainId, epoch, index, sign } = this.#context;
    const bare = { kind: "notarize" as const, epoch, view, target };
    const vote = { ...bare, signer: index, signature: sign(voteStatement(chainId, bare)) };
    this.#chain.observeVote(vote);
    this.#toAll({ type: "vote", body: vote });
  }

  #serve(to: number, digests: readonly string[]): void {
    for (const digest of digests) {
      const batch = this.#chain.batch(digest);
      if (batch !== undefined) this.#context.send(to, { type: "batch", batch });
    }
  }

  #toAll(message: ConsensusMessage): void {
    for (let peer = 0; peer < this.#context.set.validators.length; peer++) {
      if (peer !== this.#context.index) {
        this.#context.send(peer, { type: "consensus", message });
      }
    }
  }
}
