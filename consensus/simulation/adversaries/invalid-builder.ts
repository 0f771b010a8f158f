import { compareBytes, concatBytes } from "../../../primitives/bytes.ts";
import type { Evidence } from "../../evidence.ts";
import type { BlockHeader } from "../../header.ts";
import { statementBytes } from "../../statements.ts";
import { hashText } from "../toy-application.ts";
import type { CreateAdversary } from "./adversary.ts";
import { Follower } from "./follower.ts";
import { forgeHeader, signProposal } from "./forged-proposal.ts";
import type { Base } from "./observed-chain.ts";

/**
 * Builds blocks that are wrong in exactly one way, and shows each to everybody with good signatures
 * and a good justification: a wrong state or receipts root, height, parent, proposer, chain, epoch,
 * time or version, a batch twice or one that nobody has, next validators where none belong, evidence
 * against the innocent.
 */
export const createInvalidBuilder: CreateAdversary = (context) => new InvalidBuilder(context);

type Flaw = (header: BlockHeader) => BlockHeader;

class InvalidBuilder extends Follower {
  protected override lead(view: number, base: Base): void {
    const { prng, clockMs } = this.context;
    const sound = forgeHeader(this.context, this.chain, {
      base,
      timestampMs: Math.max(base.timestampMs + 1, clockMs()),
      batchDigests: this.chain.newestBatches(prng.below(3)),
      spoilsState: false,
      spoilsSignature: false,
    });
    // Now and then a good one: nobody may learn to expect the bad.
    const header = prng.chance(0.2) ? sound : prng.pick(this.#flaws(view))(sound);
    const { message, target } = signProposal(this.context, this.chain, view, base, header);
    this.toAll(message);
    this.voteFor(view, target);
  }

  #flaws(view: number): readonly Flaw[] {
    const { index, set, prng } = this.context;
    const other = (index + 1) % set.validators.length;
    const stranger = hashText(`nothing ${prng.nextUint32()}`);
    return [
      (header) => ({ ...header, stateRoot: stranger }),
      (header) => ({ ...header, receiptsRoot: stranger }),
      (header) => ({ ...header, height: header.height + 1 }),
      (header) => ({ ...header, height: Math.max(1, header.height - 1) }),
      (header) => ({ ...header, parentDigest: stranger }),
      (header) => ({ ...header, proposer: other }),
      (header) => ({ ...header, chainId: stranger }),
      (header) => ({ ...header, epoch: header.epoch + 1 }),
      (header) => ({ ...header, version: header.version + 1 }),
      (header) => ({ ...header, timestampMs: header.timestampMs - 1_000_000 }),
      (header) => ({ ...header, timestampMs: header.timestampMs + 1_000_000 }),
      (header) => ({ ...header, batchDigests: [...header.batchDigests, stranger] }),
      (header) => ({ ...header, batchDigests: [...header.batchDigests, ...header.batchDigests] }),
      (header) => ({
        ...header,
        nextValidators: header.nextValidators === undefined ? stranger : undefined,
      }),
      (header) => ({ ...header, evidence: [this.#slander(view, other)] }),
      (header) => ({ ...header, evidence: [this.#confession(view), this.#confession(view)] }),
    ];
  }

  /** A contradiction that another is said to have signed. */
  #slander(view: number, signer: number): Evidence {
    return { ...this.#confession(view), signer };
  }

  /** A contradiction of this node itself: as such good evidence, but only once. */
  #confession(view: number): Evidence {
    const { chainId, epoch, index, sign } = this.context;
    const bodies = ["one", "other"].map((name) =>
      statementBytes("notarize", chainId, epoch, view, {
        parentView: view - 1,
        parentDigest: hashText("parent"),
        blockDigest: hashText(name),
      }),
    );
    const [first = concatBytes(), second = concatBytes()] = bodies.sort(compareBytes);
    return {
      signer: index,
      epoch,
      view,
      first: { statement: first, signature: sign(first) },
      second: { statement: second, signature: sign(second) },
    };
  }
}
