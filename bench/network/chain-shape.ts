import { fromBase64 } from "../../client/rpc/base64.ts";
import type { RpcClient } from "../../client/rpc-client.ts";
import { certificateSchema } from "../../consensus/certificate.ts";
import { present } from "../../primitives/assert.ts";
import { decode } from "../../primitives/codec/codec.ts";

/** What the chain grew by. */
export interface ChainShape {
  readonly blocks: number;
  /** Blocks without a batch: all their cost is overhead. */
  readonly emptyBlocks: number;
  /** Views that ended without a block: their leaders were too late for the others. */
  readonly lostViews: number;
}

/** Reads the blocks above `from` up to `to` from one node. */
export async function chainShape(client: RpcClient, from: number, to: number): Promise<ChainShape> {
  let emptyBlocks = 0;
  let firstView: number | undefined;
  let lastView = 0;
  for (let height = from + 1; height <= to; height++) {
    const block = await client.call("chain.block", { height: String(height), view: "header" });
    if (block.batchDigests.length === 0) emptyBlocks += 1;
    const commit = present(fromBase64(block.commit), "certificate in base64");
    lastView = decode(certificateSchema, commit, undefined, "commit").view;
    firstView ??= lastView;
  }
  const blocks = to - from;
  const views = firstView === undefined ? 0 : lastView - firstView + 1;
  return { blocks, emptyBlocks, lostViews: Math.max(0, views - blocks) };
}
