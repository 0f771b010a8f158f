import { RpcRefusal } from "../../client/rpc/errors.ts";
import { RPC_LIMITS } from "../../client/rpc/limits.ts";
import type { EventFilterJson, ParamsOf, ResultOf } from "../../client/rpc/methods.ts";
import type { PlacedEvent } from "../../ledger/events.ts";
import type { CallContext } from "./call-context.ts";
import { decodeCursor, encodeCursor, endOfBlock, filterHash } from "./cursor.ts";
import { admits } from "./event-filter.ts";
import { eventJson } from "./json-view.ts";
import { SERVER_LIMITS } from "./limits.ts";
import type { LongPoll } from "./long-polls.ts";
import { END_OF_BLOCK, type EventPlace } from "./ports.ts";
import { noWaitInBatch } from "./transaction-methods.ts";

/** What one look at the ledger found. */
interface Page {
  readonly events: readonly PlacedEvent[];
  /** Last place looked at. */
  readonly last: EventPlace;
  /** Whether everything up to the head was looked at. */
  readonly exhausted: boolean;
}

/**
 * Events after the cursor. The ledger is the truth and the wait only a wake-up: a reader that comes
 * back with its last cursor, here or at another node, misses nothing and sees nothing twice.
 */
export async function listEvents(
  context: CallContext,
  params: ParamsOf<"events.list">,
): Promise<ResultOf<"events.list">> {
  const { chainId } = context.ports.chain.facts();
  const tag = filterHash(params.filter);
  let place = decodeCursor(params.cursor, chainId, tag);
  const waiter = new Waiter(context, params.waitMs ?? 0);
  await waiter.untilReached(place);
  refusePruned(context, place);
  const limit = params.limit ?? RPC_LIMITS.defaultPage;
  for (;;) {
    const page = await scan(context, place, params.filter, limit);
    place = page.last;
    const head = context.ports.chain.facts().head.height;
    const ready = page.events.length > 0 || !page.exhausted;
    if (ready || !(await waiter.untilAbove(place.height))) {
      return {
        events: page.events.map((event) => eventJson(event, encodeCursor(chainId, tag, event))),
        nextCursor: encodeCursor(chainId, tag, place),
        head: String(Math.max(head, place.height)),
        earliest: String(context.ports.chain.facts().earliestHeight),
      };
    }
  }
}

/** Waits of one call: one place, one deadline. */
class Waiter {
  readonly #context: CallContext;
  readonly #waitMs: number;
  readonly #deadline: number;
  #place: LongPoll | undefined;

  constructor(context: CallContext, waitMs: number) {
    if (waitMs > 0 && !context.mayWait) throw noWaitInBatch("waitMs");
    this.#context = context;
    this.#waitMs = waitMs;
    this.#deadline = performance.now() + waitMs;
  }

  /** False when there is nothing more to wait for: time is over, or the wait was ended. */
  async untilAbove(height: number): Promise<boolean> {
    if (this.#waitMs === 0) return false;
    this.#place ??= this.#context.enterWait();
    if (this.#place === undefined) {
      const retryAfterMs = SERVER_LIMITS.overloadRetryMs;
      throw new RpcRefusal("OVERLOADED", { retryAfterMs });
    }
    const left = this.#deadline - performance.now();
    if (left <= 0 || this.#place.signal.aborted) return false;
    await this.#context.heads.above(height, left, this.#place.signal);
    return this.#context.ports.chain.facts().head.height > height;
  }

  /** A cursor of a node that is ahead of this one: waits for the head to come, else refuses. */
  async untilReached(place: EventPlace): Promise<void> {
    const head = (): number => this.#context.ports.chain.facts().head.height;
    if (place.height <= head()) return;
    await this.untilAbove(place.height - 1);
    if (place.height > head()) throw new RpcRefusal("AHEAD_OF_HEAD", { head: String(head()) });
  }
}

function refusePruned(context: CallContext, place: EventPlace): void {
  const { earliestHeight } = context.ports.chain.facts();
  const firstNeeded = place.eventIndex === END_OF_BLOCK ? place.height + 1 : place.height;
  if (firstNeeded < earliestHeight) {
    throw new RpcRefusal("PRUNED", { earliest: String(earliestHeight) });
  }
}

/** Looks at a bounded number of events: a filter that matches nothing costs a bounded call. */
async function scan(
  context: CallContext,
  start: EventPlace,
  filter: EventFilterJson | undefined,
  limit: number,
): Promise<Page> {
  // Everything up to this head is complete; events of a later block may come along.
  const head = context.ports.chain.facts().head.height;
  const events: PlacedEvent[] = [];
  let last = start;
  for (let looked = 0; looked < SERVER_LIMITS.maxEventsScanned; ) {
    // Without a filter every event counts, so no more are read than the page can take.
    const wanted = filter === undefined ? limit - events.length : SERVER_LIMITS.eventChunk;
    const chunk = await context.ports.events.after(last, wanted);
    for (const placed of chunk) {
      last = { height: placed.height, txIndex: placed.txIndex, eventIndex: placed.eventIndex };
      if (!admits(filter, placed.event)) continue;
      events.push(placed);
      if (events.length === limit) return { events, last, exhausted: false };
    }
    if (chunk.length < wanted) {
      const end = endOfBlock(head);
      return { events, last: last.height > head ? last : end, exhausted: true };
    }
    looked += chunk.length;
  }
  return { events, last, exhausted: false };
}
