import type { Connection, Libp2p, Stream } from "@libp2p/interface";
import type { Multiaddr } from "@multiformats/multiaddr";
import { messageOf } from "../../primitives/errors.ts";
import type { FrameClass } from "./frame.ts";
import { STREAM_PROTOCOLS } from "./host.ts";
import { NetError } from "./net-error.ts";

/** A dial failure in one line: libp2p throws its own, Node's and aggregates of both. */
function reasonOf(thrown: unknown): string {
  if (thrown instanceof AggregateError) {
    return thrown.errors.map((error: unknown) => reasonOf(error)).join("; ");
  }
  const message = messageOf(thrown);
  const code: unknown = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
  return typeof code === "string" && !message.includes(code) ? `${code}: ${message}` : message;
}

/**
 * `work`, or a rejection when the signal fires first, even if `work` itself never settles; what it
 * brings after that goes to `discard`.
 */
function bounded<T>(work: Promise<T>, signal: AbortSignal, discard: (late: T) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(new NetError("DIAL_FAILED", reasonOf(signal.reason)));
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    work.then(
      (value) => {
        if (signal.aborted) discard(value);
        signal.removeEventListener("abort", onAbort);
        resolve(value);
      },
      (cause: unknown) => {
        signal.removeEventListener("abort", onAbort);
        reject(new NetError("DIAL_FAILED", reasonOf(cause), {}, { cause }));
      },
    );
  });
}

/**
 * A new connection to one peer over the first of its addresses that answers with its identity.
 * Throws NetError DIAL_FAILED, at the latest when the signal fires. The peer may still refuse us
 * after this has resolved.
 */
export function dialPeer(
  host: Libp2p,
  addresses: readonly Multiaddr[],
  signal: AbortSignal,
): Promise<Connection> {
  // `force`: never a connection that libp2p still holds from an earlier link.
  const dialing = host.dial([...addresses], { signal, force: true });
  return bounded(dialing, signal, (late) => {
    late.abort(new NetError("DIAL_FAILED", "connected too late"));
  });
}

/** Opens one of the link's streams. Throws NetError DIAL_FAILED. */
export function openStream(
  connection: Connection,
  frameClass: FrameClass,
  signal: AbortSignal,
): Promise<Stream> {
  const opening = connection.newStream(STREAM_PROTOCOLS[frameClass], { signal });
  return bounded(opening, signal, (late) => {
    late.abort(new NetError("DIAL_FAILED", "stream opened too late"));
  });
}
