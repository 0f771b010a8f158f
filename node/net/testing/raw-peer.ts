import type { Connection, Libp2p, Stream } from "@libp2p/interface";
import { multiaddr } from "@multiformats/multiaddr";
import { encodeFrame, FRAME_CLASSES, type FrameClass, FrameKind } from "../frame.ts";
import { encodeHello, encodeVerdict, type Hello } from "../hello.ts";
import { createHost, networkIdentity, STREAM_PROTOCOLS } from "../host.ts";
import { CHAIN, seedOf } from "./cluster.ts";

/**
 * A libp2p host that admits everybody and does on its streams exactly what a test tells it: the
 * malicious validator of the tests.
 */
export class RawPeer {
  readonly host: Libp2p;
  /** Streams that the other side opened on us, if we accept any. */
  readonly accepted: Stream[] = [];
  readonly validator: number;

  private constructor(host: Libp2p, validator: number) {
    this.host = host;
    this.validator = validator;
  }

  /** With the network key of `validator`'s test seed; registered or not is the caller's choice. */
  static async start(validator: number): Promise<RawPeer> {
    const host = await createHost({
      identity: await networkIdentity(seedOf(validator)),
      listen: [multiaddr("/ip4/127.0.0.1/tcp/0")],
      gater: { denyDialMultiaddr: () => false },
      now: () => performance.now(),
    });
    const peer = new RawPeer(host, validator);
    await host.start();
    return peer;
  }

  get addresses(): string[] {
    return this.host.getMultiaddrs().map((address) => address.toString());
  }

  /** Takes incoming streams: greets on each, and never reads. */
  async greetIncoming(): Promise<void> {
    for (const frameClass of FRAME_CLASSES) {
      await this.host.handle(STREAM_PROTOCOLS[frameClass], (stream) => {
        this.accepted.push(stream);
        this.greet(stream, frameClass);
        stream.pause();
      });
    }
  }

  /** Always a new connection. */
  async connect(addresses: readonly string[]): Promise<Connection> {
    const targets = addresses.map((address) => multiaddr(address));
    return this.host.dial(targets, { force: true });
  }

  open(connection: Connection, frameClass: FrameClass): Promise<Stream> {
    return connection.newStream(STREAM_PROTOCOLS[frameClass], { maxOutboundStreams: 1_000 });
  }

  /** Says hello and accepts whatever the other side says. */
  greet(stream: Stream, frameClass: FrameClass, changes: Partial<Hello> = {}): void {
    const hello: Hello = {
      protocolVersion: 1,
      chainId: CHAIN,
      validator: this.validator,
      stream: frameClass,
      software: "raw/1",
      clockMs: 0,
      ...changes,
    };
    stream.send(encodeFrame(FrameKind.hello, encodeHello(hello)));
    stream.send(encodeFrame(FrameKind.helloAck, encodeVerdict("ACCEPTED")));
  }

  /** A greeted link: both streams, ready to misbehave on. */
  async link(addresses: readonly string[]): Promise<Record<FrameClass, Stream>> {
    const connection = await this.connect(addresses);
    const priority = await this.open(connection, "priority");
    this.greet(priority, "priority");
    const bulk = await this.open(connection, "bulk");
    this.greet(bulk, "bulk");
    return { priority, bulk };
  }

  async stop(): Promise<void> {
    for (const connection of this.host.getConnections()) connection.abort(new Error("test ends"));
    await this.host.stop();
  }
}
