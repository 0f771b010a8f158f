import type { Account } from "../ledger/state/account.ts";
import type { Balance } from "../ledger/state/balance.ts";
import type { Supply } from "../ledger/state/supply.ts";
import { RpcCallError } from "./call-errors.ts";
import { EpochTrail } from "./epoch-trail.ts";
import {
  checkAccountProof,
  checkBalanceProof,
  checkSupplyProof,
  epochOfProof,
  type ProofDemand,
  type Proven,
  type Trust,
} from "./proof-check.ts";
import { sleep } from "./retry-policy.ts";
import { RPC_LIMITS } from "./rpc/limits.ts";
import type { EventFilterJson, ProofJson, ResultOf } from "./rpc/methods.ts";
import type { CallOptions, RpcClient } from "./rpc-client.ts";
import {
  type AccountView,
  accountView,
  type EventView,
  eventView,
  type SupplyView,
  supplyView,
} from "./views.ts";

export interface EventPage {
  readonly events: readonly EventView[];
  /** Resumes after this page. */
  readonly nextCursor: string;
  readonly head: number;
  readonly earliest: number;
}

export interface EventQuery {
  /** `genesis`, `at:H`, or a cursor of an earlier page. */
  readonly cursor: string;
  readonly filter?: EventFilterJson;
  readonly limit?: number;
  readonly waitMs?: number;
}

/** Pause of a follower whose node is behind its cursor. */
const BEHIND_PAUSE_MS = 500;

/** Reads of the committed ledger. What a `proven` method returns needs no trust in the node. */
export class LedgerReads {
  readonly #client: RpcClient;

  constructor(client: RpcClient) {
    this.#client = client;
  }

  chainInfo(options?: CallOptions): Promise<ResultOf<"chain.info">> {
    return this.#client.call("chain.info", {}, options);
  }

  /** Undefined where there is no such account. */
  async account(account: string, options?: CallOptions): Promise<AccountView | undefined> {
    return foundOr(async () =>
      accountView(await this.#client.call("account.get", { account }, options)),
    );
  }

  /** Undefined where there is no such asset. */
  async supply(asset: string, options?: CallOptions): Promise<SupplyView | undefined> {
    return foundOr(async () =>
      supplyView(await this.#client.call("asset.supply", { asset }, options)),
    );
  }

  /**
   * Proves the ends of all epochs up to this one, or as far as they have ended. Throws TrailError
   * where the node's word does not lead from the genesis to its validators.
   */
  async followTrail(trail: EpochTrail, epoch?: number, options?: CallOptions): Promise<void> {
    while (epoch === undefined || trail.epoch < epoch) {
      const from = String(trail.epoch);
      const { ends } = await this.#client.call("chain.epochs", { from }, options);
      trail.extend(ends);
      if (ends.length === 0) return;
    }
  }

  /** The account as the validators of its block's epoch certify it. Throws ProofError. */
  async provenAccount(
    trust: Trust,
    account: string,
    options: CallOptions & ProofDemand = {},
  ): Promise<Proven<Account | undefined>> {
    const proof = await this.#client.call("account.proof", { account }, options);
    return checkAccountProof(await this.#trustFor(trust, proof, options), proof, account, options);
  }

  /** The balance as the validators of its block's epoch certify it. Throws ProofError. */
  async provenBalance(
    trust: Trust,
    account: string,
    asset: string,
    options: CallOptions & ProofDemand = {},
  ): Promise<Proven<Balance>> {
    const proof = await this.#client.call("account.proof", { account, asset }, options);
    return checkBalanceProof(
      await this.#trustFor(trust, proof, options),
      proof,
      account,
      asset,
      options,
    );
  }

  /** Issued and redeemed units, certified like a balance. Throws ProofError. */
  async provenSupply(
    trust: Trust,
    asset: string,
    options: CallOptions & ProofDemand = {},
  ): Promise<Proven<Supply | undefined>> {
    const { proof } = await this.#client.call("asset.supply", { asset }, options);
    return checkSupplyProof(await this.#trustFor(trust, proof, options), proof, asset, options);
  }

  /** A trail that reaches the proof's epoch. One that the caller keeps is extended for good. */
  async #trustFor(trust: Trust, proof: ProofJson, options: CallOptions): Promise<Trust> {
    const epoch = epochOfProof(proof);
    if (epoch === 0) return trust;
    const trail = trust instanceof EpochTrail ? trust : new EpochTrail(trust);
    await this.followTrail(trail, epoch, options);
    return trail;
  }

  async events(query: EventQuery, options?: CallOptions): Promise<EventPage> {
    const page = await this.#client.call("events.list", { ...query }, options);
    return {
      events: page.events.map(eventView),
      nextCursor: page.nextCursor,
      head: Number(page.head),
      earliest: Number(page.earliest),
    };
  }

  /**
   * All events from a cursor on, for ever, each once and in order, over restarts of nodes and
   * changes of endpoint. Keep the cursor of the last event dealt with, and resume there. Ends with
   * the signal's reason; throws RpcCallError for a cursor that is refused or pruned.
   */
  async *follow(
    query: Omit<EventQuery, "waitMs">,
    options: CallOptions = {},
  ): AsyncGenerator<EventView, never, void> {
    let { cursor } = query;
    for (;;) {
      let page: EventPage;
      try {
        page = await this.events({ ...query, cursor, waitMs: RPC_LIMITS.maxEventsWaitMs }, options);
      } catch (error) {
        if (!(error instanceof RpcCallError) || error.code !== "AHEAD_OF_HEAD") throw error;
        // The node that answers now has not come as far as the one before it.
        await sleep(BEHIND_PAUSE_MS, options.signal);
        continue;
      }
      yield* page.events;
      cursor = page.nextCursor;
    }
  }
}

async function foundOr<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof RpcCallError && error.code === "NOT_FOUND") return undefined;
    throw error;
  }
}
