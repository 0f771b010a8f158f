import { headerDigest } from "../../header.ts";
import type { ConsensusMessage } from "../../messages.ts";
import { voteStatement } from "../../statements.ts";
import type { Target, VoteKind } from "../../types.ts";
import type { Frame } from "../frames.ts";
import { batchDigest } from "../toy-application.ts";
import type { Adversary, AdversaryContext, CreateAdversary } from "./adversary.ts";
import { forgeProposal } from "./forged-proposal.ts";
import { ObservedChain } from "./observed-chain.ts";

/**
 * Gives just enough. As leader it makes a correct block with a batch that nobody has seen, shows
 * block and body to a chosen number of peers (one, those that surely hold an honest one, a quorum
 * less one, all) and serves neither again. Its votes go to the same few, its finalize votes to one
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
    this.#chain = new ObservedChain(context.set, context.genesis);
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
      const { header, view, parentView } = message.body;
      const { parentDigest } = header;
      const target = { parentView, parentDigest, blockDigest: headerDigest(header) };
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

  /** One, as many as surely hold an honest node, one less than a quorum, or all. */
  #fewOrMany(): number {
    const size = this.#context.set.validators.length;
    const third = Math.floor((size - 1) / 3) + 1;
    return this.#context.prng.pick([1, third, size - third, size - 1]);
  }

  #someone(count: number): readonly number[] {
    return this.#context.prng.shuffle(this.#everyone()).slice(0, count);
  }

  #everyone(): readonly number[] {
    const { set, index } = this.#context;
    return set.validators.map((_, i) => i).filter((i) => i !== index);
  }

  #sendTo(peers: readonly number[], message: ConsensusMessage): void {
    for (const peer of peers) this.#context.send(peer, { type: "consensus", message });
  }
}
