import type { NetLogger } from "../net/mesh-api.ts";
import type { Logger } from "../observability/logger.ts";

/** The mesh writes (data, text) lines; the node's log has stable event names. */
export function meshLogger(logger: Logger): NetLogger {
  return {
    debug: (data, message) => logger.debug("net.link", { ...data }, message),
    info: (data, message) => logger.info("net.link", { ...data }, message),
    warn: (data, message) => logger.warn("net.link", { ...data }, message),
    error: (data, message) => logger.error("net.link", { ...data }, message),
  };
}
