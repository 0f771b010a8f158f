import { fromUtf8, toHex, utf8 } from "../../../primitives/bytes.ts";
import { sha256 } from "../../../primitives/sha256.ts";
import type { BatchEntry, CommittedBlock, HeaderFacts } from "../committed-block.ts";

/** A chain of toy blocks for tests: headers are JSON, everything else is derived from the height. */
export const CHAIN = "aa".repeat(32);

export function digestOf(bytes: Uint8Array): string {
  return toHex(sha256(bytes));
}

export function hashOf(text: string): string {
  return digestOf(utf8(text));
}

type HeaderBody = Omit<HeaderFacts, "digest">;

export function readHeader(header: Uint8Array): HeaderFacts {
  const { height, parentDigest, stateRoot, batchDigests }: HeaderBody = JSON.parse(
    fromUtf8(header),
  );
  return { digest: digestOf(header), height, parentDigest, stateRoot, batchDigests };
}

export function batchOf(height: number, index = 0): BatchEntry {
  const bytes = utf8(`batch ${height}/${index}`);
  return [digestOf(bytes), bytes];
}

/** Block `height` on `previousDigest`, with `transactions` executed ones of two events each. */
export function toyBlock(
  height: number,
  previousDigest: string,
  transactions = 2,
): CommittedBlock & { readonly batchBodies: readonly BatchEntry[] } {
  const batchBodies = [batchOf(height)];
  const batches = batchBodies.map(([digest]) => digest);
  const stateRoot = hashOf(`root ${height}`);
  const header = utf8(
    JSON.stringify({ height, parentDigest: previousDigest, stateRoot, batchDigests: batches }),
  );
  const indexes = Array.from({ length: transactions }, (_, index) => index);
  return {
    height,
    digest: digestOf(header),
    previousDigest,
    header,
    finalization: utf8(`finalization ${height}`),
    batches,
    batchBodies,
    receipts: indexes.map((index) => utf8(`receipt ${height}/${index}`)),
    events: indexes.flatMap((txIndex) =>
      [0, 1].map((eventIndex) => ({
        txIndex,
        eventIndex,
        bytes: utf8(`event ${height}/${txIndex}/${eventIndex}`),
      })),
    ),
    transactions: indexes.map((index) => ({ txId: hashOf(`tx ${height}/${index}`), index })),
    clientRefs: indexes.map((index) => ({
      member: "BANKPKKA",
      clientRef: `ref-${height}-${index}`,
      txId: hashOf(`tx ${height}/${index}`),
    })),
    stateChanges: [
      ["height", utf8(String(height))],
      [`account/${height}`, utf8("opened")],
      [`account/${height - 2}`, null],
    ],
    stateRoot,
  };
}
