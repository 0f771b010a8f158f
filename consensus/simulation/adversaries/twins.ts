import type { Frame } from "../frames.ts";
import type { NodeModel } from "../node-model.ts";
import type { Adversary, AdversaryContext, CreateAdversary } from "./adversary.ts";

/** How long one pair lives before it is replaced by a new one with empty disks. */
const MIN_LIFE_MS = 400;
const MAX_LIFE_MS = 3_000;

/**
 * Two correct nodes that share one key and know nothing of each other, each shown to a part of the
 * network: the Twins of Bano et al. (arXiv 2004.10617). What they do wrong together a real operator
 * does by starting a stand-in beside the original. Each new pair has forgotten everything.
 */
export const createTwins: CreateAdversary = (context) => new Twins(context);

class Twins implements Adversary {
  readonly #context: AdversaryContext;
  #pair: readonly NodeModel[] = [];
  /** Peers that the first twin talks to; bit i for validator i. The rest belongs to the second. */
  #firstPeers = 0;
  #generation = 0;

  constructor(context: AdversaryContext) {
    this.#context = context;
  }

  start(): void {
    const { prng, later, spawnTwin, set, send } = this.#context;
    for (const twin of this.#pair) twin.crash();
    this.#generation += 1;
    this.#firstPeers = prng.below(2 ** set.validators.length);
    this.#pair = [0, 1].map((which) =>
      spawnTwin(`twin ${which} of pair ${this.#generation}`, (to, frame) => {
        if (this.#twinOf(to) === which) send(to, frame);
      }),
    );
    for (const [which, twin] of this.#pair.entries()) {
      twin.start();
      for (let peer = 0; peer < set.validators.length; peer++) {
        if (this.#twinOf(peer) === which && peer !== this.#context.index) twin.peerConnected(peer);
      }
    }
    later(MIN_LIFE_MS + prng.below(MAX_LIFE_MS - MIN_LIFE_MS), () => this.start());
  }

  receive(from: number, frame: Frame): void {
    this.#pair[this.#twinOf(from)]?.receive(from, forgetful(frame));
  }

  #twinOf(peer: number): number {
    return (this.#firstPeers & (1 << peer)) === 0 ? 1 : 0;
  }
}

/** Takes out what would remind a correct node of votes its former self has cast. */
function forgetful(frame: Frame): Frame {
  if (frame.type !== "consensus" || frame.message.type !== "status") return frame;
  const body = { ...frame.message.body, echoes: [] };
  return { type: "consensus", message: { type: "status", body } };
}
