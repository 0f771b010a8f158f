import { Compile } from "typebox/compile";
import { RpcId, RpcRequest } from "../../client/rpc/envelope.ts";
import {
  REASONS,
  type RpcErrorObject,
  type RpcReason,
  RpcRefusal,
} from "../../client/rpc/errors.ts";
import { RPC_LIMITS } from "../../client/rpc/limits.ts";
import {
  type CallClass,
  isMethodName,
  METHODS,
  type MethodName,
} from "../../client/rpc/methods.ts";
import { InvariantError, invariant } from "../../primitives/assert.ts";
import type { Logger } from "../observability/logger.ts";
import type { Metrics } from "../observability/metrics.ts";
import type { CallContext } from "./call-context.ts";
import { callMethod } from "./call-method.ts";
import { scanJson } from "./json-scan.ts";
import { READ_RATE, SERVER_LIMITS, SUBMIT_RATE } from "./limits.ts";
import { HeadWatch, type LongPoll, LongPolls } from "./long-polls.ts";
import type { NodePorts } from "./ports.ts";
import { type BucketRate, ClientBuckets } from "./token-bucket.ts";

export interface DispatcherOptions {
  readonly ports: NodePorts;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Called for a broken invariant: the process must stop. The caller still gets INTERNAL. */
  readonly onInvariant: (error: InvariantError) => void;
  /** False once the node's own state can't be believed: every call is refused, NODE_INTEGRITY. */
  readonly isIntact?: () => boolean;
  readonly readRate?: BucketRate;
  readonly submitRate?: BucketRate;
  readonly callDeadlineMs?: number;
  readonly maxLongPolls?: number;
  readonly maxUnsentBytes?: number;
}

/** Who asks, and how to know that it no longer listens. */
export interface Caller {
  /** Key of the rate limits: the socket's address, or a proxy's idea of the client. */
  readonly client: string;
  readonly requestId: string;
  /** Registers what to do when the client goes away before its answer. */
  onGone(end: () => void): void;
}

export interface HttpAnswer {
  readonly status: number;
  /** JSON text; undefined where nothing is to be answered (notifications only). */
  readonly body: string | undefined;
  readonly retryAfterMs?: number;
}

/** One answer of JSON-RPC, before it is text. */
interface Reply {
  readonly id: RpcId;
  readonly outcome: { readonly result: unknown } | Failed;
}

interface Failed {
  readonly reason: RpcReason;
  readonly error: RpcErrorObject;
}

const requestValidator = Compile(RpcRequest);
const idValidator = Compile(RpcId);
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Turns the body of one HTTP request into its answer: bounds, JSON-RPC 2.0, limits, methods. */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #heads: HeadWatch;
  readonly #polls: Readonly<Record<CallClass, LongPolls>>;
  readonly #buckets: Readonly<Record<CallClass, ClientBuckets>>;
  readonly #inFlight: Record<CallClass, number> = { read: 0, submit: 0 };
  readonly #deadlineMs: number;
  #blocksInFlight = 0;
  #unsentBytes = 0;
  #draining = false;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#heads = new HeadWatch(options.ports.chain);
    const places = options.maxLongPolls ?? SERVER_LIMITS.maxLongPolls;
    this.#polls = { read: new LongPolls(places), submit: new LongPolls(places) };
    this.#buckets = {
      read: new ClientBuckets(options.readRate ?? READ_RATE, SERVER_LIMITS.maxClients),
      submit: new ClientBuckets(options.submitRate ?? SUBMIT_RATE, SERVER_LIMITS.maxClients),
    };
    this.#deadlineMs = options.callDeadlineMs ?? SERVER_LIMITS.callDeadlineMs;
  }

  /** Calls that wait for an event or a commit. */
  get waiting(): number {
    return this.#polls.read.count + this.#polls.submit.count;
  }

  /** From now on calls are refused with DRAINING; those that wait are answered at once. */
  drain(): void {
    this.#draining = true;
    this.#polls.read.endAll();
    this.#polls.submit.endAll();
    this.#heads.close();
  }

  async answer(body: Uint8Array, caller: Caller): Promise<HttpAnswer> {
    let parsed: unknown;
    try {
      parsed = parseBody(body);
    } catch (error) {
      if (!(error instanceof RpcRefusal)) throw error;
      return this.#refuseWhole(error, caller);
    }
    if (!Array.isArray(parsed)) return this.#answerOne(parsed, caller);
    if (parsed.length === 0) return this.#refuseWhole(new RpcRefusal("INVALID_REQUEST"), caller);
    return this.#answerBatch(parsed, caller);
  }

  /** An answer to a request of which no call could be read. It costs its sender one read. */
  #refuseWhole(refusal: RpcRefusal, caller: Caller): HttpAnswer {
    const told = this.#takeToken("read", 1, caller) ?? refusal;
    this.#options.metrics.countRpc("unknown", told.code);
    return single({ id: null, outcome: failed(told, caller) });
  }

  async #answerOne(call: unknown, caller: Caller): Promise<HttpAnswer> {
    const reply = await this.#call(call, caller, true);
    return reply === undefined ? { status: 204, body: undefined } : single(reply);
  }

  /** Calls of a batch run one after the other; the whole answer stays within its bound. */
  async #answerBatch(calls: readonly unknown[], caller: Caller): Promise<HttpAnswer> {
    const texts: string[] = [];
    let size = 0;
    for (const call of calls) {
      const reply = await this.#call(call, caller, false);
      if (reply === undefined) continue;
      let text = replyText(reply);
      if (size + text.length > RPC_LIMITS.maxResponse) {
        const refusal = new RpcRefusal("LIMIT_TOO_LARGE", {
          limit: String(RPC_LIMITS.maxResponse),
        });
        text = replyText({ id: reply.id, outcome: failed(refusal, caller) });
      }
      size += text.length;
      texts.push(text);
    }
    if (texts.length === 0) return { status: 204, body: undefined };
    return { status: 200, body: `[${texts.join(",")}]` };
  }

  /** Undefined for a notification, which is carried out and never answered. */
  async #call(call: unknown, caller: Caller, mayWait: boolean): Promise<Reply | undefined> {
    if (!requestValidator.Check(call)) {
      const refusal =
        this.#takeToken("read", 1, caller) ?? new RpcRefusal("INVALID_REQUEST", invalidField(call));
      this.#options.metrics.countRpc("unknown", refusal.code);
      return { id: idOf(call), outcome: failed(refusal, caller) };
    }
    const method = isMethodName(call.method) ? call.method : "unknown";
    let outcome: Reply["outcome"];
    try {
      if (method === "unknown") throw this.#unknownMethod(caller);
      outcome = { result: await this.#run(method, call.params, caller, mayWait) };
      this.#options.metrics.countRpc(method, "OK");
    } catch (thrown) {
      const refusal = this.#refusalOf(thrown, method, caller);
      this.#options.metrics.countRpc(method, refusal.code);
      outcome = failed(refusal, caller);
    }
    return call.id === undefined ? undefined : { id: call.id, outcome };
  }

  #unknownMethod(caller: Caller): RpcRefusal {
    return this.#takeToken("read", 1, caller) ?? new RpcRefusal("METHOD_NOT_FOUND");
  }

  async #run(
    method: MethodName,
    params: unknown,
    caller: Caller,
    mayWait: boolean,
  ): Promise<unknown> {
    if (this.#draining) throw new RpcRefusal("DRAINING");
    if (this.#options.isIntact?.() === false) throw new RpcRefusal("NODE_INTEGRITY");
    const { callClass, cost } = METHODS[method];
    const items = itemsOf(method, params);
    const limited = this.#takeToken(callClass, cost * items, caller);
    if (limited !== undefined) throw limited;
    if (this.#isFull(method, callClass, items)) {
      throw new RpcRefusal("OVERLOADED", { retryAfterMs: SERVER_LIMITS.overloadRetryMs });
    }
    this.#count(method, callClass, items);
    const places: LongPoll[] = [];
    const context = this.#contextOf(callClass, caller, mayWait, places);
    // A call past its deadline still holds its place until the node is done with it.
    const finished = callMethod(method, params, context).finally(() => {
      this.#count(method, callClass, -items);
      for (const place of places) place.release();
      this.#options.metrics.rpc.waiting.set(this.waiting);
    });
    return this.#withDeadline(finished, params);
  }

  #isFull(method: MethodName, callClass: CallClass, items: number): boolean {
    if (callClass === "submit") {
      return this.#inFlight.submit + items > SERVER_LIMITS.maxSubmitsInFlight;
    }
    if (this.#inFlight.read >= SERVER_LIMITS.maxReadsInFlight) return true;
    if (method === "chain.block" && this.#blocksInFlight >= SERVER_LIMITS.maxBlocksInFlight) {
      return true;
    }
    const most = this.#options.maxUnsentBytes ?? SERVER_LIMITS.maxUnsentBytes;
    return this.#unsentBytes > most;
  }

  #count(method: MethodName, callClass: CallClass, change: number): void {
    this.#inFlight[callClass] += change;
    if (method === "chain.block") this.#blocksInFlight += change;
  }

  /** Tells of bytes handed to a socket (positive) or taken by it, or lost with it (negative). */
  addUnsent(bytes: number): void {
    this.#unsentBytes += bytes;
    invariant(this.#unsentBytes >= 0, "no more bytes are taken than were handed out");
  }

  #contextOf(
    callClass: CallClass,
    caller: Caller,
    mayWait: boolean,
    places: LongPoll[],
  ): CallContext {
    return {
      ports: this.#options.ports,
      heads: this.#heads,
      mayWait,
      enterWait: () => {
        const place = this.#polls[callClass].enter();
        if (place === undefined) return undefined;
        places.push(place);
        caller.onGone(() => place.end());
        this.#options.metrics.rpc.waiting.set(this.waiting);
        return place;
      },
    };
  }

  /** The wait that the caller asked for comes on top of the time that any call has. */
  #withDeadline(work: Promise<unknown>, params: unknown): Promise<unknown> {
    const ms = this.#deadlineMs + requestedWait(params);
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const timer = setTimeout(() => reject(new RpcRefusal("DEADLINE")), ms);
    work.then(resolve, reject);
    return promise.finally(() => clearTimeout(timer));
  }

  #takeToken(callClass: CallClass, cost: number, caller: Caller): RpcRefusal | undefined {
    const waitMs = this.#buckets[callClass].take(caller.client, cost, performance.now());
    return waitMs === 0 ? undefined : new RpcRefusal("RATE_LIMITED", { retryAfterMs: waitMs });
  }

  /** What the caller is told about a failure; ours are logged and not shown. */
  #refusalOf(thrown: unknown, method: MethodName | "unknown", caller: Caller): RpcRefusal {
    if (thrown instanceof RpcRefusal) return thrown;
    const { log, onInvariant } = this.#options;
    log.error("rpc.internal", { method, requestId: caller.requestId, err: thrown });
    if (thrown instanceof InvariantError) onInvariant(thrown);
    return new RpcRefusal("INTERNAL");
  }
}

/** The JSON value of a body. Throws RpcRefusal PARSE, INVALID_REQUEST or BATCH_TOO_LARGE. */
function parseBody(body: Uint8Array): unknown {
  let text: string;
  try {
    text = decoder.decode(body);
  } catch (cause) {
    throw new RpcRefusal("PARSE", {}, { cause });
  }
  const verdict = scanJson(text, {
    maxDepth: SERVER_LIMITS.maxJsonDepth,
    maxTokens: SERVER_LIMITS.maxJsonTokens,
    maxTopItems: RPC_LIMITS.maxBatch,
  });
  switch (verdict) {
    case "ok":
      break;
    case "TOO_DEEP":
      throw tooMuch("depth", SERVER_LIMITS.maxJsonDepth);
    case "TOO_MANY_TOKENS":
      throw tooMuch("tokens", SERVER_LIMITS.maxJsonTokens);
    case "TOO_MANY_TOP_ITEMS":
      throw new RpcRefusal("BATCH_TOO_LARGE", { limit: String(RPC_LIMITS.maxBatch) });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new RpcRefusal("PARSE", {}, { cause });
  }
}

function tooMuch(field: string, limit: number): RpcRefusal {
  return new RpcRefusal("INVALID_REQUEST", { field, limit: String(limit) });
}

export function errorObject(refusal: RpcRefusal, requestId: string): RpcErrorObject {
  const { code, retry } = REASONS[refusal.code];
  return {
    code,
    message: refusal.message,
    data: { reason: refusal.code, retry, ...definedDetail(refusal), requestId },
  };
}

function definedDetail(refusal: RpcRefusal): RpcRefusal["detail"] {
  const entries = Object.entries(refusal.detail).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries);
}

function failed(refusal: RpcRefusal, caller: Caller): Failed {
  return { reason: refusal.code, error: errorObject(refusal, caller.requestId) };
}

/** HTTP answer of a single call: its status tells proxies what the reason tells clients. */
function single(reply: Reply): HttpAnswer {
  const body = replyText(reply);
  if (!("error" in reply.outcome)) return { status: 200, body };
  const { reason, error } = reply.outcome;
  const { retryAfterMs } = error.data;
  const status = REASONS[reason].http;
  return { status, body, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}

function replyText({ id, outcome }: Reply): string {
  const part = "error" in outcome ? { error: outcome.error } : { result: outcome.result };
  return JSON.stringify({ jsonrpc: "2.0", id, ...part });
}

/** The id of a call that is otherwise not one, if that much can be read. */
function idOf(call: unknown): RpcId {
  if (typeof call !== "object" || call === null || !("id" in call)) return null;
  return idValidator.Check(call.id) ? call.id : null;
}

function invalidField(call: unknown): { field?: string } {
  const path = requestValidator.Errors(call)[0]?.instancePath.split("/")[1];
  return path === undefined || path === "" ? {} : { field: path.slice(0, 64) };
}

/** Units of work that a call asks for, read leniently: the method checks its parameters. */
function itemsOf(method: MethodName, params: unknown): number {
  const definition = METHODS[method];
  if (!("costEach" in definition) || typeof params !== "object" || params === null) return 1;
  const items: unknown = Object.entries(params).find(([name]) => name === definition.costEach)?.[1];
  if (!Array.isArray(items)) return 1;
  return Math.min(Math.max(1, items.length), RPC_LIMITS.maxSubmitBatch);
}

/** Milliseconds that the call may wait on top of its work, read leniently: the method checks it. */
function requestedWait(params: unknown): number {
  if (typeof params !== "object" || params === null) return 0;
  if ("waitMs" in params && typeof params.waitMs === "number" && params.waitMs > 0) {
    return Math.min(params.waitMs, RPC_LIMITS.maxEventsWaitMs);
  }
  return "wait" in params && params.wait === "committed" ? RPC_LIMITS.maxSubmitWaitMs : 0;
}
