import { randomInt } from "node:crypto";
import { createServer, type Server } from "node:net";
import { CodedError } from "../../primitives/errors.ts";

/**
 * Below the ports that Linux (32768 on) and macOS (49152 on) give to outgoing connections: while a
 * validator is down, nobody's connection takes the port that it will listen on again.
 */
export const PORT_RANGE = { first: 10_000, last: 32_767 } as const;

/** Ports tried for one free one: on a machine that has this many taken, something else is wrong. */
const MAX_TRIES = 256;

/** Ports that were free a moment ago; all are held until the last is found, so they differ. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers: Server[] = [];
  try {
    for (let i = 0; i < count; i++) servers.push(await listenAnywhere());
    return servers.map(portOf);
  } finally {
    await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  }
}

/** A random place to start, so that networks made at the same moment do not meet. */
async function listenAnywhere(): Promise<Server> {
  for (let i = 0; i < MAX_TRIES; i++) {
    const server = await listen(randomInt(PORT_RANGE.first, PORT_RANGE.last + 1));
    if (server !== undefined) return server;
  }
  throw new CodedError("NO_PORT", `no free TCP port in ${MAX_TRIES} tries`, {
    expected: `a free port in ${PORT_RANGE.first}..${PORT_RANGE.last}`,
  });
}

/** Undefined when somebody listens there. */
function listen(port: number): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE" || error.code === "EACCES") resolve(undefined);
      else reject(error);
    });
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") {
    throw new CodedError("NO_PORT", "the system gave no TCP port");
  }
  return address.port;
}
