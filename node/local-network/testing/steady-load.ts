import { RpcCallError, TransportError } from "../../../client/call-errors.ts";
import { toBase64 } from "../../../client/rpc/base64.ts";
import { readTransaction } from "../../../client/signing.ts";
import { invariant } from "../../../primitives/assert.ts";
import type { Participants } from "../../demo/participants.ts";
import { mint } from "./test-market.ts";
import type { TestNetwork } from "./test-network.ts";

/** Transactions on their way at once. */
const SENDERS = 4;
/** Pause of a sender between two transactions, ms: enough load to hit every step of a stop. */
const PACE_MS = 100;
/** Blocks they stay valid: longer than any test. */
const EXPIRY_BLOCKS = 3_000;
/** Keeps what the test must check afterwards within bounds. */
const MAX_SENT = 5_000;

/** A transaction that a node answered for: from then on it must not be lost or done twice. */
export interface Acknowledged {
  readonly txId: string;
  readonly bytes: Uint8Array;
}

/**
 * Mints one paisa again and again, each time at the next of the given nodes, until it is stopped.
 * Every answer but an acknowledgement is a node that is down or closing; anything else is a fault.
 */
export class SteadyLoad {
  readonly acknowledged: Acknowledged[] = [];
  readonly #network: TestNetwork;
  readonly #parties: Participants;
  readonly #prefix: string;
  readonly #expiresAtHeight: number;
  readonly #senders: Promise<void>[] = [];
  #sent = 0;
  #isStopped = false;

  private constructor(
    network: TestNetwork,
    parties: Participants,
    prefix: string,
    expiresAtHeight: number,
  ) {
    this.#network = network;
    this.#parties = parties;
    this.#prefix = prefix;
    this.#expiresAtHeight = expiresAtHeight;
  }

  static async start(
    network: TestNetwork,
    parties: Participants,
    prefix: string,
    nodes: readonly number[],
  ): Promise<SteadyLoad> {
    const { height } = await parties.client.call("chain.info", {});
    const load = new SteadyLoad(network, parties, prefix, Number(height) + EXPIRY_BLOCKS);
    for (let i = 0; i < SENDERS; i++) load.#senders.push(load.#send(i, nodes));
    return load;
  }

  /** Resolves when this many more have been acknowledged. */
  async flows(count: number): Promise<void> {
    const target = this.acknowledged.length + count;
    while (this.acknowledged.length < target) {
      // A sender that failed says why.
      await Promise.race([Promise.all(this.#senders), pause(PACE_MS)]);
      invariant(this.#sent < MAX_SENT, "the load stays within its bound");
    }
  }

  /** Throws what any sender met that it should not have. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#senders);
  }

  async #send(first: number, nodes: readonly number[]): Promise<void> {
    for (let turn = first; !this.#isStopped && this.#sent < MAX_SENT; turn++) {
      const node = nodes[turn % nodes.length] ?? 0;
      this.#sent += 1;
      const payload = mint(1n, `${this.#prefix}-${this.#sent}`);
      const bytes = this.#parties.prepare(["SBP"], "mint-cbdc", payload, this.#expiresAtHeight);
      try {
        await this.#network.client(node).call("tx.submit", { tx: toBase64(bytes) });
        this.acknowledged.push({ txId: readTransaction(bytes).txId, bytes });
      } catch (error) {
        if (!isDown(error)) throw error;
      }
      await pause(PACE_MS);
    }
  }
}

function isDown(error: unknown): boolean {
  return (
    error instanceof TransportError || (error instanceof RpcCallError && error.retry === "later")
  );
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
