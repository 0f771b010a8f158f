import type { Certificate } from "../../types.ts";
import type { CreateAdversary } from "./adversary.ts";
import { Follower } from "./follower.ts";
import { forgeProposal } from "./forged-proposal.ts";
import type { Base } from "./observed-chain.ts";

/**
 * Justifies its proposals with what proves nothing here: certificates of the epoch before, as they
 * are or with this epoch's number written over theirs, certificates of other views, too many, the
 * same one again and again, or none. It also passes the old certificates on as news.
 */
export const createOldEpochLeader: CreateAdversary = (context) => new OldEpochLeader(context);

class OldEpochLeader extends Follower {
  protected override lead(view: number, base: Base): void {
    const { prng, clockMs } = this.context;
    const justification = prng.chance(0.2) ? base.justification : this.#unfit(view, base);
    const { message, target } = forgeProposal(this.context, this.chain, view, {
      base: { ...base, justification },
      timestampMs: Math.max(base.timestampMs + 1, clockMs()),
      batchDigests: this.chain.newestBatches(prng.below(3)),
      spoilsState: false,
      spoilsSignature: false,
    });
    this.toAll(message);
    for (const certificate of this.context.formerCertificates().slice(0, 2)) {
      this.toAll({ type: "certificate", body: certificate });
      this.toAll({ type: "certificate", body: this.#renumbered(certificate) });
    }
    this.voteFor(view, target);
  }

  #unfit(view: number, base: Base): readonly Certificate[] {
    const { prng } = this.context;
    const former = this.context.formerCertificates();
    const { justification } = base;
    switch (prng.below(6)) {
      case 0:
        return former;
      case 1:
        return former.map((certificate) => this.#renumbered(certificate));
      case 2:
        return [...justification, ...former];
      case 3:
        return justification.flatMap((certificate) => [certificate, certificate]);
      case 4:
        return this.chain.certificatesOf(Math.max(1, view - 2));
      default:
        return justification.map((certificate) => this.#renumbered(certificate));
    }
  }

  /** The signatures are over another number, and must be found wanting. */
  #renumbered(certificate: Certificate): Certificate {
    const { epoch } = this.context;
    const other = certificate.epoch === epoch ? Math.max(0, epoch - 1) : epoch;
    return { ...certificate, epoch: other };
  }
}
