import { type BlockHeader, headerDigest } from "../../../consensus/header.ts";
import {
  type ConsensusMessage,
  decodeMessage,
  encodeMessage,
} from "../../../consensus/messages.ts";
import { voteStatement } from "../../../consensus/statements.ts";
import type { Certificate } from "../../../consensus/types.ts";
import { invariant } from "../../../primitives/assert.ts";
import type { Signer } from "../../../primitives/ed25519/signer.ts";
import { FrameKind, type MessageKind } from "../../net/frame.ts";
import type { Mesh } from "../../net/mesh.ts";
import type { LocalNetwork } from "../network-files.ts";
import { consensusSignerOf, meshOf } from "./impersonation.ts";

/** How often the finalization is offered until somebody has taken it. */
const OFFER_MS = 200;

/**
 * Every validator but one, in one process and of one evil mind: it holds their true keys, makes a
 * first block of its own final under the signatures of a quorum, and serves it to the one.
 */
export class FalseQuorum {
  readonly #mesh: Mesh;
  readonly #header: BlockHeader;
  readonly #finalization: Certificate;
  readonly #offers: NodeJS.Timeout;

  private constructor(mesh: Mesh, header: BlockHeader, finalization: Certificate) {
    this.#mesh = mesh;
    this.#header = header;
    this.#finalization = finalization;
    this.#offers = setInterval(() => this.#offer(), OFFER_MS);
  }

  /** Speaks to `honest` as its neighbour in the genesis order. */
  static async start(
    network: LocalNetwork,
    honest: number,
    header: BlockHeader,
  ): Promise<FalseQuorum> {
    invariant(header.height === 1, "the chain of a false quorum has one block");
    const all = [...network.validators.keys()];
    const others = all.filter((index) => index !== honest);
    const signers = await Promise.all(others.map((index) => consensusSignerOf(network, index)));
    const finalization = certificateOf(network.chainId, header, others, signers);
    const mesh = await meshOf(network, (honest + 1) % all.length);
    const quorum = new FalseQuorum(mesh, header, finalization);
    mesh.onFrame((from, kind, payload) => quorum.#onFrame(from, kind, payload));
    await mesh.start();
    return quorum;
  }

  async stop(): Promise<void> {
    clearInterval(this.#offers);
    await this.#mesh.stop(1_000);
  }

  #offer(): void {
    const message = { type: "certificate", body: this.#finalization } as const;
    this.#mesh.broadcast(FrameKind.certificate, encodeMessage(message));
  }

  #onFrame(from: number, kind: MessageKind, payload: Uint8Array): void {
    if (kind >= FrameKind.batch) return;
    const message = decodeMessage(payload);
    if (message.type === "getHeader") {
      const { requestId } = message.body;
      const body = { requestId, header: this.#header, refusal: undefined };
      this.#send(from, { type: "header", body });
    } else if (message.type === "getBlocks") {
      const { requestId } = message.body;
      const finalization = this.#finalization;
      const body = { requestId, headers: [this.#header], finalization, refusal: undefined };
      this.#send(from, { type: "blocks", body });
    }
  }

  #send(peer: number, message: ConsensusMessage): void {
    this.#mesh.send(peer, FrameKind[message.type], encodeMessage(message));
  }
}

function certificateOf(
  chainId: string,
  header: BlockHeader,
  indexes: readonly number[],
  signers: readonly Signer[],
): Certificate {
  const target = {
    parentView: 0,
    parentDigest: header.parentDigest,
    blockDigest: headerDigest(header),
  };
  const vote = { kind: "finalize", epoch: 0, view: 1, target } as const;
  return {
    ...vote,
    signers: indexes.reduce((bits, index) => bits | (1 << index), 0),
    signatures: signers.map((signer) => signer.sign(voteStatement(chainId, vote))),
  };
}
