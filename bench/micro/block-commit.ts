import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BlockHeader, headerDigest, headerSchema } from "../../consensus/header.ts";
import { applyBlock } from "../../ledger/apply-block.ts";
import { encodeEvent } from "../../ledger/events.ts";
import type { TestLedger } from "../../ledger/testing/test-ledger.ts";
import { BlockStore } from "../../node/storage/block-store.ts";
import type { CommittedBlock } from "../../node/storage/committed-block.ts";
import { Database } from "../../node/storage/database.ts";
import { concatBytes, toHex, utf8 } from "../../primitives/bytes.ts";
import { decode, encode } from "../../primitives/codec/codec.ts";
import { sha256 } from "../../primitives/sha256.ts";
import { checkedSettlements, settlementLedger } from "./settlement-ledger.ts";
import type { Suite, Task } from "./suite.ts";

const BLOCKS = [1, 64, 256] as const;
/** Size of a certificate of four validators, bytes. */
const CERTIFICATE_BYTES = 320;

/** Durable commits of blocks: one atomic batch, synced to the disk below the temporary folder. */
export const blockCommit: Suite = {
  area: "storage",
  async open() {
    const ledger = settlementLedger();
    const { chainId } = ledger;
    const root = await mkdtemp(join(tmpdir(), "mizan-bench-store-"));
    const database = await Database.create({ directory: join(root, "db"), chainId });
    const store = await BlockStore.open(database, (bytes) => {
      const header = decode(headerSchema, bytes, undefined, "header");
      return { ...header, digest: headerDigest(header) };
    });
    await store.writeGenesis({ stateRoot: ledger.tree.root, state: ledger.state });
    return {
      tasks: BLOCKS.map((size) => commitTask(store, ledger, size)),
      async close() {
        await database.close();
        await rm(root, { recursive: true, force: true });
      },
    };
  },
};

export type BlockContent = Pick<
  CommittedBlock,
  "receipts" | "events" | "stateChanges" | "stateRoot"
> & {
  readonly references: readonly string[];
  readonly batch: Uint8Array;
};

function commitTask(store: BlockStore, ledger: TestLedger, size: number): Task {
  const content = contentOf(ledger, size);
  let block = blockOn(store, content);
  return {
    name: `storage.commitBlock/settlements=${size}`,
    units: 1,
    unit: "block",
    before() {
      block = blockOn(store, content);
    },
    async run() {
      await store.commitBlock(block);
    },
  };
}

/** What a block of settlements leaves behind, from a real execution. */
function contentOf(ledger: TestLedger, size: number): BlockContent {
  const { state, tree } = ledger;
  const transactions = checkedSettlements(ledger, size);
  const height = ledger.height + 1;
  const timestampMs = ledger.timestampMs + 1_000;
  const result = applyBlock({
    state,
    tree,
    height,
    timestampMs,
    parentDigest: "0".repeat(64),
    transactions,
    evidence: [],
  });
  return {
    receipts: result.receiptBytes,
    events: result.events.map((event) => ({
      txIndex: event.txIndex,
      eventIndex: event.eventIndex,
      bytes: encodeEvent(event),
    })),
    stateChanges: result.changes,
    stateRoot: result.stateRoot,
    references: result.receipts.map(({ clientRef }) => clientRef),
    batch: concatBytes(...transactions.map(({ transaction }) => transaction.bytes)),
  };
}

/** The next block with that content; ids and references differ from block to block as in life. */
export function blockOn(store: BlockStore, content: BlockContent): CommittedBlock {
  const { head } = store;
  const height = head.height + 1;
  const batch = concatBytes(content.batch, utf8(String(height)));
  const batchDigest = toHex(sha256(batch));
  const { stateRoot } = content;
  const header: BlockHeader = {
    version: 1,
    chainId: store.database.chainId,
    epoch: 0,
    height,
    parentDigest: head.digest,
    proposer: 0,
    timestampMs: height,
    batchDigests: [batchDigest],
    stateRoot,
    receiptsRoot: stateRoot,
    evidence: [],
    nextValidators: undefined,
  };
  const references = content.references.map((reference) => `${reference}-${height}`);
  const txIds = references.map((reference) => toHex(sha256(utf8(reference))));
  return {
    ...content,
    height,
    digest: headerDigest(header),
    previousDigest: head.digest,
    header: encode(headerSchema, header, "header"),
    finalization: new Uint8Array(CERTIFICATE_BYTES),
    batches: [batchDigest],
    batchBodies: [[batchDigest, batch]],
    transactions: txIds.map((txId, index) => ({ txId, index })),
    clientRefs: references.map((clientRef, i) => ({
      member: "UBL",
      clientRef,
      txId: txIds[i] ?? "",
    })),
  };
}
