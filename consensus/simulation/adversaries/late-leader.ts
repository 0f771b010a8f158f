import { viewTimeouts } from "../../pacemaker.ts";
import type { AdversaryContext, CreateAdversary } from "./adversary.ts";
import { Follower } from "./follower.ts";
import { forgeProposal } from "./forged-proposal.ts";
import type { Base } from "./observed-chain.ts";

/** How far from the moment at which others give the leader up a proposal is aimed, ms. */
const EPSILON_MS = 40;

/**
 * Proposes a correct block at the last moment: when the time for the leader ends at its peers, a
 * little before or after, so that some have given the view up and others have not; or when the time
 * of the whole view ends. Half of the time it shows the block to a part of them only.
 */
export const createLateLeader: CreateAdversary = (context) => new LateLeader(context);

class LateLeader extends Follower {
  readonly #times: { readonly leaderMs: number; readonly advanceMs: number };

  constructor(context: AdversaryContext) {
    super(context);
    this.#times = viewTimeouts(context.parameters, 1);
  }

  protected override lead(view: number, base: Base): void {
    const { prng, later } = this.context;
    const aimed = prng.chance(0.7) ? this.#times.leaderMs : this.#times.advanceMs;
    const delayMs = Math.max(0, aimed + prng.below(2 * EPSILON_MS + 1) - EPSILON_MS);
    later(delayMs, () => this.#propose(view, base));
  }

  #propose(view: number, base: Base): void {
    const { prng, clockMs, set } = this.context;
    const { message, target } = forgeProposal(this.context, this.chain, view, {
      base,
      timestampMs: Math.max(base.timestampMs + 1, clockMs()),
      batchDigests: this.chain.newestBatches(prng.below(3)),
      spoilsState: false,
      spoilsSignature: false,
    });
    const toSome = prng.chance(0.5);
    for (let peer = 0; peer < set.validators.length; peer++) {
      if (!toSome || prng.chance(0.5)) this.send(peer, message);
    }
    this.voteFor(view, target);
  }
}
