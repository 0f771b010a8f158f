import { setTimeout as delay } from "node:timers/promises";
import { RpcClient } from "../../client/rpc-client.ts";
import type { LocalValidator } from "../../node/local-network/network-files.ts";
import { CodedError } from "../../primitives/errors.ts";
import { finalityFilter, tellsFinality } from "./finality-log.ts";
import type { Mix } from "./market.ts";

const PAGE = 500;
const POLL_MS = 50;
/** A node that lags behind has the last block by then. */
const CATCH_UP_MS = 60_000;

/** What one node's ledger holds. */
export interface NodeCount {
  readonly name: string;
  readonly settlements: number;
  /** Root after the block that all nodes are compared at. */
  readonly stateRoot: string;
}

export interface LedgerCount {
  readonly height: number;
  readonly nodes: readonly NodeCount[];
}

/**
 * Reads every settlement from every node's own ledger, from the first block on, and requires that
 * each holds exactly those that the client counted, and that all have one state.
 * Throws CodedError COUNT_DIFFERS, ROOTS_DIFFER or LAGS.
 */
export async function countEverywhere(
  validators: readonly LocalValidator[],
  counted: ReadonlySet<string>,
  highest: number,
  mix: Mix,
): Promise<LedgerCount> {
  const height = await commonHeight(validators, highest);
  const nodes: NodeCount[] = [];
  for (const { name, rpcUrl } of validators) {
    const client = new RpcClient({ endpoints: [rpcUrl] });
    const settled = await settlementsOf(client, mix);
    requireSame(name, settled, counted);
    const { stateRoot } = await client.call("chain.block", {
      height: String(height),
      view: "header",
    });
    nodes.push({ name, settlements: settled.length, stateRoot });
  }
  const roots = new Set(nodes.map(({ stateRoot }) => stateRoot));
  if (roots.size === 1) return { height, nodes };
  const seen = nodes.map(({ name, stateRoot }) => `${name} ${stateRoot}`).join(", ");
  throw new CodedError("ROOTS_DIFFER", `state roots differ at height ${height}: ${seen}`);
}

/** A height that every node has reached, at or above the last settlement. */
async function commonHeight(
  validators: readonly LocalValidator[],
  highest: number,
): Promise<number> {
  const deadline = performance.now() + CATCH_UP_MS;
  for (;;) {
    const heads = await Promise.all(
      validators.map(async ({ rpcUrl }) => {
        const client = new RpcClient({ endpoints: [rpcUrl] });
        return Number((await client.call("chain.info", {})).height);
      }),
    );
    const lowest = Math.min(...heads);
    if (lowest >= highest) return lowest;
    if (performance.now() > deadline) {
      throw new CodedError("LAGS", `heads are ${heads.join(", ")}, not all at ${highest}`);
    }
    await delay(POLL_MS);
  }
}

/** Transaction ids of all settlements, in the ledger's order, as often as they stand in it. */
async function settlementsOf(client: RpcClient, mix: Mix): Promise<readonly string[]> {
  const filter = finalityFilter(mix);
  const found: string[] = [];
  let cursor = "genesis";
  for (;;) {
    const page = await client.call("events.list", { cursor, filter, limit: PAGE });
    found.push(...page.events.filter(tellsFinality).map(({ txId }) => txId));
    // A page may be empty because the node looked at enough for one call, not only at the end.
    if (page.nextCursor === cursor) return found;
    cursor = page.nextCursor;
  }
}

/** Throws COUNT_DIFFERS unless the ledger has what the client counted, all of it and each once. */
export function requireSame(
  name: string,
  settled: readonly string[],
  counted: ReadonlySet<string>,
): void {
  const inLedger = new Set(settled);
  const missing = [...counted].filter((txId) => !inLedger.has(txId));
  const foreign = settled.filter((txId) => !counted.has(txId));
  const isEqual = missing.length === 0 && foreign.length === 0 && inLedger.size === settled.length;
  if (isEqual) return;
  throw new CodedError(
    "COUNT_DIFFERS",
    `${name} holds ${settled.length} settlements (${inLedger.size} different), the client counted ` +
      `${counted.size}; missing ${missing.length} (${missing.slice(0, 3).join(", ")}), not of ` +
      `this run ${foreign.length} (${foreign.slice(0, 3).join(", ")})`,
  );
}
