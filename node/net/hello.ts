import { decode, encode } from "../../primitives/codec/codec.ts";
import {
  counter,
  hash,
  type Infer,
  oneOf,
  record,
  text,
  uint,
} from "../../primitives/codec/schema.ts";
import { messageOf } from "../../primitives/errors.ts";
import { FRAME_CLASSES, type FrameClass } from "./frame.ts";
import { UNKNOWN_NUMBER } from "./limits.ts";
import { NetError, REFUSAL_CODES, type RefusalCode } from "./net-error.ts";

const HELLO_LIMITS = { maxBytes: 1_024, maxDepth: 4, maxElements: 32 };

/**
 * The first frame of either side on either stream. Its layout must stay readable for every future
 * protocol version, or a mismatch could not be told apart from noise.
 */
export const helloSchema = record({
  protocolVersion: uint(0xffff),
  chainId: hash,
  /** The sender's number on this chain, or UNKNOWN_NUMBER: its network key says who it is. */
  validator: uint(UNKNOWN_NUMBER),
  stream: oneOf(FRAME_CLASSES),
  software: text(64, /^[\x20-\x7e]{1,64}$/),
  /** The sender's wall clock in milliseconds: shown to operators, never used for a decision. */
  clockMs: counter,
});
export type Hello = Infer<typeof helloSchema>;

/** The answer to a hello: accepted, or the code for which it is refused. */
const answerSchema = record({ verdict: oneOf(["ACCEPTED", ...REFUSAL_CODES]) });
export type HelloVerdict = "ACCEPTED" | RefusalCode;

export function encodeHello(hello: Hello): Uint8Array {
  return encode(helloSchema, hello, "hello");
}

/** Throws NetError HELLO_MALFORMED. */
export function decodeHello(bytes: Uint8Array): Hello {
  try {
    return decode(helloSchema, bytes, HELLO_LIMITS, "hello");
  } catch (cause) {
    throw new NetError("HELLO_MALFORMED", messageOf(cause), {}, { cause });
  }
}

export function encodeVerdict(verdict: HelloVerdict): Uint8Array {
  return encode(answerSchema, { verdict }, "helloAck");
}

/** Throws NetError HELLO_MALFORMED. */
export function decodeVerdict(bytes: Uint8Array): HelloVerdict {
  try {
    return decode(answerSchema, bytes, HELLO_LIMITS, "helloAck").verdict;
  } catch (cause) {
    throw new NetError("HELLO_MALFORMED", messageOf(cause), {}, { cause });
  }
}

export interface HelloExpectation {
  readonly protocolVersion: number;
  readonly chainId: string;
  /** The validator whose network key the connection has proved. */
  readonly validator: number;
  readonly stream: FrameClass;
}

/** Undefined when the hello is welcome; version first, as other versions may mean other fields. */
export function judgeHello(hello: Hello, expected: HelloExpectation): NetError | undefined {
  const refuse = (code: RefusalCode, field: string, got: string | number, want: string | number) =>
    new NetError(code, `hello: ${field} is ${got}, expected ${want}`, { field, got, want });
  if (hello.protocolVersion !== expected.protocolVersion) {
    return refuse(
      "PROTOCOL_VERSION",
      "protocolVersion",
      hello.protocolVersion,
      expected.protocolVersion,
    );
  }
  if (hello.chainId !== expected.chainId) {
    return refuse("WRONG_CHAIN", "chainId", hello.chainId, expected.chainId);
  }
  if (hello.validator !== expected.validator && hello.validator !== UNKNOWN_NUMBER) {
    return refuse("WRONG_VALIDATOR", "validator", hello.validator, expected.validator);
  }
  if (hello.stream !== expected.stream) {
    return refuse("WRONG_STREAM", "stream", hello.stream, expected.stream);
  }
  return undefined;
}
