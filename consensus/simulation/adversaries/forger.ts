import type { ConsensusMessage, ProposalBody, StatusBody } from "../../messages.ts";
import { voteStatement } from "../../statements.ts";
import type { Certificate, Vote, VoteKind } from "../../types.ts";
import type { Frame } from "../frames.ts";
import { hashText } from "../toy-application.ts";
import type { Adversary, AdversaryContext, CreateAdversary } from "./adversary.ts";
import { ObservedChain } from "./observed-chain.ts";

/** Chance that a message that comes in goes out again, forged. */
const FORGE_CHANCE = 0.3;

const KINDS: readonly VoteKind[] = ["notarize", "nullify", "finalize"];

/**
 * Puts words into others' mouths: votes in other names, certificates of another kind, view or block,
 * with a signature changed or a signer added, proposals with another body or without their proof,
 * replies nobody asked for, a peer's own votes made up. It never votes itself. All of it must die at
 * the signature check or in the structure checks of the core.
 */
export const createForger: CreateAdversary = (context) => new Forger(context);

class Forger implements Adversary {
  readonly #context: AdversaryContext;
  readonly #chain: ObservedChain;

  constructor(context: AdversaryContext) {
    this.#context = context;
    this.#chain = new ObservedChain(context);
  }

  start(): void {}

  receive(from: number, frame: Frame): void {
    if (frame.type !== "consensus") return;
    const { message } = frame;
    this.#chain.observeMessage(message);
    if (!this.#context.prng.chance(FORGE_CHANCE)) return;
    for (const forged of this.#forge(from, message)) {
      const to = this.#context.prng.chance(0.5) ? from : this.#anyone();
      if (to !== this.#context.index) {
        this.#context.send(to, { type: "consensus", message: forged });
      }
    }
  }

  #forge(from: number, message: ConsensusMessage): readonly ConsensusMessage[] {
    switch (message.type) {
      case "vote":
        return [{ type: "vote", body: this.#forgeVote(message.body) }];
      case "certificate":
        return [{ type: "certificate", body: this.#forgeCertificate(message.body) }];
      case "proposal":
        return [{ type: "proposal", body: this.#forgeProposal(message.body) }];
      case "status":
        return [{ type: "status", body: this.#forgeStatus(from, message.body) }];
      case "getCertificates": {
        const real = this.#chain.certificatesOf(Math.max(1, this.#chain.view - 1));
        const certificates = real.map((each) => this.#forgeCertificate(each));
        const { requestId } = message.body;
        return [
          { type: "certificates", body: { requestId, certificates, refusal: undefined } },
          { type: "certificates", body: { requestId, certificates: [], refusal: undefined } },
        ];
      }
      case "getBlocks": {
        const { requestId } = message.body;
        return [
          {
            type: "blocks",
            body: { requestId, headers: [], finalization: undefined, refusal: undefined },
          },
        ];
      }
      case "getHeader": {
        const header = this.#chain.header(message.body.digest);
        if (header === undefined) return [];
        const forged = { ...header, timestampMs: header.timestampMs + 1 };
        const { requestId } = message.body;
        return [{ type: "header", body: { requestId, header: forged, refusal: undefined } }];
      }
      case "blocks": {
        const { headers } = message.body;
        const forged = headers.map((header) => ({ ...header, stateRoot: hashText("forged") }));
        return [{ type: "blocks", body: { ...message.body, headers: forged } }];
      }
      case "header":
      case "certificates":
      case "evidence":
        return [message];
    }
  }

  #forgeVote(vote: Vote): Vote {
    const { prng, set } = this.#context;
    switch (prng.below(4)) {
      case 0:
        return { ...vote, signer: prng.below(set.validators.length) };
      case 1:
        return { ...vote, view: vote.view + 1 + prng.below(100) };
      case 2:
        return { ...vote, kind: "nullify", target: undefined };
      default:
        return { ...vote, signature: this.#ownSignature(vote) };
    }
  }

  /** A signature that is valid, but of another key than the one it claims. */
  #ownSignature(vote: Pick<Vote, "kind" | "epoch" | "view" | "target">): Uint8Array {
    return this.#context.sign(voteStatement(this.#context.chainId, vote));
  }

  #forgeCertificate(certificate: Certificate): Certificate {
    const { prng, set } = this.#context;
    const { target } = certificate;
    switch (prng.below(7)) {
      case 0: {
        const kind = prng.pick(KINDS);
        return { ...certificate, kind, target: kind === "nullify" ? undefined : target };
      }
      case 1:
        return { ...certificate, view: certificate.view + 1 + prng.below(3) };
      case 2: {
        if (target === undefined) return { ...certificate, epoch: certificate.epoch - 1 };
        const other = { ...target, blockDigest: hashText("another block") };
        return { ...certificate, target: other };
      }
      case 3: {
        const changed = prng.below(certificate.signatures.length);
        const own = this.#ownSignature(certificate);
        const signatures = certificate.signatures.map((each, i) => (i === changed ? own : each));
        return { ...certificate, signatures };
      }
      case 4:
        return { ...certificate, signers: 2 ** set.validators.length - 1 };
      case 5:
        return repeatSigner(certificate, set.validators.length);
      default: {
        const own = this.#ownSignature(certificate);
        const signatures = set.validators.map(() => own);
        return { ...certificate, signers: 2 ** set.validators.length - 1, signatures };
      }
    }
  }

  #forgeProposal(body: ProposalBody): ProposalBody {
    const { prng } = this.#context;
    const { header, justification } = body;
    switch (prng.below(5)) {
      case 0:
        return { ...body, header: { ...header, timestampMs: header.timestampMs + 1 } };
      case 1:
        return { ...body, justification: [] };
      case 2:
        return { ...body, view: body.view + 1 };
      case 3:
        return {
          ...body,
          justification: justification.map((each) => this.#forgeCertificate(each)),
        };
      default:
        return { ...body, parentView: Math.max(0, body.parentView - 1) };
    }
  }

  /** A status that claims a finalization and votes of the receiver that never were. */
  #forgeStatus(from: number, status: StatusBody): StatusBody {
    const { finalization, epoch } = status;
    const bare = { kind: "nullify" as const, epoch, view: this.#chain.view, target: undefined };
    return {
      ...status,
      purpose: "answer",
      answerTo: status.incarnation,
      finalization: finalization === undefined ? undefined : this.#forgeCertificate(finalization),
      echoes: [{ ...bare, signer: from, signature: this.#ownSignature(bare) }],
    };
  }

  #anyone(): number {
    return this.#context.prng.below(this.#context.set.validators.length);
  }
}

/** One signer's signature stands for another's as well, whose bit is set: it is to count twice. */
function repeatSigner(certificate: Certificate, size: number): Certificate {
  const { signers, signatures } = certificate;
  const absent = Array.from({ length: size }, (_, i) => i).find((i) => (signers & (1 << i)) === 0);
  const [first] = signatures;
  if (absent === undefined || first === undefined) return certificate;
  const before = signers & ((1 << absent) - 1);
  let place = 0;
  for (let i = 0; i < absent; i++) if ((before & (1 << i)) !== 0) place += 1;
  const repeated = [...signatures.slice(0, place), first, ...signatures.slice(place)];
  return { ...certificate, signers: signers | (1 << absent), signatures: repeated };
}
