import type { ConsensusMessage } from "../messages.ts";
import type { Vote } from "../types.ts";
import type { EpochDirectory } from "./epoch-directory.ts";
import { targetKey } from "./statement-reader.ts";

/** Votes of one signer in one view, as one honest node heard them. */
interface Heard {
  readonly notarize: Set<string>;
  readonly finalize: Set<string>;
  nullify: boolean;
}

/**
 * Who contradicts itself before one and the same honest node must be convicted on the chain: L8. A
 * contradiction that is spread over several nodes, none of which heard both halves, proves nothing
 * to anybody yet.
 */
export class ContradictionWatch {
  readonly #epochs: EpochDirectory;
  readonly #honest: readonly number[];
  readonly #heard = new Map<string, Heard>();
  readonly #owed = new Set<string>();
  readonly #convicted = new Set<string>();
  #watching = false;

  constructor(epochs: EpochDirectory, honest: readonly number[]) {
    this.#epochs = epochs;
    this.#honest = honest;
  }

  begin(): void {
    this.#watching = true;
  }

  /** A voting node takes in a message whose signatures are good. */
  heard(node: number, message: ConsensusMessage): void {
    if (!this.#watching || message.type !== "vote") return;
    const vote = message.body;
    if (this.#honest.includes(this.#epochs.participantOf(vote.epoch, vote.signer))) return;
    const key = `${node}:${vote.epoch}:${vote.view}:${vote.signer}`;
    const heard = this.#heard.get(key) ?? {
      notarize: new Set<string>(),
      finalize: new Set<string>(),
      nullify: false,
    };
    this.#heard.set(key, heard);
    if (contradicts(heard, vote)) this.#owed.add(`${vote.epoch}:${vote.signer}`);
  }

  convicted(epoch: number, signer: number): void {
    this.#convicted.add(`${epoch}:${signer}`);
  }

  /** "epoch:signer" of those that are still to be convicted. */
  get unpunished(): readonly string[] {
    return [...this.#owed].filter((each) => !this.#convicted.has(each));
  }
}

/** Adds the vote; true where the signer has contradicted itself by now. */
function contradicts(heard: Heard, { kind, target }: Vote): boolean {
  if (kind === "nullify") heard.nullify = true;
  else heard[kind].add(targetKey(target));
  const both = heard.nullify && heard.finalize.size > 0;
  return both || heard.notarize.size > 1 || heard.finalize.size > 1;
}
