import { toBase64 } from "../../client/rpc/base64.ts";
import { RpcRefusal } from "../../client/rpc/errors.ts";
import { RPC_LIMITS } from "../../client/rpc/limits.ts";
import type { ParamsOf, ResultOf } from "../../client/rpc/methods.ts";
import type { CallContext } from "./call-context.ts";
import type { BlockReference, BlockTransaction, BlockView } from "./ports.ts";

export function chainInfo(context: CallContext): ResultOf<"chain.info"> {
  const facts = context.ports.chain.facts();
  return {
    chainId: facts.chainId,
    genesisHash: facts.chainId,
    protocol: facts.protocol,
    software: facts.software,
    height: String(facts.head.height),
    blockHash: facts.head.digest,
    stateRoot: facts.head.stateRoot,
    blockTime: String(facts.head.timestampMs),
    epoch: String(facts.head.epoch),
    syncing: facts.syncing,
    earliestHeight: String(facts.earliestHeight),
    limits: {
      maxBody: RPC_LIMITS.maxBody,
      maxBatch: RPC_LIMITS.maxBatch,
      maxPage: RPC_LIMITS.maxPage,
      maxTxBytes: RPC_LIMITS.maxTxBytes,
      maxExpiryBlocks: facts.maxExpiryBlocks,
    },
  };
}

export async function getBlock(
  context: CallContext,
  params: ParamsOf<"chain.block">,
): Promise<ResultOf<"chain.block">> {
  const block = await context.ports.chain.block(referenceOf(context, params));
  if (block === undefined) throw new RpcRefusal("NOT_FOUND");
  const result = blockJson(block);
  const view = params.view ?? "header";
  if (view === "header") return result;
  const transactions = await context.ports.chain.blockTransactions(block.header.height);
  if (transactions === undefined) throw pruned(context);
  const txIds = transactions.map((transaction) => transaction.txId);
  if (view === "ids") return { ...result, txIds };
  refuseOversize(transactions);
  return { ...result, txIds, transactions: transactions.map(({ bytes }) => toBase64(bytes)) };
}

/** The block by its number or digest; a height that this node cannot have is told as such. */
function referenceOf(context: CallContext, params: ParamsOf<"chain.block">): BlockReference {
  const { height, hash } = params;
  if ((height === undefined) === (hash === undefined)) {
    const message = "give exactly one of height and hash";
    throw new RpcRefusal("INVALID_PARAMS", { field: "height" }, { message });
  }
  if (hash !== undefined) return { digest: hash };
  const wanted = Number(height);
  const facts = context.ports.chain.facts();
  if (wanted > facts.head.height) {
    throw new RpcRefusal("AHEAD_OF_HEAD", { head: String(facts.head.height), got: String(height) });
  }
  if (wanted === 0) throw new RpcRefusal("NOT_FOUND", {}, { message: "the genesis has no header" });
  if (wanted < facts.earliestHeight) throw pruned(context);
  return { height: wanted };
}

function pruned(context: CallContext): RpcRefusal {
  return new RpcRefusal("PRUNED", { earliest: String(context.ports.chain.facts().earliestHeight) });
}

function blockJson(block: BlockView): ResultOf<"chain.block"> {
  const { header } = block;
  return {
    height: String(header.height),
    hash: block.digest,
    parentHash: header.parentDigest,
    epoch: String(header.epoch),
    proposer: header.proposer,
    timestampMs: String(header.timestampMs),
    stateRoot: header.stateRoot,
    receiptsRoot: header.receiptsRoot,
    batchDigests: [...header.batchDigests],
    header: toBase64(block.headerBytes),
    commit: toBase64(block.finalization),
  };
}

/** A block may hold 16 MiB of transactions: too much for one reply, so `ids` remains. */
function refuseOversize(transactions: readonly BlockTransaction[]): void {
  let size = 0;
  for (const { bytes } of transactions) size += 4 * Math.ceil(bytes.length / 3) + 72;
  if (size > RPC_LIMITS.maxResponse) {
    throw new RpcRefusal("LIMIT_TOO_LARGE", {
      field: "view",
      limit: String(RPC_LIMITS.maxResponse),
      got: String(size),
    });
  }
}
