import type { AdmissionReason, RefusalDetail } from "../../../client/rpc/errors.ts";
import { FabricatedChain } from "../../../client/testing/fabricated-chain.ts";
import {
  decodeSignedTransaction,
  type SignedTransaction,
  TransactionError,
} from "../../../ledger/envelope.ts";
import type { LedgerEvent, PlacedEvent } from "../../../ledger/events.ts";
import { type OutcomeCode, outcomeOf } from "../../../ledger/outcome.ts";
import type { Receipt } from "../../../ledger/receipt.ts";
import { present } from "../../../primitives/assert.ts";
import type {
  Admission,
  BlockTransaction,
  ChainHeadView,
  EventPlace,
  NodePorts,
  ProvenEntry,
  TransactionReference,
  TransactionStatus,
  WaitResult,
} from "../ports.ts";

/** Test support: a node in memory behind the ports, without consensus and without rules. */

export const FAKE_MAX_EXPIRY = 100;

export interface FakeBlock {
  /** Outcome of each pooled transaction; SETTLED where it is not named. */
  readonly outcomes?: Readonly<Record<string, OutcomeCode>>;
  readonly changes?: Iterable<readonly [string, Uint8Array | null]>;
  /** Events of the block, all under its first transaction. */
  readonly events?: readonly LedgerEvent[];
}

export class FakeNode implements NodePorts {
  readonly fabricated: FabricatedChain;
  readonly pool = new Map<string, SignedTransaction>();
  readonly receipts = new Map<string, Receipt>();
  readonly placedEvents: PlacedEvent[] = [];
  readonly blockContents = new Map<number, readonly BlockTransaction[]>();
  /** The next submission is refused with this. */
  nextRefusal: { reason: AdmissionReason; detail?: RefusalDetail } | undefined;
  /** Thrown by every port while set. */
  failure: Error | undefined;
  /** While set, submissions wait for it. */
  stall: Promise<void> | undefined;
  /** What chain.epochs is made of. */
  epochEnds: NodePorts["chain"]["epochEnds"] = () => [];
  earliestHeight = 1;
  syncing = false;
  submissions = 0;
  readonly #listeners = new Set<(head: ChainHeadView) => void>();

  constructor(fabricated = new FabricatedChain()) {
    this.fabricated = fabricated;
  }

  get chainId(): string {
    return this.fabricated.pin.chainId;
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  /** Commits what is pooled. */
  commit(block: FakeBlock = {}): void {
    const { header } = this.fabricated.append(block.changes);
    const transactions = [...this.pool.values()];
    for (const [index, transaction] of transactions.entries()) {
      const code = block.outcomes?.[transaction.txId] ?? "SETTLED";
      this.receipts.set(transaction.txId, receiptOf(transaction, header.height, index, code));
    }
    const contents = transactions.map(({ txId, bodyBytes }) => ({ txId, bytes: bodyBytes }));
    this.blockContents.set(header.height, contents);
    this.pool.clear();
    for (const [eventIndex, event] of (block.events ?? []).entries()) {
      const txId = "ee".repeat(32);
      this.placedEvents.push({ height: header.height, txIndex: 0, eventIndex, txId, event });
    }
    for (const listener of this.#listeners) listener(this.#head());
  }

  readonly chain: NodePorts["chain"] = {
    facts: () => {
      this.#check();
      return {
        chainId: this.chainId,
        protocol: 1,
        software: "mizan/test",
        head: this.#head(),
        syncing: this.syncing,
        earliestHeight: this.earliestHeight,
        maxExpiryBlocks: FAKE_MAX_EXPIRY,
      };
    },
    block: async (reference) => {
      this.#check();
      const block = this.fabricated.blocks.find((each) =>
        "height" in reference
          ? each.header.height === reference.height
          : each.digest === reference.digest,
      );
      if (block === undefined) return undefined;
      const { header, digest, headerBytes } = block;
      return { header, digest, headerBytes, finalization: this.fabricated.certificateBytes(block) };
    },
    blockTransactions: async (height) => this.blockContents.get(height),
    epochEnds: (from, limit) => this.epochEnds(from, limit),
    onHead: (listener) => {
      this.#listeners.add(listener);
      return () => this.#listeners.delete(listener);
    },
  };

  readonly transactions: NodePorts["transactions"] = {
    submit: (bytes) => this.#submit(bytes),
    submitAll: async (transactions) => {
      const admissions: Admission[] = [];
      for (const bytes of transactions) admissions.push(await this.#submit(bytes));
      return admissions;
    },
    waitFor: (txId, ms, signal) => this.#waitFor(txId, ms, signal),
    find: async (reference) => this.#find(reference),
  };

  readonly state: NodePorts["state"] = {
    atHead: () => {
      this.#check();
      return { head: this.#head(), reader: this.fabricated.head?.state ?? new Map() };
    },
    prove: async (key) => this.#prove(key),
  };

  readonly events: NodePorts["events"] = {
    after: async (place, limit) => {
      this.#check();
      return this.placedEvents.filter((event) => isAfter(event, place)).slice(0, limit);
    },
  };

  async #submit(bytes: Uint8Array): Promise<Admission> {
    this.#check();
    this.submissions += 1;
    await this.stall;
    const refusal = this.nextRefusal;
    if (refusal !== undefined) {
      this.nextRefusal = undefined;
      return { kind: "refused", ...refusal };
    }
    let transaction: SignedTransaction;
    try {
      transaction = decodeSignedTransaction(bytes);
    } catch (error) {
      if (!(error instanceof TransactionError)) throw error;
      return { kind: "refused", reason: error.code };
    }
    const { txId, body } = transaction;
    const { expiresAtHeight } = body;
    if (body.chainId !== this.chainId) return { kind: "refused", reason: "TX_WRONG_CHAIN" };
    const receipt = this.receipts.get(txId);
    if (receipt !== undefined) return { kind: "duplicate", txId, expiresAtHeight, receipt };
    if (expiresAtHeight <= this.fabricated.height) return { kind: "refused", reason: "TX_EXPIRED" };
    this.pool.set(txId, transaction);
    return { kind: "pending", txId, expiresAtHeight };
  }

  #waitFor(txId: string, ms: number, signal: AbortSignal): Promise<WaitResult> {
    return new Promise((resolve) => {
      const done = (result: WaitResult): void => {
        clearTimeout(timer);
        this.#listeners.delete(look);
        signal.removeEventListener("abort", elapse);
        resolve(result);
      };
      const elapse = (): void => done({ kind: "elapsed" });
      const look = (): void => {
        const receipt = this.receipts.get(txId);
        if (receipt !== undefined) done({ kind: "committed", receipt });
      };
      const timer = setTimeout(elapse, ms);
      signal.addEventListener("abort", elapse);
      this.#listeners.add(look);
      if (signal.aborted) elapse();
      else look();
    });
  }

  #find(reference: TransactionReference): TransactionStatus {
    this.#check();
    const searched = { from: this.earliestHeight, to: this.fabricated.height };
    const matches = (item: { txId: string; member: string; clientRef: string }): boolean =>
      "txId" in reference
        ? item.txId === reference.txId
        : item.member === reference.member && item.clientRef === reference.clientRef;
    const receipt = [...this.receipts.values()].find(matches);
    if (receipt !== undefined) return { kind: "committed", receipt, searched };
    for (const { txId, body } of this.pool.values()) {
      if (matches({ txId, member: body.member, clientRef: body.clientRef })) {
        return { kind: "pending", txId, expiresAtHeight: body.expiresAtHeight, searched };
      }
    }
    return { kind: "absent", searched };
  }

  #prove(key: string): ProvenEntry {
    this.#check();
    const block = present(this.fabricated.head, "a block");
    return {
      height: block.header.height,
      key,
      value: block.state.get(key),
      path: block.tree.prove(key),
      headerBytes: block.headerBytes,
      descendants: [],
      finalization: this.fabricated.certificateBytes(block),
    };
  }

  #head(): ChainHeadView {
    const head = this.fabricated.head;
    return {
      height: this.fabricated.height,
      digest: head?.digest ?? this.chainId,
      stateRoot: head?.tree.root ?? "00".repeat(32),
      timestampMs: head?.header.timestampMs ?? 0,
      epoch: 1,
    };
  }

  #check(): void {
    if (this.failure !== undefined) throw this.failure;
  }
}

function isAfter(event: PlacedEvent, place: EventPlace): boolean {
  if (event.height !== place.height) return event.height > place.height;
  if (event.txIndex !== place.txIndex) return event.txIndex > place.txIndex;
  return event.eventIndex > place.eventIndex;
}

function receiptOf(
  { txId, body }: SignedTransaction,
  height: number,
  index: number,
  code: OutcomeCode,
): Receipt {
  return {
    txId,
    member: body.member,
    clientRef: body.clientRef,
    kind: body.kind,
    height,
    index,
    executed: true,
    outcome: outcomeOf(code),
    field: undefined,
    first: undefined,
    eventCount: 0,
    moments:
      code === "SETTLED"
        ? { entryHeight: height, irrevocabilityHeight: height, finalityHeight: height }
        : undefined,
  };
}
