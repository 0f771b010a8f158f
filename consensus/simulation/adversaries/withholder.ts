import { type ConsensusMessage, proposalTarget } from "../../messages.ts";
import { weightOf } from "../../quorum.ts";
import { voteStatement } from "../../statements.ts";
import type { Target, VoteKind } from "../../types.ts";
import { digestOf } from "../digest-memo.ts";
import type { Frame } from "../frames.ts";
import { batchDigest } from "../toy-application.ts";
import type { Adversary, AdversaryContext, CreateAdversary } from "./adversary.ts";
import { forgeProposal } from "./forged-proposal.ts";
import { ObservedChain } from "./observed-chain.ts";

/**
 * Gives just enough. As leader it makes a correct block with a batch that nobody has seen, shows
 * block and body to a chosen set of peers (less weight than surely holds an honest one, exactly that
 * weight, a quorum less one, all) and serves neither again. Its votes go to the same few, its finalize votes to one
 * peer at a time, so that some nodes hold certificates which the others cannot form.
 */
export const createWithholder: CreateAdversary = (context) => new Withholder(context);

class Withholder implements Adversary {
  readonly #context: AdversaryContext;
  readonly #chain: ObservedChain;
  readonly #voted = new Set<string>();
  #ledView = 0;

  constructor(context: AdversaryContext) {
    this.#context = context;
    this.#chain = new ObservedChain(context);
  }

  start(): void {
    this.#lead();
  }

  receive(_from: number, frame: Frame): void {
    if (frame.type === "batch") this.#chain.observeBatch(frame.batch);
    if (frame.type !== "consensus") return;
    const { message } = frame;
    this.#chain.observeMessage(message);
    if (message.type === "proposal") {
      const { header, view } = message.body;
      const target = proposalTarget(message.body, digestOf(header));
      this.#voteOnce(view, target, this.#someone(this.#fewOrMany()));
    }
    this.#lead();
  }

  #lead(): void {
    const { index, leaderOf, clockMs, send } = this.#context;
    const view = this.#chain.view;
    if (leaderOf(view) !== index || this.#ledView >= view) return;
    const base = this.#chain.bases(view)[0];
    if (base === undefined) return;
    this.#ledView = view;
    const batch = { author: index, sequence: view, transactions: [`withheld${index}.${view}`] };
    this.#chain.observeBatch(batch);
    const { message, target } = forgeProposal(this.#context, this.#chain, view, {
      base,
      timestampMs: Math.max(base.timestampMs + 1, clockMs()),
      batchDigests: [batchDigest(batch)],
      spoilsState: false,
      spoilsSignature: false,
    });
    const shown = this.#someone(this.#fewOrMany());
    for (const peer of shown) send(peer, { type: "batch", batch });
    this.#sendTo(this.#context.prng.chance(0.5) ? shown : this.#everyone(), message);
    this.#voteOnce(view, target, shown);
  }

  #voteOnce(view: number, target: Target, shown: readonly number[]): void {
    const key = `${view} ${target.blockDigest}`;
    if (this.#voted.has(key)) return;
    this.#voted.add(key);
    this.#vote("notarize", view, target, shown);
    this.#vote("finalize", view, target, this.#someone(1));
  }

  #vote(kind: VoteKind, view: number, target: Target, peers: readonly number[]): void {
    const { chainId, epoch, index, sign } = this.#context;
    const bare = { kind, epoch, view, target };
    const vote = { ...bare, signer: index, signature: sign(voteStatement(chainId, bare)) };
    this.#chain.observeVote(vote);
    this.#sendTo(peers, { type: "vote", body: vote });
  }

  /** Own weight included: less than F + 1, F + 1, less than a quorum, or everyone. */
  #fewOrMany(): number {
    const { set, index, prng } = this.#context;
    const { oneHonest, quorum, total } = set;
    const wanted = prng.pick([oneHonest - 1, oneHonest, quorum - 1, total]);
    return Math.max(1, wanted - weightOf(set, index));
  }

  /** Random peers of at most this weight, one at least. */
  #someone(weight: number): readonly number[] {
    const chosen: number[] = [];
    let left = weight;
    for (const peer of this.#context.prng.shuffle(this.#everyone())) {
      const own = weightOf(this.#context.set, peer);
      if (chosen.length > 0 && own > left) continue;
      chosen.push(peer);
      left -= own;
    }
    return chosen;
  }

  #everyone(): readonly number[] {
    const { set, index } = this.#context;
    return set.validators.map((_, i) => i).filter((i) => i !== index);
  }

  #sendTo(peers: readonly number[], message: ConsensusMessage): void {
    for (const peer of peers) this.#context.send(peer, { type: "consensus", message });
  }
}
