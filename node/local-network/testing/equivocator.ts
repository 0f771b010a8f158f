import { randomBytes } from "node:crypto";
import { type BlockHeader, HEADER_VERSION, headerDigest } from "../../../consensus/header.ts";
import { leaderOf, leaderSchedule } from "../../../consensus/leader.ts";
import {
  type ConsensusMessage,
  decodeMessage,
  encodeMessage,
  type ProposalBody,
  proposalTarget,
} from "../../../consensus/messages.ts";
import { statementBytes, voteStatement } from "../../../consensus/statements.ts";
import type { Certificate, Target } from "../../../consensus/types.ts";
import { toHex } from "../../../primitives/bytes.ts";
import type { Signer } from "../../../primitives/ed25519/signer.ts";
import { FrameKind, type MessageKind } from "../../net/frame.ts";
import type { Mesh } from "../../net/mesh.ts";
import type { LocalNetwork } from "../network-files.ts";
import { consensusSignerOf, meshOf } from "./impersonation.ts";

/** How the keys of a validator are misused. */
export type Mischief =
  /** In every view it votes for the leader's block and for one that does not exist. */
  | "votes"
  /** In every view that it leads it proposes two blocks, and everybody gets both. */
  | "proposals";

/** Headers by which it knows what to build on; a view is over long before so many more. */
const MAX_HEADERS = 64;

/**
 * A Byzantine validator in this process: it holds the true keys of one validator of epoch 0, speaks
 * to the others through a mesh of its own, and contradicts itself under valid signatures.
 */
export class Equivocator {
  readonly #mesh: Mesh;
  readonly #signer: Signer;
  readonly #chainId: string;
  readonly #self: number;
  readonly #peers: readonly number[];
  readonly #schedule: readonly number[];
  readonly #mischief: Mischief;
  readonly #headers = new Map<string, BlockHeader>();
  readonly #views = new Set<number>();

  private constructor(
    mesh: Mesh,
    signer: Signer,
    facts: { chainId: string; self: number; count: number; mischief: Mischief },
  ) {
    const { chainId, self, count } = facts;
    this.#mesh = mesh;
    this.#signer = signer;
    this.#chainId = chainId;
    this.#self = self;
    this.#peers = Array.from({ length: count }, (_, i) => i).filter((i) => i !== self);
    this.#schedule = leaderSchedule(chainId, 0, chainId, count);
    this.#mischief = facts.mischief;
  }

  /** In place of the validator with this index, whose own process must not run. */
  static async start(
    network: LocalNetwork,
    self: number,
    mischief: Mischief,
  ): Promise<Equivocator> {
    const mesh = await meshOf(network, self);
    const signer = await consensusSignerOf(network, self);
    const count = network.validators.length;
    const facts = { chainId: network.chainId, self, count, mischief };
    const equivocator = new Equivocator(mesh, signer, facts);
    mesh.onFrame((_, kind, payload) => equivocator.#onFrame(kind, payload));
    await mesh.start();
    return equivocator;
  }

  /** Views in which it has contradicted itself. */
  get views(): readonly number[] {
    return [...this.#views];
  }

  async stop(): Promise<void> {
    await this.#mesh.stop(1_000);
  }

  #onFrame(kind: MessageKind, payload: Uint8Array): void {
    if (kind >= FrameKind.batch) return;
    const message = decodeMessage(payload);
    if (message.type === "proposal") this.#onProposal(message.body);
    else if (message.type === "certificate") this.#onCertificate(message.body);
  }

  #onProposal(body: ProposalBody): void {
    const { header, view } = body;
    const digest = headerDigest(header);
    this.#headers.set(digest, header);
    const [oldest] = this.#headers.keys();
    if (this.#headers.size > MAX_HEADERS && oldest !== undefined) this.#headers.delete(oldest);
    if (this.#mischief !== "votes" || this.#views.has(view)) return;
    this.#views.add(view);
    const target = proposalTarget(body, digest);
    for (const blockDigest of [digest, toHex(new Uint8Array(randomBytes(32)))]) {
      const vote = {
        kind: "notarize",
        epoch: 0,
        view,
        target: { ...target, blockDigest },
      } as const;
      const signature = this.#signer.sign(voteStatement(this.#chainId, vote));
      const message = { type: "vote", body: { ...vote, signer: this.#self, signature } } as const;
      for (const peer of this.#peers) this.#send(peer, message);
    }
  }

  /** The view after a notarized one begins: if it is ours, there are two blocks. */
  #onCertificate(parent: Certificate): void {
    const view = parent.view + 1;
    const isOurs = leaderOf(this.#schedule, view) === this.#self;
    if (this.#mischief !== "proposals" || parent.kind !== "notarize" || !isOurs) return;
    const header = this.#headers.get(parent.target?.blockDigest ?? "");
    if (header === undefined || header.nextValidators !== undefined) return;
    if (this.#views.has(view)) return;
    this.#views.add(view);
    const proposals = [1, 2].map((step) => this.#proposal(view, parent, header, step));
    // Each of the others sees another one first.
    for (const peer of this.#peers) {
      const inOrder = peer % 2 === 0 ? proposals : proposals.toReversed();
      for (const message of inOrder) this.#send(peer, message);
    }
  }

  #proposal(
    view: number,
    certificate: Certificate,
    parent: BlockHeader,
    step: number,
  ): ConsensusMessage {
    const header: BlockHeader = {
      version: HEADER_VERSION,
      chainId: this.#chainId,
      epoch: 0,
      height: parent.height + 1,
      parentDigest: headerDigest(parent),
      proposer: this.#self,
      timestampMs: Math.max(Date.now(), parent.timestampMs) + step,
      batchDigests: [],
      stateRoot: parent.stateRoot,
      receiptsRoot: parent.receiptsRoot,
      evidence: [],
      nextValidators: undefined,
    };
    const bare = {
      view,
      parentView: certificate.view,
      header,
      justification: [certificate],
      closingCopy: false,
    };
    const empty = { proposalSignature: new Uint8Array(64), notarizeSignature: new Uint8Array(64) };
    const target = proposalTarget({ ...bare, ...empty }, headerDigest(header));
    const body: ProposalBody = {
      ...bare,
      proposalSignature: this.#sign("proposal", view, target),
      notarizeSignature: this.#sign("notarize", view, target),
    };
    return { type: "proposal", body };
  }

  #sign(kind: "proposal" | "notarize", view: number, target: Target): Uint8Array {
    return this.#signer.sign(statementBytes(kind, this.#chainId, 0, view, target));
  }

  #send(peer: number, message: ConsensusMessage): void {
    this.#mesh.send(peer, FrameKind[message.type], encodeMessage(message));
  }
}
