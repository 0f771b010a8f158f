import type { Stream } from "@libp2p/interface";
import { encodeFrame, type FrameClass, FrameKind } from "./frame.ts";
import {
  decodeHello,
  decodeVerdict,
  encodeHello,
  encodeVerdict,
  type Hello,
  type HelloExpectation,
  judgeHello,
} from "./hello.ts";
import { NetError, REFUSAL_CODES, type RefusalCode } from "./net-error.ts";

/** What we tell about ourselves. */
export type Introduction = Pick<Hello, "protocolVersion" | "chainId" | "validator" | "software">;

export function isRefusal(code: string): code is RefusalCode {
  return (REFUSAL_CODES as readonly string[]).includes(code);
}

/**
 * The handshake on one stream, the same on both sides: each says hello at once and answers the
 * other's with a verdict. It is done when the peer's hello is accepted by us and ours by the peer,
 * so a stream whose opening was refused without a word (libp2p resolves it first) never counts.
 */
export class StreamHandshake {
  readonly #stream: Stream;
  readonly #frameClass: FrameClass;
  readonly #expected: HelloExpectation;
  #hello: Hello | undefined;
  #accepted = false;

  constructor(stream: Stream, frameClass: FrameClass, peer: number, own: Introduction) {
    this.#stream = stream;
    this.#frameClass = frameClass;
    const { protocolVersion, chainId } = own;
    this.#expected = { protocolVersion, chainId, validator: peer, stream: frameClass };
  }

  get done(): boolean {
    return this.#hello !== undefined && this.#accepted;
  }

  /** The peer's hello, once it is accepted. */
  get hello(): Hello | undefined {
    return this.#hello;
  }

  /** Says our hello. May throw what the stream throws. */
  open(own: Introduction): void {
    const hello = { ...own, stream: this.#frameClass, clockMs: Date.now() };
    this.#stream.send(encodeFrame(FrameKind.hello, encodeHello(hello)));
  }

  /**
   * Takes a frame of the handshake. Throws NetError with the code of the refusal, ours (after it
   * has been sent) or the peer's (`data.by` is "peer").
   */
  onFrame(kind: FrameKind, payload: Uint8Array): void {
    if (kind === FrameKind.hello && this.#hello === undefined) {
      this.#onHello(payload);
    } else if (kind === FrameKind.helloAck && !this.#accepted) {
      this.#onVerdict(payload);
    } else {
      throw new NetError("FRAME_OUT_OF_TURN", `${this.#frameClass} stream: kind ${kind}`, {
        stream: this.#frameClass,
        kind,
      });
    }
  }

  #onHello(payload: Uint8Array): void {
    let hello: Hello;
    try {
      hello = decodeHello(payload);
    } catch (error) {
      this.#answer("HELLO_MALFORMED");
      throw error;
    }
    const refusal = judgeHello(hello, this.#expected);
    if (refusal !== undefined) {
      if (isRefusal(refusal.code)) this.#answer(refusal.code);
      throw refusal;
    }
    this.#answer("ACCEPTED");
    this.#hello = hello;
  }

  #onVerdict(payload: Uint8Array): void {
    const verdict = decodeVerdict(payload);
    if (verdict !== "ACCEPTED") {
      throw new NetError(verdict, `the peer refuses us: ${verdict}`, { by: "peer" });
    }
    this.#accepted = true;
  }

  #answer(verdict: Parameters<typeof encodeVerdict>[0]): void {
    this.#stream.send(encodeFrame(FrameKind.helloAck, encodeVerdict(verdict)));
  }
}
