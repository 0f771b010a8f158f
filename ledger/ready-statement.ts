import { FixedWriter, fromHex, utf8 } from "../primitives/bytes.ts";

/** What a new consensus key signs to say that its node follows the chain. */
export interface ReadyClaim {
  readonly chainId: string;
  /** The epoch that is current when the statement is executed. */
  readonly epoch: number;
  /** A recent block (see Checkpoints) that the node has applied. */
  readonly height: number;
  readonly blockDigest: string;
}

const DOMAIN = utf8("MIZAN/READY/1\0");
const READY_BYTES = 14 + 32 + 8 + 8 + 32;

/** "MIZAN/READY/1\0" || chainId (32) || epoch u64 || height u64 || blockDigest (32): 94 bytes. */
export function readyStatement(claim: ReadyClaim): Uint8Array {
  return new FixedWriter(READY_BYTES)
    .put(DOMAIN)
    .put(fromHex(claim.chainId))
    .u64(claim.epoch)
    .u64(claim.height)
    .put(fromHex(claim.blockDigest))
    .finish();
}
