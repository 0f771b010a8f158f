import { Agent, type IncomingMessage, request } from "node:http";
import { Compile } from "typebox/compile";
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
const resultValidator = Compile(METHODS["tx.submitBatch"].result);

/**
 * Submissions to one node over kept-alive connections. Written on node:http rather than the SDK,
 * whose fetch costs several times the CPU, which here is the validators' CPU. It never retries: a
 * retry would hide what the node did. Transactions go by `tx.submitBatch`.
 */
export class SubmitDoor {
  /** First in, first out: no socket rests so long that the node closes it under our hands. */
  readonly #agent = new Agent({ keepAlive: true, maxSockets: MAX_SOCKETS, scheduling: "fifo" });
  readonly #url: URL;
  #nextId = 1;

  constructor(rpcUrl: string) {
    this.#url = new URL(RPC_PATH, rpcUrl);
  }

  /** One reply for each of the transactions, which are given in base64. */
  async submit(texts: readonly string[]): Promise<readonly Reply[]> {
    const id = this.#nextId++;
    // Base64 needs no escape in JSON.
    const body = Buffer.from(
      `{"jsonrpc":"2.0","id":${id},"method":"tx.submitBatch","params":{"txs":["${texts.join('","')}"]}}`,
    );
    try {
      return repliesOf(await this.#post(body), texts.length);
    } catch (error) {
      const code = error instanceof Error && "code" in error ? String(error.code) : undefined;
      const reason = code ?? messageOf(error);
      return texts.map(() => ({ kind: "unanswered", reason }));
    }
  }

  #post(body: Buffer): Promise<string> {
    return new Promise((resolve, reject) => {
      const call = request(this.#url, {
        method: "POST",
        agent: this.#agent,
        timeout: REPLY_TIMEOUT_MS,
        headers: { "content-type": "application/json", "content-length": body.length },
      });
      call.once("timeout", () => call.destroy(new Error("TIMEOUT")));
      call.once("error", reject);
      call.once("response", (response) => {
        readText(response).then(resolve, reject);
      });
      call.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of response) {
    if (chunk instanceof Uint8Array) chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function repliesOf(text: string, count: number): readonly Reply[] {
  const all = (reply: Reply): readonly Reply[] => Array.from({ length: count }, () => reply);
  const reply: unknown = JSON.parse(text);
  if (!replyValidator.Check(reply)) return all({ kind: "unanswered", reason: "BAD_REPLY" });
  if ("error" in reply) return all({ kind: "refused", reason: reply.error.data.reason });
  const { result } = reply;
  if (!resultValidator.Check(result) || result.answers.length !== count) {
    return all({ kind: "unanswered", reason: "BAD_REPLY" });
  }
  return result.answers.map(({ status, refusal }) =>
    status === "refused"
      ? { kind: "refused", reason: refusal?.reason ?? "UNKNOWN" }
      : { kind: "admitted" },
  );
}
