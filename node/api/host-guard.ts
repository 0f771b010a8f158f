import { CodedError } from "../../primitives/errors.ts";

/** The listener was asked to bind where other machines could reach it. */
export class BindError extends CodedError<"RPC_NOT_LOOPBACK"> {
  override readonly name = "BindError";
}

const LOOPBACK_V4 = /^127\.(?:\d{1,3})\.(?:\d{1,3})\.(?:\d{1,3})$/;

/**
 * The address to bind, if it is loopback. The surface carries no member authentication of its own,
 * so a node offers it to its own machine only, and a proxy that authenticates stands in front.
 * Throws BindError RPC_NOT_LOOPBACK; names other than `localhost` are refused, because what they
 * resolve to can change.
 */
export function loopbackAddress(host: string): string {
  if (host === "localhost") return "127.0.0.1";
  if (host === "::1") return host;
  if (LOOPBACK_V4.test(host) && host.split(".").every((part) => Number(part) <= 255)) return host;
  throw new BindError("RPC_NOT_LOOPBACK", `the RPC listener binds loopback only, not ${host}`, {
    field: "rpc.host",
    got: host.slice(0, 64),
  });
}

const LOOPBACK_NAMES = ["localhost", "127.0.0.1", "[::1]"] as const;

/**
 * Whether a request that names `hostHeader` is meant for this node. A page of a foreign site whose
 * name was rebound to loopback still names its own host here, and is refused.
 */
export class HostAllowList {
  readonly #names: ReadonlySet<string>;

  constructor(configured: readonly string[]) {
    this.#names = new Set([...LOOPBACK_NAMES, ...configured.map((name) => name.toLowerCase())]);
  }

  admits(hostHeader: string | undefined): boolean {
    if (hostHeader === undefined) return false;
    const name = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(?::\d{1,5})?$/.exec(hostHeader)?.[1];
    return name !== undefined && this.#names.has(name.toLowerCase());
  }
}
