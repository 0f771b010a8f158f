import { Compile, type Validator } from "typebox/compile";
import { messageOf } from "../primitives/errors.ts";
import { RpcCallError, TransportError } from "./call-errors.ts";
import { reasonOf } from "./retry-policy.ts";
import { RPC_PATH, RpcReply } from "./rpc/envelope.ts";
import { RPC_LIMITS } from "./rpc/limits.ts";
import { METHODS, type MethodName, type ParamsOf, type ResultOf } from "./rpc/methods.ts";

/** The part of the platform's `fetch` that is used. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface Exchange {
  readonly fetch: Fetch;
  /** Base URL of a node, without the path. */
  readonly endpoint: string;
  /** Time for this one attempt, ms. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

const replyValidator = Compile(RpcReply);
const resultValidators = new Map<MethodName, Validator>();

/** The method's results never hold anything that the schema does not name. */
function resultValidator(method: MethodName): Validator {
  let validator = resultValidators.get(method);
  if (validator === undefined) {
    validator = Compile(METHODS[method].result);
    resultValidators.set(method, validator);
  }
  return validator;
}

let nextId = 1;

/**
 * One call at one endpoint, once. Throws RpcCallError when the node refuses, TransportError when no
 * answer of this surface comes, the signal's reason when the caller gives up.
 */
export async function exchange<M extends MethodName>(
  exchangeWith: Exchange,
  method: M,
  params: ParamsOf<M>,
): Promise<ResultOf<M>> {
  const { endpoint } = exchangeWith;
  const id = nextId++;
  const reply = await post(exchangeWith, JSON.stringify({ jsonrpc: "2.0", id, method, params }));
  if ("error" in reply) {
    const { reason, retry, requestId, ...detail } = reply.error.data;
    throw new RpcCallError(reason, reply.error.message, { retry, detail, requestId, endpoint });
  }
  if (reply.id !== id || !resultValidator(method).Check(reply.result)) {
    throw new TransportError("BAD_REPLY", endpoint, `${method}: the result has another form`);
  }
  // The schema of this very method has admitted it.
  return reply.result as ResultOf<M>;
}

async function post(exchangeWith: Exchange, body: string): Promise<RpcReply> {
  const { endpoint, timeoutMs, signal } = exchangeWith;
  const controller = new AbortController();
  const onAbort = (): void => controller.abort();
  const timer = setTimeout(onAbort, timeoutMs);
  signal?.addEventListener("abort", onAbort);
  let text: string;
  try {
    if (signal?.aborted === true) throw reasonOf(signal);
    const response = await exchangeWith.fetch(new URL(RPC_PATH, endpoint).href, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json" },
      body,
      signal: controller.signal,
      redirect: "error",
    });
    text = await readBounded(response, endpoint);
  } catch (cause) {
    if (signal?.aborted === true) throw reasonOf(signal);
    if (cause instanceof TransportError) throw cause;
    if (controller.signal.aborted) {
      throw new TransportError("TIMEOUT", endpoint, `no answer in ${timeoutMs} ms`, cause);
    }
    throw new TransportError("UNREACHABLE", endpoint, messageOf(cause), cause);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
  return parseReply(text, endpoint);
}

function parseReply(text: string, endpoint: string): RpcReply {
  let reply: unknown;
  try {
    reply = JSON.parse(text);
  } catch (cause) {
    throw new TransportError("BAD_REPLY", endpoint, "the answer is not JSON", cause);
  }
  if (replyValidator.Check(reply)) return reply;
  throw new TransportError("BAD_REPLY", endpoint, "the answer is not a JSON-RPC reply");
}

/** The text of a response, cut off where a node of ours would never go on. */
async function readBounded(response: Response, endpoint: string): Promise<string> {
  if (response.body === null) return "";
  const reader = response.body.getReader();
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let size = 0;
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    const chunk: unknown = value;
    if (!(chunk instanceof Uint8Array)) continue;
    size += chunk.length;
    if (size > 2 * RPC_LIMITS.maxResponse) {
      await reader.cancel();
      throw new TransportError("BAD_REPLY", endpoint, "the answer is too long");
    }
    text += decoder.decode(chunk, { stream: true });
  }
}
