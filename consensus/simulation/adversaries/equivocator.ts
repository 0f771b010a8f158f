import { type ConsensusMessage, proposalTarget, type StatusBody } from "../../messages.ts";
import { voteStatement } from "../../statements.ts";
import type { Target, Vote, VoteKind } from "../../types.ts";
import { digestOf } from "../digest-memo.ts";
import type { Frame } from "../frames.ts";
import type { Adversary, AdversaryContext, CreateAdversary } from "./adversary.ts";
import { forgeProposal } from "./forged-proposal.ts";
import { type Base, ObservedChain } from "./observed-chain.ts";

/** Pause between two rounds of mischief that nobody asked for. */
const ROUND_MS = 120;

/** Blocks in its own view: enough that each honest node may see another one. */
const MAX_VARIANTS = 3;

/** Longest time that a vote is kept back before it is shown. */
const MAX_HOARD_MS = 3_000;

/**
 * Equivocates and votes for everything. As leader it signs several blocks for one view, valid and
 * invalid, and shows them to different subsets. In every view it signs notarize, nullify and
 * finalize for whatever it has seen and shows each vote to a random subset, some of them late. It
 * keeps its certificates to itself, now and then hands one to a single node, and lies in its status.
 */
export const createEquivocator: CreateAdversary = (context) => new Equivocator(context);

class Equivocator implements Adversary {
  readonly #context: AdversaryContext;
  readonly #chain: ObservedChain;
  readonly #votedFor = new Set<string>();
  #ledView = 0;

  constructor(context: AdversaryContext) {
    this.#context = context;
    this.#chain = new ObservedChain(context);
  }

  start(): void {
    this.#context.later(this.#context.prng.below(ROUND_MS), () => this.#round());
  }

  receive(from: number, frame: Frame): void {
    switch (frame.type) {
      case "batch":
        this.#chain.observeBatch(frame.batch);
        return;
      case "getBatches":
        this.#serveBatches(from, frame.digests);
        return;
      case "encoded":
        return;
      case "consensus":
        this.#chain.observeMessage(frame.message);
        this.#react(from, frame.message);
        return;
    }
  }

  #react(from: number, message: ConsensusMessage): void {
    if (message.type === "proposal") {
      const { header, view } = message.body;
      const target = proposalTarget(message.body, digestOf(header));
      this.#voteForEverything(view, target);
    } else if (message.type === "vote" && message.body.target !== undefined) {
      this.#voteForEverything(message.body.view, message.body.target);
    } else if (message.type === "status") {
      this.#lieTo(from, message.body);
    } else if (message.type === "getHeader") {
      const header = this.#chain.header(message.body.digest);
      if (header !== undefined && this.#context.prng.chance(0.5)) {
        const { requestId } = message.body;
        this.#send(from, { type: "header", body: { requestId, header, refusal: undefined } });
      }
    }
    this.#lead();
  }

  #round(): void {
    const { prng, later } = this.#context;
    this.#lead();
    const view = this.#chain.view;
    if (prng.chance(0.3)) this.#vote("nullify", view, undefined);
    if (prng.chance(0.05)) this.#usurp(view);
    if (prng.chance(0.2)) {
      const past = Math.max(1, view - 1 - prng.below(6));
      const certificates = this.#chain.certificatesOf(past);
      if (certificates.length > 0) {
        this.#send(prng.below(this.#context.set.validators.length), {
          type: "certificate",
          body: prng.pick(certificates),
        });
      }
    }
    later(ROUND_MS, () => this.#round());
  }

  #voteForEverything(view: number, target: Target): void {
    const key = `${view} ${target.parentView} ${target.blockDigest}`;
    if (this.#votedFor.has(key)) return;
    this.#votedFor.add(key);
    this.#vote("notarize", view, target);
    this.#vote("nullify", view, undefined);
    this.#vote("finalize", view, target);
  }

  #vote(kind: VoteKind, view: number, target: Target | undefined): void {
    const { prng, epoch, chainId, index, later } = this.#context;
    const bare = { kind, epoch, view, target };
    const signature = this.#context.sign(voteStatement(chainId, bare));
    const vote: Vote = { ...bare, signer: index, signature };
    this.#chain.observeVote(vote);
    const delay = prng.chance(0.3) ? prng.below(MAX_HOARD_MS) : 0;
    later(delay, () => this.#toSome({ type: "vote", body: vote }));
  }

  /** Several blocks for one view, each for some. */
  #lead(): void {
    const { index, leaderOf, prng } = this.#context;
    const view = this.#chain.view;
    if (leaderOf(view) !== index || this.#ledView >= view) return;
    const bases = this.#chain.bases(view);
    if (bases.length === 0) return;
    this.#ledView = view;
    const variants = 1 + prng.below(MAX_VARIANTS);
    for (let variant = 0; variant < variants; variant++) {
      const base = prng.chance(0.8) ? bases[0] : prng.pick(bases);
      if (base !== undefined) this.#propose(view, base);
    }
  }

  /** A block for a view that another leads. */
  #usurp(view: number): void {
    const base = this.#chain.bases(view)[0];
    if (base !== undefined) this.#propose(view, base);
  }

  #propose(view: number, base: Base): void {
    const { prng, clockMs, parameters } = this.#context;
    const skew = prng.chance(0.2) ? prng.below(8_000) - 4_000 : prng.below(parameters.precisionMs);
    // A proposal that leaves one certificate out must be refused, not believed.
    const justification = prng.chance(0.1) ? base.justification.slice(1) : base.justification;
    const { message, target } = forgeProposal(this.#context, this.#chain, view, {
      base: { ...base, justification },
      timestampMs: Math.max(base.timestampMs + 1, clockMs() + skew),
      batchDigests: this.#chain.newestBatches(prng.below(3)),
      spoilsState: prng.chance(0.15),
      spoilsSignature: prng.chance(0.05),
    });
    this.#toSome(message);
    this.#voteForEverything(view, target);
  }

  /** Answers a starting peer at once: nothing seen, all is well. */
  #lieTo(peer: number, status: StatusBody): void {
    const { prng, clockMs, epoch } = this.#context;
    if (status.purpose === "answer" || prng.chance(0.5)) return;
    this.#send(peer, {
      type: "status",
      body: {
        epoch,
        view: prng.chance(0.5) ? 1 : this.#chain.view + prng.below(1_000),
        floorView: prng.below(this.#chain.view),
        floorHeight: prng.below(1_000_000),
        finalization: undefined,
        clockMs: clockMs() + prng.below(20_000),
        incarnation: 1,
        purpose: "answer",
        answerTo: status.incarnation,
        echoes: [],
      },
    });
  }

  #serveBatches(to: number, digests: readonly string[]): void {
    for (const digest of digests) {
      const batch = this.#chain.batch(digest);
      if (batch !== undefined && this.#context.prng.chance(0.5)) {
        this.#context.send(to, { type: "batch", batch });
      }
    }
  }

  #toSome(message: ConsensusMessage): void {
    for (let peer = 0; peer < this.#context.set.validators.length; peer++) {
      if (this.#context.prng.chance(0.5)) this.#send(peer, message);
    }
  }

  #send(to: number, message: ConsensusMessage): void {
    if (to !== this.#context.index) this.#context.send(to, { type: "consensus", message });
  }
}
