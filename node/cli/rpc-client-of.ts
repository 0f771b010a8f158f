import { RpcClient } from "../../client/rpc-client.ts";

/** Rounds over the named nodes: somebody waits at a terminal, and can repeat the command. */
const ROUNDS = 3;

/** The client of a command; it goes to the next node where one does not answer. */
export function rpcClientOf(endpoints: readonly string[]): RpcClient {
  return new RpcClient({ endpoints, retry: { maxAttempts: ROUNDS * endpoints.length } });
}
