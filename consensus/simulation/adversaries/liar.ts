import type { ConsensusMessage, StatusBody } from "../../messages.ts";
import { voteStatement } from "../../statements.ts";
import type { CreateAdversary } from "./adversary.ts";
import { Follower } from "./follower.ts";
import type { Base } from "./observed-chain.ts";

/** Pause between two lies that nobody asked for, ms. */
const ROUND_MS = 400;

/**
 * Lies about where it stands, in everything a Status says: epoch, view, floor and height, clock and
 * incarnation; it answers questions of others, with echoes that are not the receiver's, and asks as
 * if it had just started or stood still. It votes like a correct node and leads no view.
 */
export const createLiar: CreateAdversary = (context) => new Liar(context);

class Liar extends Follower {
  override start(): void {
    super.start();
    this.context.later(this.context.prng.below(ROUND_MS), () => this.#round());
  }

  /** Its views are lost: a silent leader is the least of it. */
  protected override lead(_view: number, _base: Base): void {}

  protected override react(from: number, message: ConsensusMessage): void {
    if (message.type !== "status" || message.body.purpose === "answer") return;
    this.send(from, { type: "status", body: this.#lie("answer", message.body.incarnation) });
  }

  #round(): void {
    const { prng, later } = this.context;
    this.toAll({
      type: "status",
      body: this.#lie(prng.pick(["periodic", "starting", "standstill", "answer"] as const), 1),
    });
    later(ROUND_MS, () => this.#round());
  }

  #lie(purpose: StatusBody["purpose"], answerTo: number): StatusBody {
    const { prng, epoch, clockMs } = this.context;
    const { view } = this.chain;
    const certificates = this.chain.certificatesOf(Math.max(1, view - 1 - prng.below(4)));
    return {
      epoch: prng.chance(0.8) ? epoch : epoch + prng.below(3),
      view: prng.pick([1, view, view + prng.below(1_000), 2 ** 50]),
      floorView: prng.pick([0, view, 2 ** 50]),
      floorHeight: prng.pick([0, 1_000_000, 2 ** 50]),
      finalization: certificates.find(({ kind }) => kind === "finalize"),
      clockMs: Math.max(0, clockMs() + prng.below(60_000) - 30_000),
      incarnation: prng.below(100),
      purpose,
      answerTo: prng.chance(0.8) ? answerTo : prng.below(100),
      echoes: prng.chance(0.2) ? [this.#foreignEcho(view)] : [],
    };
  }

  /** A vote of its own, as if the receiver had signed it. */
  #foreignEcho(view: number): StatusBody["echoes"][number] {
    const { chainId, epoch, index, sign } = this.context;
    const bare = { kind: "nullify" as const, epoch, view, target: undefined };
    return { ...bare, signer: index, signature: sign(voteStatement(chainId, bare)) };
  }
}
