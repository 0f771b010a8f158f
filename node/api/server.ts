import { randomUUID } from "node:crypto";
import type { AddressInfo, Socket } from "node:net";
import { type FastifyError, type FastifyInstance, type FastifyRequest, fastify } from "fastify";
import { RPC_PATH } from "../../client/rpc/envelope.ts";
import { REASONS, RpcRefusal } from "../../client/rpc/errors.ts";
import { RPC_LIMITS } from "../../client/rpc/limits.ts";
import { present } from "../../primitives/assert.ts";
import { Dispatcher, type DispatcherOptions, errorObject } from "./dispatcher.ts";
import { HostAllowList, loopbackAddress } from "./host-guard.ts";
import { SERVER_LIMITS } from "./limits.ts";

export interface RpcServerOptions extends DispatcherOptions {
  /** Loopback address to bind; any other is refused with RPC_NOT_LOOPBACK. */
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  /** Host names besides loopback that requests may name (those of an authenticating proxy). */
  readonly allowedHosts?: readonly string[];
  /** Key of the rate limits; the socket's address if absent. */
  readonly clientOf?: (request: FastifyRequest) => string;
  readonly drainMs?: number;
  readonly headersTimeoutMs?: number;
  readonly requestTimeoutMs?: number;
}

export interface RpcServer {
  readonly host: string;
  readonly port: number;
  /** Open long polls. */
  readonly waiting: number;
  /**
   * Refuses new calls, answers those that wait, gives the others `drainMs` and closes every socket.
   * Safe to call twice.
   */
  close(): Promise<void>;
}

/** How often a closing server looks whether its calls are answered. */
const DRAIN_POLL_MS = 10;

/**
 * Starts the RPC listener: `POST /v1/rpc`, JSON only, loopback only. Throws BindError
 * RPC_NOT_LOOPBACK, or the system's error when the port is taken.
 */
export async function startRpcServer(options: RpcServerOptions): Promise<RpcServer> {
  const host = loopbackAddress(options.host);
  const dispatcher = new Dispatcher(options);
  const app = createApp(options);
  const openRequests = new Set<string>();
  const hosts = new HostAllowList(options.allowedHosts ?? []);

  app.addHook("onRequest", async (request, reply) => {
    openRequests.add(request.id);
    // Comes after an answer and after a client that went away, unlike the hooks for either.
    reply.raw.once("close", () => {
      openRequests.delete(request.id);
      options.metrics.rpc.seconds.observe(reply.elapsedTime / 1000);
    });
    reply.headers({
      "x-request-id": request.id,
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    });
    if (!hosts.admits(request.headers.host)) {
      throw new RpcRefusal("FORBIDDEN", {}, { message: "this host name is not served here" });
    }
  });
  addErrorReplies(app, options);
  addRoute(app, dispatcher, options.clientOf ?? ((request) => request.ip));

  await app.listen({ host, port: options.port });
  // A server that listens on TCP has an address.
  const address = present(app.server.address(), "address of the listener") as AddressInfo;
  options.log.info("rpc.listening", { host, port: address.port });

  let closing: Promise<void> | undefined;
  return {
    host,
    port: address.port,
    get waiting() {
      return dispatcher.waiting;
    },
    close() {
      closing ??= (async () => {
        dispatcher.drain();
        await settled(openRequests, options.drainMs ?? SERVER_LIMITS.drainMs);
        if (openRequests.size > 0) {
          options.log.warn("rpc.close-cut", { requests: openRequests.size });
        }
        await app.close();
      })();
      return closing;
    },
  };
}

function createApp(options: RpcServerOptions): FastifyInstance {
  const app = fastify({
    logger: false,
    bodyLimit: RPC_LIMITS.maxBody,
    requestTimeout: options.requestTimeoutMs ?? SERVER_LIMITS.requestTimeoutMs,
    connectionTimeout: SERVER_LIMITS.socketIdleMs,
    keepAliveTimeout: SERVER_LIMITS.keepAliveMs,
    // Otherwise close() waits for ever for a client that keeps its connection.
    forceCloseConnections: true,
    // Names and ids that a client sends never become ours.
    trustProxy: false,
    requestIdHeader: false,
    genReqId: () => randomUUID(),
    exposeHeadRoutes: false,
    http: {
      headersTimeout: options.headersTimeoutMs ?? SERVER_LIMITS.headersTimeoutMs,
      connectionsCheckingInterval: SERVER_LIMITS.timeoutCheckMs,
      maxHeaderSize: SERVER_LIMITS.maxHeaderBytes,
      insecureHTTPParser: false,
    },
    clientErrorHandler: refuseUnreadable,
  });
  app.server.maxConnections = SERVER_LIMITS.maxConnections;
  app.removeAllContentTypeParsers();
  // Raw bytes: the text is checked and bounded before any of it becomes an object.
  app.addContentTypeParser("application/json", { parseAs: "buffer" }, (_request, body, done) => {
    done(null, body);
  });
  return app;
}

function addRoute(
  app: FastifyInstance,
  dispatcher: Dispatcher,
  clientOf: (request: FastifyRequest) => string,
): void {
  app.post(RPC_PATH, async (request, reply) => {
    const body = request.body instanceof Uint8Array ? request.body : new Uint8Array(0);
    const answer = await dispatcher.answer(body, {
      client: clientOf(request),
      requestId: request.id,
      onGone: (end) => {
        if (request.raw.socket.destroyed) end();
        else reply.raw.once("close", end);
      },
    });
    if (answer.retryAfterMs !== undefined) {
      reply.header("retry-after", Math.max(1, Math.ceil(answer.retryAfterMs / 1000)));
    }
    reply.code(answer.status);
    if (answer.body === undefined) return reply.send();
    const size = Buffer.byteLength(answer.body);
    dispatcher.addUnsent(size);
    // Also where the client went away meanwhile: a response closes exactly once.
    if (reply.raw.destroyed) dispatcher.addUnsent(-size);
    else reply.raw.once("close", () => dispatcher.addUnsent(-size));
    return reply.type("application/json; charset=utf-8").send(answer.body);
  });
}

/** Replies to what never reaches the dispatcher, in the same shape as every other refusal. */
function addErrorReplies(app: FastifyInstance, options: RpcServerOptions): void {
  app.setNotFoundHandler(async (request, reply) => {
    options.metrics.countRpc("unknown", "METHOD_NOT_FOUND");
    const refusal = new RpcRefusal("METHOD_NOT_FOUND", {}, { message: `POST ${RPC_PATH} only` });
    return reply.code(404).send(refusalBody(refusal, request.id));
  });
  app.setErrorHandler(async (thrown: FastifyError | RpcRefusal, request, reply) => {
    const [status, refusal] = refusalOf(thrown);
    options.metrics.countRpc("unknown", refusal.code);
    if (refusal.code === "INTERNAL") {
      options.log.error("rpc.internal", { requestId: request.id, err: thrown });
    }
    return reply.code(status).send(refusalBody(refusal, request.id));
  });
}

function refusalBody(refusal: RpcRefusal, requestId: string): object {
  return { jsonrpc: "2.0", id: null, error: errorObject(refusal, requestId) };
}

function refusalOf(thrown: FastifyError | RpcRefusal): readonly [number, RpcRefusal] {
  if (thrown instanceof RpcRefusal) return [REASONS[thrown.code].http, thrown];
  switch (thrown.code) {
    case "FST_ERR_CTP_BODY_TOO_LARGE": {
      const limit = String(RPC_LIMITS.maxBody);
      return [413, new RpcRefusal("BODY_TOO_LARGE", { limit })];
    }
    case "FST_ERR_CTP_INVALID_MEDIA_TYPE": {
      const message = "content-type must be application/json";
      return [415, new RpcRefusal("INVALID_REQUEST", { field: "content-type" }, { message })];
    }
    default: {
      const status = thrown.statusCode ?? 500;
      const isOurs = status >= 500;
      return [status, new RpcRefusal(isOurs ? "INTERNAL" : "INVALID_REQUEST")];
    }
  }
}

/** No HTTP request, or one past its time: a bare status, then the socket ends. */
function refuseUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const status =
    error.code === "ERR_HTTP_REQUEST_TIMEOUT"
      ? "408 Request Timeout"
      : error.code === "HPE_HEADER_OVERFLOW"
        ? "431 Request Header Fields Too Large"
        : "400 Bad Request";
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}

/** Resolves when no request is open, or after `ms`. */
async function settled(open: ReadonlySet<string>, ms: number): Promise<void> {
  const deadline = performance.now() + ms;
  while (open.size > 0 && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
  }
}
