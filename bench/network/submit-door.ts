import { Agent, type IncomingMessage, request } from "node:http";
import { Compile } from "typebox/compile";
import { toBase64 } from "../../client/rpc/base64.ts";
import { RPC_PATH, RpcReply } from "../../client/rpc/envelope.ts";
import { METHODS } from "../../client/rpc/methods.ts";
import { messageOf } from "../../primitives/errors.ts";

/** Sockets to one node; calls beyond that wait in line, and the wait counts as latency. */
const MAX_SOCKETS = 64;
/** A node answers a call that does not wait within 5 s. */
const REPLY_TIMEOUT_MS = 15_000;

/** What a node said to a submission. */
export type Reply =
  | { readonly kind: "admitted" }
  | { readonly kind: "refused"; readonly reason: string }
  /** No answer: the node may have taken it all the same. */
  | { readonly kind: "unanswered"; readonly reason: string };

const replyValidator = Compile(RpcReply);
const resultValidator = Compile(METHODS["tx.submit"].result);

/** The body of a submission, made before the clock runs. */
export function submitBody(id: number, transaction: Uint8Array): Buffer {
  const call = { jsonrpc: "2.0", id, method: "tx.submit", params: { tx: toBase64(transaction) } };
  return Buffer.from(JSON.stringify(call));
}

/**
 * Submissions to one node over kept-alive connections. Written on node:http rather than the SDK,
 * whose fetch costs several times the CPU, which here is the validators' CPU. It never retries: a
 * retry would hide what the node did.
 */
export class SubmitDoor {
  /** First in, first out: no socket rests so long that the node closes it under our hands. */
  readonly #agent = new Agent({ keepAlive: true, maxSockets: MAX_SOCKETS, scheduling: "fifo" });
  readonly #url: URL;

  constructor(rpcUrl: string) {
    this.#url = new URL(RPC_PATH, rpcUrl);
  }

  submit(body: Buffer): Promise<Reply> {
    return new Promise((resolve) => {
      const unanswered = (error: unknown): void => {
        const code = error instanceof Error && "code" in error ? String(error.code) : undefined;
        resolve({ kind: "unanswered", reason: code ?? messageOf(error) });
      };
      const call = request(this.#url, {
        method: "POST",
        agent: this.#agent,
        timeout: REPLY_TIMEOUT_MS,
        headers: { "content-type": "application/json", "content-length": body.length },
      });
      call.once("timeout", () => call.destroy(new Error("TIMEOUT")));
      call.once("error", unanswered);
      call.once("response", (response) => {
        readReply(response).then(resolve, unanswered);
      });
      call.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

async function readReply(response: IncomingMessage): Promise<Reply> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of response) {
    if (chunk instanceof Uint8Array) chunks.push(chunk);
  }
  const reply: unknown = JSON.parse(Buffer.concat(chunks).toString());
  if (!replyValidator.Check(reply)) return { kind: "unanswered", reason: "BAD_REPLY" };
  if ("error" in reply) return { kind: "refused", reason: reply.error.data.reason };
  return resultValidator.Check(reply.result)
    ? { kind: "admitted" }
    : { kind: "unanswered", reason: "BAD_REPLY" };
}
