import { decodeRecord } from "../journal.ts";
import { digestOf } from "./digest-memo.ts";
import type { LogFile } from "./disk-model.ts";
import { type ReadStatement, targetKey } from "./statement-reader.ts";

/**
 * Reads the durable part of a node's journal as it lies on the disk, and answers whether it holds
 * all that a statement promises. It outlives crashes and segment changes: what was durable once and
 * is lost later shows when the node contradicts itself.
 */
export class JournalWatch {
  readonly #chainId: string;
  readonly #epoch: number;
  readonly #journal: LogFile<Uint8Array>;
  readonly #votes = new Set<string>();
  readonly #notarizations = new Set<string>();
  readonly #headers = new Set<string>();
  readonly #certifiedViews = new Set<number>();
  /** Entries read so far, those that a new segment has replaced included. */
  #read = 0;

  constructor(chainId: string, epoch: number, journal: LogFile<Uint8Array>) {
    this.#chainId = chainId;
    this.#epoch = epoch;
    this.#journal = journal;
  }

  /** A finalization in the block store certifies its view as well. */
  certifiedByBlockStore(view: number): void {
    this.#certifiedViews.add(view);
  }

  /** What is missing on the disk for this statement to be sent; undefined when nothing is. */
  missingFor(statement: ReadStatement): string | undefined {
    this.#readOn();
    const { kind, view, target } = statement;
    const key = targetKey(target);
    // A leader's proposal is its notarize vote as well: one record stands for both.
    const record = kind === "proposal" ? "notarize" : kind;
    if (!this.#votes.has(`${record} ${view} ${key}`)) return "vote record";
    if (target === undefined) return undefined;
    if (!this.#headers.has(target.blockDigest)) return "header";
    if (kind === "finalize") {
      return this.#notarizations.has(`${view} ${key}`) ? undefined : "notarization";
    }
    return view === 1 || this.#certifiedViews.has(view - 1)
      ? undefined
      : "certificate of the view before";
  }

  #readOn(): void {
    const { entries, durableLength, dropped } = this.#journal;
    for (; this.#read < dropped + durableLength; this.#read++) {
      const bytes = entries[this.#read - dropped];
      if (bytes !== undefined) this.#take(bytes);
    }
  }

  #take(bytes: Uint8Array): void {
    const entry = decodeRecord(this.#chainId, this.#epoch, bytes);
    if (entry === undefined) return;
    switch (entry.type) {
      case "vote":
        this.#votes.add(`${entry.body.kind} ${entry.body.view} ${targetKey(entry.body.target)}`);
        return;
      case "certificate":
        this.#certifiedViews.add(entry.body.view);
        if (entry.body.kind === "notarize") {
          this.#notarizations.add(`${entry.body.view} ${targetKey(entry.body.target)}`);
        }
        return;
      case "header":
        this.#headers.add(digestOf(entry.body));
        return;
      case "floor":
      case "halt":
      case "witness":
      case "evidence":
        return;
    }
  }
}
