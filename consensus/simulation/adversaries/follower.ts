import { type ConsensusMessage, proposalTarget } from "../../messages.ts";
import { voteStatement } from "../../statements.ts";
import type { Target, Vote, VoteKind } from "../../types.ts";
import { digestOf } from "../digest-memo.ts";
import type { Frame } from "../frames.ts";
import type { Adversary, AdversaryContext } from "./adversary.ts";
import { type Base, ObservedChain } from "./observed-chain.ts";

/**
 * What most adversaries share: it watches the chain, serves batches, votes as a correct node might
 * for every proposal it sees, and is asked once what to do in each view that it leads. Who only
 * misbehaves in one respect must take part in all others, or it never comes to misbehave.
 */
export abstract class Follower implements Adversary {
  protected readonly context: AdversaryContext;
  protected readonly chain: ObservedChain;
  readonly #voted = new Set<string>();
  #ledView = 0;

  constructor(context: AdversaryContext) {
    this.context = context;
    this.chain = new ObservedChain(context);
  }

  start(): void {
    this.#lead();
  }

  receive(from: number, frame: Frame): void {
    if (frame.type === "batch") this.chain.observeBatch(frame.batch);
    if (frame.type === "getBatches") this.serveBatches(from, frame.digests);
    if (frame.type !== "consensus") return;
    const { message } = frame;
    this.chain.observeMessage(message);
    if (message.type === "proposal") {
      const { header, view } = message.body;
      this.voteFor(view, proposalTarget(message.body, digestOf(header)));
    }
    this.react(from, message);
    this.#lead();
  }

  /** A view that this node leads; `base` is the highest that can be justified. */
  protected abstract lead(view: number, base: Base): void;

  /** Something arrived, and is observed already. */
  protected react(_from: number, _message: ConsensusMessage): void {}

  protected serveBatches(to: number, digests: readonly string[]): void {
    for (const digest of digests) {
      const batch = this.chain.batch(digest);
      if (batch !== undefined) this.context.send(to, { type: "batch", batch });
    }
  }

  /** Notarizes and finalizes, once, before everybody. */
  protected voteFor(view: number, target: Target): void {
    const key = `${view} ${target.blockDigest}`;
    if (this.#voted.has(key)) return;
    this.#voted.add(key);
    for (const kind of ["notarize", "finalize"] as const) this.vote(kind, view, target);
  }

  protected vote(kind: VoteKind, view: number, target: Target | undefined): void {
    const { chainId, epoch, index, sign } = this.context;
    const bare = { kind, epoch, view, target };
    const vote: Vote = { ...bare, signer: index, signature: sign(voteStatement(chainId, bare)) };
    this.chain.observeVote(vote);
    this.toAll({ type: "vote", body: vote });
  }

  protected toAll(message: ConsensusMessage): void {
    for (let peer = 0; peer < this.context.set.validators.length; peer++) this.send(peer, message);
  }

  protected send(to: number, message: ConsensusMessage): void {
    if (to !== this.context.index) this.context.send(to, { type: "consensus", message });
  }

  #lead(): void {
    const { index, leaderOf } = this.context;
    const { view } = this.chain;
    if (leaderOf(view) !== index || this.#ledView >= view) return;
    const base = this.chain.bases(view)[0];
    if (base === undefined) return;
    this.#ledView = view;
    this.lead(view, base);
  }
}
