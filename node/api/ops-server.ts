import type { AddressInfo } from "node:net";
import { fastify } from "fastify";
import { present } from "../../primitives/assert.ts";
import type { Logger } from "../observability/logger.ts";
import type { Metrics } from "../observability/metrics.ts";
import { SERVER_LIMITS } from "./limits.ts";

/** One condition of being ready. `reason` is a stable token, given where the check fails. */
export interface ReadinessCheck {
  readonly name: string;
  readonly ok: boolean;
  /** SYNCING, DRAINING, HALTED, UPGRADE_REQUIRED, PEERS_BELOW_QUORUM, DISK_LOW … */
  readonly reason?: string;
}

export interface OpsServerOptions {
  /** Any address: the listener tells nothing about members or balances and takes no commands. */
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Computed from what the node has in memory: a probe must not cost a disk read. */
  readonly readiness: () => readonly ReadinessCheck[];
}

export interface OpsServer {
  readonly host: string;
  readonly port: number;
  close(): Promise<void>;
}

/** Scrapers and orchestrators: a handful. */
const MAX_OPS_CONNECTIONS = 64;

/**
 * Starts the listener of the operators' machines: `/metrics`, `/livez`, `/readyz`. Liveness is that
 * this process answers at all; peers and sync belong to readiness, or an orchestrator would restart
 * every node of a network that is cut in two.
 */
export async function startOpsServer(options: OpsServerOptions): Promise<OpsServer> {
  const { metrics, log, readiness } = options;
  const app = fastify({
    logger: false,
    bodyLimit: 1,
    requestTimeout: SERVER_LIMITS.requestTimeoutMs,
    connectionTimeout: SERVER_LIMITS.socketIdleMs,
    forceCloseConnections: true,
    requestIdHeader: false,
    http: {
      headersTimeout: SERVER_LIMITS.headersTimeoutMs,
      connectionsCheckingInterval: SERVER_LIMITS.timeoutCheckMs,
      maxHeaderSize: SERVER_LIMITS.maxHeaderBytes,
    },
  });
  app.server.maxConnections = MAX_OPS_CONNECTIONS;
  app.removeAllContentTypeParsers();
  app.addHook("onRequest", async (_request, reply) => {
    reply.headers({ "cache-control": "no-store", "x-content-type-options": "nosniff" });
  });
  app.setErrorHandler(async (thrown: { statusCode?: number }, _request, reply) => {
    const status = thrown.statusCode ?? 500;
    if (status >= 500) log.error("ops.internal", { err: thrown });
    return reply.code(status).send({ error: status >= 500 ? "INTERNAL" : "INVALID_REQUEST" });
  });

  // Scrapers that come at the same time share one pass over the registry.
  let scraping: Promise<string> | undefined;
  app.get("/metrics", async (_request, reply) => {
    scraping ??= metrics.scrape().finally(() => {
      scraping = undefined;
    });
    return reply.type(metrics.contentType).send(await scraping);
  });
  app.get("/livez", async () => ({ alive: true }));
  app.get("/readyz", async (_request, reply) => {
    const checks = readiness();
    const ready = checks.every((check) => check.ok);
    return reply.code(ready ? 200 : 503).send({ ready, checks });
  });

  await app.listen({ host: options.host, port: options.port });
  // A server that listens on TCP has an address.
  const address = present(app.server.address(), "address of the listener") as AddressInfo;
  log.info("ops.listening", { host: address.address, port: address.port });
  return { host: address.address, port: address.port, close: () => app.close() };
}
