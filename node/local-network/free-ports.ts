import { createServer, type Server } from "node:net";
import { CodedError } from "../../primitives/errors.ts";

/** Ports that were free a moment ago; all are held until the last is found, so they differ. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers: Server[] = [];
  try {
    for (let i = 0; i < count; i++) servers.push(await listen());
    return servers.map(portOf);
  } finally {
    await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  }
}

function listen(): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve(server));
  });
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") {
    throw new CodedError("NO_PORT", "the system gave no TCP port");
  }
  return address.port;
}
