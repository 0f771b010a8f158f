import { request } from "node:http";
import { connect } from "node:net";
import { RPC_PATH } from "../../../client/rpc/envelope.ts";
import type { RpcErrorObject } from "../../../client/rpc/errors.ts";
import type { MethodName, ParamsOf, ResultOf } from "../../../client/rpc/methods.ts";
import type { InvariantError } from "../../../primitives/assert.ts";
import { LogRoot } from "../../observability/logger.ts";
import { Metrics } from "../../observability/metrics.ts";
import { type RpcServer, type RpcServerOptions, startRpcServer } from "../server.ts";
import { FakeNode } from "./fake-node.ts";

/** Test support: a fake node behind a real listener on a free port. */
export interface RpcSession {
  readonly node: FakeNode;
  readonly server: RpcServer;
  readonly metrics: Metrics;
  readonly logLines: string[];
  readonly invariants: InvariantError[];
  readonly url: string;
  close(): Promise<void>;
}

export async function startSession(
  options: Partial<RpcServerOptions> = {},
  node = new FakeNode(),
): Promise<RpcSession> {
  const logLines: string[] = [];
  const invariants: InvariantError[] = [];
  const metrics = new Metrics();
  const root = new LogRoot({
    level: "debug",
    destination: { write: (line) => void logLines.push(line) },
  });
  const server = await startRpcServer({
    host: "127.0.0.1",
    port: 0,
    ports: node,
    metrics,
    log: root.module("api"),
    onInvariant: (error) => void invariants.push(error),
    ...options,
  });
  const close = async (): Promise<void> => {
    await server.close();
    metrics.close();
  };
  const url = `http://127.0.0.1:${server.port}`;
  return { node, server, metrics, logLines, invariants, url, close };
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** One HTTP request with any headers, also those that `fetch` would not send. */
export function rawPost(
  session: RpcSession,
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
  target: { readonly method?: string; readonly path?: string } = {},
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: "127.0.0.1",
        port: session.server.port,
        method: target.method ?? "POST",
        path: target.path ?? RPC_PATH,
        agent: false,
        headers: { "content-type": "application/json", ...headers },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString("utf8"),
          }),
        );
      },
    );
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

/** Bytes straight to the socket; what comes back until the server ends it. */
export function rawSocket(session: RpcSession, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(session.server.port, "127.0.0.1", () => socket.write(bytes));
    let text = "";
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => {
      text += chunk;
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(text));
  });
}

export function callText(method: string, params: unknown, id: unknown = 1): string {
  return JSON.stringify({ jsonrpc: "2.0", id, method, params });
}

interface ReplyJson {
  readonly id: unknown;
  readonly result?: unknown;
  readonly error?: RpcErrorObject;
}

export async function post(session: RpcSession, text: string): Promise<RawAnswer & ReplyJson> {
  const answer = await rawPost(session, text);
  // The server's own tests check the shape where it matters.
  return { ...answer, ...(JSON.parse(answer.text) as ReplyJson) };
}

/** The result of a call that must succeed. */
export async function resultOf<M extends MethodName>(
  session: RpcSession,
  method: M,
  params: ParamsOf<M>,
): Promise<ResultOf<M>> {
  const { result, text } = await post(session, callText(method, params));
  if (result === undefined) throw new Error(`${method} refused: ${text}`);
  return result as ResultOf<M>;
}

/** The error of a call that must be refused. */
export async function errorOf(
  session: RpcSession,
  method: string,
  params: unknown,
): Promise<RpcErrorObject> {
  const { error, text } = await post(session, callText(method, params));
  if (error === undefined) throw new Error(`${method} answered: ${text}`);
  return error;
}
