import type { BlockHeader } from "../../header.ts";
import { type ConsensusMessage, proposalTarget } from "../../messages.ts";
import { type ValidatorSet, weightOf } from "../../quorum.ts";
import type { Anchor, Certificate, Target, Vote } from "../../types.ts";
import { digestOf } from "../digest-memo.ts";
import { targetKey } from "../statement-reader.ts";
import { batchDigest, execute, type ToyBatch, type ToyState } from "../toy-application.ts";
import type { AdversaryContext } from "./adversary.ts";

interface Tally {
  readonly vote: Vote;
  readonly signatures: Map<number, Uint8Array>;
}

export interface Base {
  readonly view: number;
  readonly digest: string;
  readonly state: ToyState;
  readonly timestampMs: number;
  readonly justification: readonly Certificate[];
  /** The header of the base, where the epoch ends with it. */
  readonly closing: BlockHeader | undefined;
}

/** Views behind the newest whose votes an adversary keeps. */
const VIEWS_KEPT = 256;

/**
 * All that an attentive Byzantine node learns from the traffic: votes, certificates that honest
 * nodes made or that it can make itself, blocks and their states. It believes everything.
 */
export class ObservedChain {
  readonly #set: ValidatorSet;
  readonly #genesis: Anchor;
  readonly #genesisState: ToyState;
  readonly #tallies = new Map<string, Tally>();
  readonly #certificates = new Map<number, Map<string, Certificate>>();
  readonly #headers = new Map<string, BlockHeader>();
  readonly #batches = new Map<string, ToyBatch>();
  readonly #states = new Map<string, ToyState>();
  /** One above the highest certified view. */
  view = 1;

  constructor(context: Pick<AdversaryContext, "set" | "genesis" | "genesisState">) {
    this.#set = context.set;
    this.#genesis = context.genesis;
    this.#genesisState = context.genesisState;
    this.#states.set(context.genesis.digest, context.genesisState);
  }

  observeMessage(message: ConsensusMessage): void {
    switch (message.type) {
      case "proposal": {
        const { view, header, notarizeSignature, justification } = message.body;
        for (const certificate of justification) this.observeCertificate(certificate);
        const digest = this.observeHeader(header);
        this.observeVote({
          kind: "notarize",
          epoch: header.epoch,
          view,
          target: proposalTarget(message.body, digest),
          signer: header.proposer,
          signature: notarizeSignature,
        });
        return;
      }
      case "vote":
        this.observeVote(message.body);
        return;
      case "certificate":
        this.observeCertificate(message.body);
        return;
      case "certificates":
        for (const certificate of message.body.certificates) this.observeCertificate(certificate);
        return;
      case "status":
        if (message.body.finalization !== undefined) {
          this.observeCertificate(message.body.finalization);
        }
        return;
      case "header":
        if (message.body.header !== undefined) this.observeHeader(message.body.header);
        return;
      case "blocks":
        for (const header of message.body.headers) this.observeHeader(header);
        return;
      case "getBlocks":
      case "getHeader":
      case "getCertificates":
      case "evidence":
        return;
    }
  }

  observeBatch(batch: ToyBatch): void {
    this.#batches.set(batchDigest(batch), batch);
  }

  observeHeader(header: BlockHeader): string {
    const digest = digestOf(header);
    this.#headers.set(digest, header);
    return digest;
  }

  observeVote(vote: Vote): void {
    if (vote.view + VIEWS_KEPT < this.view) return;
    const key = `${vote.kind} ${vote.view} ${targetKey(vote.target)}`;
    const tally = this.#tallies.get(key) ?? { vote, signatures: new Map<number, Uint8Array>() };
    this.#tallies.set(key, tally);
    tally.signatures.set(vote.signer, vote.signature);
    const certificate = certify(tally, this.#set);
    if (certificate !== undefined) this.observeCertificate(certificate);
  }

  observeCertificate(certificate: Certificate): void {
    const { kind, view, target } = certificate;
    const known = this.#certificates.get(view) ?? new Map<string, Certificate>();
    this.#certificates.set(view, known);
    const key = `${kind} ${targetKey(target)}`;
    if (!known.has(key)) known.set(key, certificate);
    if (view < this.view) return;
    this.view = view + 1;
    for (const [tallyKey, { vote }] of this.#tallies) {
      if (vote.view + VIEWS_KEPT < this.view) this.#tallies.delete(tallyKey);
    }
  }

  header(digest: string): BlockHeader | undefined {
    return this.#headers.get(digest);
  }

  batch(digest: string): ToyBatch | undefined {
    return this.#batches.get(digest);
  }

  /** Digests of the newest batches, at most `count`. */
  newestBatches(count: number): readonly string[] {
    return [...this.#batches.keys()].slice(Math.max(0, this.#batches.size - count));
  }

  certificatesOf(view: number): readonly Certificate[] {
    return [...(this.#certificates.get(view)?.values() ?? [])];
  }

  /** Blocks on which a justified proposal of `view` can stand, the highest first. */
  bases(view: number): readonly Base[] {
    const found: Base[] = [];
    const skipped: Certificate[] = [];
    for (let below = view - 1; below >= 0; below--) {
      if (below === 0) {
        const { digest, timestampMs } = this.#genesis;
        found.push({
          view: 0,
          digest,
          state: this.#genesisState,
          closing: undefined,
          timestampMs,
          justification: [...skipped],
        });
        break;
      }
      const here = this.certificatesOf(below);
      const certified = here.filter(({ kind }) => kind !== "nullify");
      for (const certificate of certified) {
        const base = this.#baseOf(certificate, skipped);
        if (base !== undefined) found.push(base);
      }
      const nullification = here.find(({ kind }) => kind === "nullify");
      if (nullification === undefined) break;
      skipped.push(nullification);
    }
    return found;
  }

  /**
   * Certified blocks of the `depth` views below, whether or not the views between are nullified: a
   * proposal on one passes over blocks that may be final. The proof is what there is of it.
   */
  leaps(view: number, depth: number): readonly Base[] {
    const found: Base[] = [];
    const skipped: Certificate[] = [];
    for (let below = view - 1; below >= Math.max(1, view - depth); below--) {
      const here = this.certificatesOf(below);
      for (const certificate of here) {
        const base =
          certificate.kind === "nullify" ? undefined : this.#baseOf(certificate, skipped);
        if (base !== undefined) found.push(base);
      }
      skipped.push(...here.filter(({ kind }) => kind === "nullify"));
    }
    return found;
  }

  /** State after a block, executed as far as its bodies are known. */
  stateOf(digest: string): ToyState | undefined {
    const known = this.#states.get(digest);
    if (known !== undefined) return known;
    const header = this.#headers.get(digest);
    if (header === undefined) return undefined;
    const parent = this.stateOf(header.parentDigest);
    if (parent === undefined) return undefined;
    const state = this.execute(parent, header.batchDigests);
    if (state !== undefined) this.#states.set(digest, state);
    return state;
  }

  execute(parent: ToyState, batchDigests: readonly string[]): ToyState | undefined {
    const batches: ToyBatch[] = [];
    for (const digest of batchDigests) {
      const batch = this.#batches.get(digest);
      if (batch === undefined) return undefined;
      batches.push(batch);
    }
    return execute(parent, batches, () => false);
  }

  #baseOf(certificate: Certificate, skipped: readonly Certificate[]): Base | undefined {
    const target: Target | undefined = certificate.target;
    if (target === undefined) return undefined;
    const header = this.#headers.get(target.blockDigest);
    const state = this.stateOf(target.blockDigest);
    if (header === undefined || state === undefined) return undefined;
    return {
      view: certificate.view,
      digest: target.blockDigest,
      state,
      timestampMs: header.timestampMs,
      justification: [certificate, ...skipped],
      closing: header.nextValidators === undefined ? undefined : header,
    };
  }
}

function certify(tally: Tally, set: ValidatorSet): Certificate | undefined {
  let weight = 0;
  for (const signer of tally.signatures.keys()) weight += weightOf(set, signer);
  if (weight < set.quorum) return undefined;
  const { kind, epoch, view, target } = tally.vote;
  let signers = 0;
  const signatures: Uint8Array[] = [];
  for (let i = 0; i < set.validators.length; i++) {
    const signature = tally.signatures.get(i);
    if (signature === undefined) continue;
    signers |= 1 << i;
    signatures.push(signature);
  }
  return { kind, epoch, view, target, signers, signatures };
}
