import { type BlockHeader, headerDigest, headerSchema } from "../../consensus/header.ts";
import { decodeSignedTransaction } from "../../ledger/envelope.ts";
import { toHex } from "../../primitives/bytes.ts";
import { decode, encode } from "../../primitives/codec/codec.ts";
import { sha256 } from "../../primitives/sha256.ts";
import { settlementBody, signedSettlement } from "./settlement-ledger.ts";
import type { Suite, Task } from "./suite.ts";

const CHAIN = "aa".repeat(32);
/** Batches in the header of a busy block of a small network. */
const BATCHES = 8;

/** From the value to the bytes that travel and back; the way in checks the canonical form. */
export const encoding: Suite = {
  area: "encoding",
  open() {
    const body = settlementBody(CHAIN, 0, 100);
    const { bytes } = signedSettlement(body);
    const header = exampleHeader();
    const headerBytes = encode(headerSchema, header, "header");
    return {
      tasks: [
        task("encode", "settlement", () => signedSettlement(body)),
        task("decode", "settlement", () => decodeSignedTransaction(bytes)),
        task("encode", "header", () => encode(headerSchema, header, "header")),
        task("decode", "header", () => decode(headerSchema, headerBytes, undefined, "header")),
        task("digest", "header", () => headerDigest(header)),
      ],
    };
  },
};

function task(operation: string, unit: string, run: () => unknown): Task {
  return { name: `encoding.${operation}/of=${unit}`, units: 1, unit, run };
}

function exampleHeader(): BlockHeader {
  const hash = (i: number): string => toHex(sha256(new Uint8Array([i])));
  return {
    version: 1,
    chainId: CHAIN,
    epoch: 0,
    height: 123_456,
    parentDigest: hash(0),
    proposer: 2,
    timestampMs: 1_764_046_800_000,
    batchDigests: Array.from({ length: BATCHES }, (_, i) => hash(i + 1)),
    stateRoot: hash(100),
    receiptsRoot: hash(101),
    evidence: [],
    nextValidators: undefined,
  };
}
