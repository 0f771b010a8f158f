import { encode } from "../../../primitives/codec/codec.ts";
import { bytesUpTo } from "../../../primitives/codec/schema.ts";
import type { BlockHeader } from "../../header.ts";
import { MAX_BLOCKS_PER_REPLY } from "../../limits.ts";
import { type ConsensusMessage, encodeMessage } from "../../messages.ts";
import type { Certificate } from "../../types.ts";
import { hashText } from "../toy-application.ts";
import type { CreateAdversary } from "./adversary.ts";
import { Follower } from "./follower.ts";
import { forgeProposal } from "./forged-proposal.ts";
import type { Base } from "./observed-chain.ts";

/** Larger than any message may be: 600 KB. */
const OVERSIZED = new Uint8Array(600_000);

/**
 * Serves wrongly whoever asks: chains of its own making under a finalization of another block, gaps,
 * the right headers in the wrong order, a finalization for other heights, refusals of what it has,
 * another header than was asked for, answers longer than any reply may be, bytes cut short. And it
 * claims heights that bring the askers to it. In the views themselves it takes part.
 */
export const createFalseServer: CreateAdversary = (context) => new FalseServer(context);

class FalseServer extends Follower {
  readonly #headers: BlockHeader[] = [];
  #finalization: Certificate | undefined;

  protected override lead(view: number, base: Base): void {
    const { message, target } = forgeProposal(this.context, this.chain, view, {
      base,
      timestampMs: Math.max(base.timestampMs + 1, this.context.clockMs()),
      batchDigests: this.chain.newestBatches(this.context.prng.below(3)),
      spoilsState: false,
      spoilsSignature: false,
    });
    this.toAll(message);
    this.voteFor(view, target);
  }

  protected override react(from: number, message: ConsensusMessage): void {
    switch (message.type) {
      case "proposal":
        this.#headers.push(message.body.header);
        if (this.#headers.length > MAX_BLOCKS_PER_REPLY) this.#headers.shift();
        return;
      case "certificate":
        if (message.body.kind === "finalize") this.#finalization = message.body;
        return;
      case "status":
        if (this.context.prng.chance(0.2)) this.#boast(from);
        return;
      case "getBlocks":
        this.#serveBlocks(from, message.body.requestId, message.body.fromHeight);
        return;
      case "getHeader":
        this.#serveHeader(from, message.body.requestId);
        return;
      case "getCertificates":
        this.#serveCertificates(from, message.body.requestId);
        return;
      case "vote":
      case "blocks":
      case "header":
      case "certificates":
      case "evidence":
        return;
    }
  }

  /** Stands far above everybody, with the newest true finality to show for it. */
  #boast(to: number): void {
    const { epoch, clockMs, prng } = this.context;
    const body = {
      epoch: epoch + (prng.chance(0.2) ? 1 : 0),
      view: this.chain.view + 1,
      floorView: this.chain.view,
      floorHeight: 1_000_000,
      finalization: this.#finalization,
      clockMs: clockMs(),
      incarnation: 1,
      purpose: "periodic" as const,
      answerTo: 0,
      echoes: [],
    };
    this.send(to, { type: "status", body });
  }

  #serveBlocks(to: number, requestId: number, fromHeight: number): void {
    const { prng } = this.context;
    if (prng.chance(0.2)) {
      this.#serveBytes(to, requestId);
      return;
    }
    const { headers, finalization } = this.#blocks(fromHeight);
    const refusal = prng.chance(0.1) ? ("BUSY" as const) : undefined;
    this.send(to, { type: "blocks", body: { requestId, headers, finalization, refusal } });
  }

  #blocks(fromHeight: number): {
    headers: readonly BlockHeader[];
    finalization: Certificate | undefined;
  } {
    const { prng } = this.context;
    const asked = this.#headers.filter(({ height }) => height >= fromHeight);
    const finalization = this.#finalization;
    switch (prng.below(5)) {
      case 0:
        return { headers: [...asked].reverse(), finalization };
      case 1:
        return { headers: asked.filter((_, i) => i % 2 === 0), finalization };
      case 2:
        return {
          headers: asked.map((header) => ({ ...header, stateRoot: hashText("false") })),
          finalization,
        };
      case 3:
        return { headers: this.#inventChain(fromHeight), finalization };
      default:
        return { headers: [], finalization };
    }
  }

  /** As many headers as a reply may have, each on the one before, none of them ever proposed. */
  #inventChain(fromHeight: number): readonly BlockHeader[] {
    const [model] = this.#headers;
    if (model === undefined) return [];
    const headers: BlockHeader[] = [];
    let parentDigest = this.context.genesis.digest;
    for (let i = 0; i < MAX_BLOCKS_PER_REPLY; i++) {
      const header = { ...model, height: fromHeight + i, parentDigest, nextValidators: undefined };
      headers.push(header);
      parentDigest = this.chain.observeHeader(header);
    }
    return headers;
  }

  #serveHeader(to: number, requestId: number): void {
    const header = this.#headers.at(-1);
    this.send(to, { type: "header", body: { requestId, header, refusal: undefined } });
  }

  #serveCertificates(to: number, requestId: number): void {
    const certificates = this.chain.certificatesOf(Math.max(1, this.chain.view - 2));
    const body = { requestId, certificates, refusal: undefined };
    this.send(to, { type: "certificates", body });
  }

  /** Bytes instead of a message: far too many, or a reply that breaks off. */
  #serveBytes(to: number, requestId: number): void {
    const refused = { requestId, headers: [], finalization: undefined, refusal: "BUSY" as const };
    const whole = encodeMessage({ type: "blocks", body: refused });
    const oversized = encode(bytesUpTo(OVERSIZED.length), OVERSIZED);
    const bytes = this.context.prng.chance(0.3) ? oversized : whole.subarray(0, whole.length - 3);
    this.context.send(to, { type: "encoded", bytes });
  }
}
