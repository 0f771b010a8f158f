import type { Account } from "../ledger/state/account.ts";
import type { Balance } from "../ledger/state/balance.ts";
import type { Supply } from "../ledger/state/supply.ts";
import { RpcCallError } from "./call-errors.ts";
import type { GenesisPin } from "./genesis-pin.ts";
import {
  checkAccountProof,
  checkBalanceProof,
  checkSupplyProof,
  type ProofDemand,
  type Proven,
} from "./proof-check.ts";
import { sleep } from "./retry-policy.ts";
import { RPC_LIMITS } from "./rpc/limits.ts";
import type { EventFilterJson, ResultOf } from "./rpc/methods.ts";
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

  /** The account as the genesis validators certify it. Throws ProofError. */
  async provenAccount(
    pin: GenesisPin,
    account: string,
    options: CallOptions & ProofDemand = {},
  ): Promise<Proven<Account | undefined>> {
    const proof = await this.#client.call("account.proof", { account }, options);
    return checkAccountProof(pin, proof, account, options);
  }

  /** The balance as the genesis validators certify it. Throws ProofError. */
  async provenBalance(
    pin: GenesisPin,
    account: string,
    asset: string,
    options: CallOptions & ProofDemand = {},
  ): Promise<Proven<Balance>> {
    const proof = await this.#client.call("account.proof", { account, asset }, options);
    return checkBalanceProof(pin, proof, account, asset, options);
  }

  /** Issued and redeemed units as the genesis validators certify them. Throws ProofError. */
  async provenSupply(
    pin: GenesisPin,
    asset: string,
    options: CallOptions & ProofDemand = {},
  ): Promise<Proven<Supply | undefined>> {
    const { proof } = await this.#client.call("asset.supply", { asset }, options);
    return checkSupplyProof(pin, proof, asset, options);
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
