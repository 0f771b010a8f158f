import { messageOf } from "../../primitives/errors.ts";
import { corruptAt } from "./block-record.ts";
import type { BlockStore } from "./block-store.ts";
import type { ChainHead, StateEntry } from "./committed-block.ts";
import { blockKey } from "./keyspace.ts";
import { StorageError } from "./storage-error.ts";

/** Newest blocks that are walked unless told otherwise: a few seconds of a start. */
export const DEFAULT_WALK = 250_000;

export interface BootCheckOptions {
  /** Newest blocks to walk, or all of them. Without it: all, up to `DEFAULT_WALK`. */
  readonly blocks?: number | "all";
  /** Reads every batch of the walked blocks too and compares its digest: reads all data. */
  readonly batchDigest?: (batch: Uint8Array) => string;
}

export interface BootReport {
  readonly head: ChainHead;
  /** Walked heights; `fromHeight` > `toHeight` where there is no block yet. */
  readonly fromHeight: number;
  readonly toHeight: number;
  /** Whether the walk reached the anchor: the genesis, or the block that the chain begins at. */
  readonly complete: boolean;
  readonly batchesChecked: number;
  /**
   * Every entry of the ledger state, in key order. The caller recomputes the root and compares it
   * with `head.stateRoot`: that an entry is missing shows nowhere else.
   */
  readonly state: readonly StateEntry[];
}

/**
 * Checks what LevelDB does not: it opens cleanly with a hole of synced records in the middle. Walks
 * from height to height: every header is there, hashes to its digest, names the one before and
 * carries its height; indexes and certificates are there; nothing stands above the head.
 * Throws DB_CORRUPT with the first bad height in `data.height`, or DB_NO_GENESIS.
 */
export async function verifyAtBoot(
  blocks: BlockStore,
  options: BootCheckOptions = {},
): Promise<BootReport> {
  const { head, earliestHeight } = blocks;
  const wanted = options.blocks === "all" ? head.height : (options.blocks ?? DEFAULT_WALK);
  const fromHeight = Math.max(earliestHeight, head.height - wanted + 1);
  await checkBase(blocks);
  let batchesChecked = 0;
  let parent = anchorOf(blocks, fromHeight);
  let expected = fromHeight;
  const range = { gte: blockKey("header", fromHeight), lte: blockKey("header", head.height) };
  try {
    for await (const [key, header] of blocks.database.scan(range)) {
      if (!Buffer.from(key).equals(blockKey("header", expected))) break;
      parent = checkBlock(blocks, expected, header, parent);
      batchesChecked += checkBatches(blocks, expected, options.batchDigest);
      expected += 1;
    }
  } catch (error) {
    throw withHeight(error, expected);
  }
  if (expected <= head.height) throw corruptAt(expected, "its header is missing");
  if (parent !== head.digest) throw corruptAt(head.height, "the head has another digest");
  await checkNothingAbove(blocks, head);
  const state = await readState(blocks);
  const complete = fromHeight === earliestHeight;
  return { head, fromHeight, toHeight: head.height, complete, batchesChecked, state };
}

/**
 * A chain that a snapshot began: its first block stands alone, with header and certificate, and
 * nothing stands below it. That the certificate is one is for the caller to check.
 */
async function checkBase(blocks: BlockStore): Promise<void> {
  const { baseHeight } = blocks;
  if (baseHeight === 0) return;
  if (baseHeight > blocks.head.height) throw corruptAt(baseHeight, "the head stands below it");
  const header = blocks.header(baseHeight);
  if (header === undefined) throw corruptAt(baseHeight, "its header is missing");
  const { parentDigest } = readFacts(blocks, baseHeight, header);
  checkBlock(blocks, baseHeight, header, parentDigest);
  const below = { gte: blockKey("header", 0), lt: blockKey("header", baseHeight) };
  for await (const _ of blocks.database.scan(below, 1)) {
    throw corruptAt(baseHeight, "a block stands below the first one");
  }
}

/** Digest that the first walked block must name. */
function anchorOf(blocks: BlockStore, fromHeight: number): string {
  const digest = blocks.digest(fromHeight - 1);
  if (digest === undefined) throw corruptAt(fromHeight - 1, "its record is missing");
  return digest;
}

function checkBlock(
  blocks: BlockStore,
  height: number,
  header: Uint8Array,
  parent: string,
): string {
  const facts = readFacts(blocks, height, header);
  const record = blocks.record(height);
  if (record === undefined) throw corruptAt(height, "its record is missing");
  if (facts.height !== height) throw corruptAt(height, `its header says height ${facts.height}`);
  if (facts.digest !== record.digest) throw corruptAt(height, "its header has another digest");
  if (facts.parentDigest !== parent) throw corruptAt(height, "it does not link to the one before");
  if (record.previousDigest !== parent) throw corruptAt(height, "its record names another parent");
  if (facts.stateRoot !== record.stateRoot) throw corruptAt(height, "its record has another root");
  if (blocks.heightOf(facts.digest) !== height)
    throw corruptAt(height, "its digest is not indexed");
  if (blocks.finalization(height) === undefined) throw corruptAt(height, "it has no finalization");
  if (height === blocks.head.height && facts.stateRoot !== blocks.head.stateRoot) {
    throw corruptAt(height, "the head has another state root");
  }
  return facts.digest;
}

function readFacts(blocks: BlockStore, height: number, header: Uint8Array) {
  try {
    return blocks.readHeader(header);
  } catch (error) {
    throw corruptAt(height, `its header cannot be read: ${messageOf(error)}`, error);
  }
}

function checkBatches(
  blocks: BlockStore,
  height: number,
  batchDigest: BootCheckOptions["batchDigest"],
): number {
  if (batchDigest === undefined) return 0;
  const digests = blocks.batchDigests(height) ?? [];
  for (const digest of digests) {
    const body = blocks.batches.getBatch(digest);
    if (body === undefined) throw corruptAt(height, `its batch ${digest} is missing`);
    if (batchDigest(body) !== digest) throw corruptAt(height, `its batch ${digest} has changed`);
  }
  return digests.length;
}

/** A header above the head means that the head went back: part of the database is older. */
async function checkNothingAbove(blocks: BlockStore, head: ChainHead): Promise<void> {
  const above = {
    gt: blockKey("header", head.height),
    lte: blockKey("header", Number.MAX_SAFE_INTEGER),
  };
  for await (const _ of blocks.database.scan(above, 1)) {
    throw corruptAt(head.height + 1, "a block stands above the head");
  }
}

async function readState(blocks: BlockStore): Promise<readonly StateEntry[]> {
  const state: StateEntry[] = [];
  for await (const entry of blocks.state.entries()) state.push(entry);
  return state;
}

function withHeight(error: unknown, height: number): unknown {
  if (!(error instanceof StorageError) || error.code !== "DB_CORRUPT") return error;
  return "height" in error.data ? error : corruptAt(height, error.message, error);
}
