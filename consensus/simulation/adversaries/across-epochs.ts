import type { ConsensusMessage } from "../../messages.ts";
import type { Certificate } from "../../types.ts";
import type { EpochDirectory } from "../epoch-directory.ts";
import type { Frame } from "../frames.ts";
import type { EpochStart } from "../world.ts";
import type { Adversary, AdversaryContext, CreateAdversary } from "./adversary.ts";

/** How long a former self goes on with an epoch that is over. */
const AFTERLIFE_MS = 3_000;

/** Certificates of an epoch that are kept for the next. */
const HEARD = 16;

export interface AcrossEpochsOptions {
  /** Of the participant, in participants' numbers; each epoch's own context is made from it. */
  readonly context: AdversaryContext;
  readonly participant: number;
  readonly epochs: EpochDirectory;
  readonly create: CreateAdversary;
  readonly leaderOf: (start: EpochStart, view: number) => number;
}

/**
 * One Byzantine participant through the epochs: a new self for each epoch that has it in its set,
 * which hears the messages of that epoch, while the former one goes on for some time with votes and
 * proposals of an epoch that others have left.
 */
export class AcrossEpochs implements Adversary {
  readonly #options: AcrossEpochsOptions;
  readonly #selves = new Map<number, Adversary>();
  #epoch = -1;
  /** The newest certificates of the epoch that goes on, and of the one before. */
  #heard: Certificate[] = [];
  #former: readonly Certificate[] = [];

  constructor(options: AcrossEpochsOptions) {
    this.#options = options;
  }

  start(): void {}

  begin(start: EpochStart): void {
    const { epochs, participant, context, create } = this.#options;
    this.#epoch = start.epoch;
    this.#former = this.#heard;
    this.#heard = [];
    const former = start.epoch - 1;
    context.later(context.prng.below(AFTERLIFE_MS), () => this.#selves.delete(former));
    if (epochs.indexOf(start.epoch, participant) === undefined) return;
    const self = create(this.#contextOf(start));
    this.#selves.set(start.epoch, self);
    self.start();
  }

  receive(from: number, frame: Frame): void {
    const { epochs } = this.#options;
    const epoch = frame.type === "consensus" ? epochOf(frame.message) : undefined;
    if (frame.type === "consensus" && frame.message.type === "certificate") {
      this.#heard.push(frame.message.body);
      if (this.#heard.length > HEARD) this.#heard.shift();
    }
    for (const [ofSelf, self] of this.#selves) {
      if (epoch !== undefined && epoch !== ofSelf) continue;
      if (epoch === undefined && ofSelf !== this.#epoch) continue;
      self.receive(epochs.peerOf(ofSelf, from), frame);
    }
  }

  #contextOf(start: EpochStart): AdversaryContext {
    const { context, epochs, participant, leaderOf } = this.#options;
    const { epoch } = start;
    return {
      ...context,
      index: epochs.peerOf(epoch, participant),
      set: epochs.of(epoch).set,
      epoch,
      genesis: start.anchor,
      genesisState: start.state,
      formerCertificates: () => this.#former,
      nextValidators: (height) => epochs.nextValidators(epoch, height),
      leaderOf: (view) => leaderOf(start, view),
      prng: context.prng.fork(`epoch ${epoch}`),
      later: (delayMs, run) =>
        context.later(delayMs, () => {
          if (this.#selves.has(epoch)) run();
        }),
      send: (to, frame) => {
        const receiver = epochs.participantOf(epoch, to);
        if (receiver !== participant && receiver < epochs.participants) {
          context.send(receiver, frame);
        }
      },
    };
  }
}

/** The epoch that a message is about; undefined for requests, which any epoch may answer. */
function epochOf(message: ConsensusMessage): number | undefined {
  switch (message.type) {
    case "proposal":
      return message.body.header.epoch;
    case "vote":
    case "certificate":
    case "evidence":
      return message.body.epoch;
    case "status":
      return message.body.finalization?.epoch ?? message.body.epoch;
    case "blocks":
      return message.body.headers[0]?.epoch;
    case "header":
      return message.body.header?.epoch;
    case "certificates":
      return message.body.certificates[0]?.epoch;
    case "getBlocks":
    case "getHeader":
    case "getCertificates":
      return undefined;
  }
}
