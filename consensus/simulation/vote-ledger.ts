import type { Target, VoteKind } from "../types.ts";
import type { EpochDirectory } from "./epoch-directory.ts";
import type { Invariant } from "./invariants.ts";
import { type ReadStatement, targetKey } from "./statement-reader.ts";

/** Votes of one view by honest keys: what any certificate of the view could be made of. */
interface ViewLedger {
  readonly notarize: Map<string, number>;
  readonly finalize: Map<string, number>;
  nullify: number;
  readonly bySigner: Map<number, SignerSlot>;
}

/** What one honest key signed in one view: at most one target each, if all is well. */
interface SignerSlot {
  readonly proposed: Set<string>;
  readonly notarized: Set<string>;
  readonly finalized: Set<string>;
  nullified: boolean;
}

export interface VoteLedgerOptions {
  readonly epochs: EpochDirectory;
  readonly honest: readonly number[];
  readonly fail: (invariant: Invariant, detail: string) => void;
}

/**
 * Every vote that an honest key has given. Byzantine keys count as if they had signed everything:
 * what can be certified with their help is judged, whether or not anyone collects the votes.
 */
export class VoteLedger {
  readonly #options: VoteLedgerOptions;
  readonly #views = new Map<string, ViewLedger>();
  /** By epoch. */
  readonly #byzantineWeights = new Map<number, number>();
  #nullifications = 0;

  constructor(options: VoteLedgerOptions) {
    this.#options = options;
  }

  /** Nullify votes of honest keys. */
  get nullifications(): number {
    return this.#nullifications;
  }

  /** An honest key signs: S5 on the key itself, S2, S3 and S4 on what can be certified now. */
  signed(node: number, read: ReadStatement): void {
    const { epochs, fail } = this.#options;
    const weight = epochs.weightOf(read.epoch, node);
    if (weight === 0) fail("S5", `node ${node} signs in epoch ${read.epoch}, not its own`);
    const ledger = this.#ledger(read.epoch, read.view);
    const own = ledger.bySigner.get(node) ?? emptySlot();
    ledger.bySigner.set(node, own);
    const key = targetKey(read.target);
    const clash = (what: string): void =>
      fail("S5", `node ${node} signs ${read.kind} in view ${read.view} after ${what}`);
    switch (read.kind) {
      case "proposal":
        if (own.proposed.size > 0 && !own.proposed.has(key)) clash("another proposal");
        own.proposed.add(key);
        return;
      case "notarize":
        if (own.notarized.has(key)) return;
        if (own.notarized.size > 0) clash("another notarize vote");
        own.notarized.add(key);
        add(ledger.notarize, key, weight);
        break;
      case "nullify":
        if (own.nullified) return;
        if (own.finalized.size > 0) clash("a finalize vote");
        own.nullified = true;
        ledger.nullify += weight;
        this.#nullifications += 1;
        break;
      case "finalize":
        if (own.finalized.has(key)) return;
        if (own.nullified) clash("a nullify vote");
        if (own.finalized.size > 0) clash("another finalize vote");
        own.finalized.add(key);
        add(ledger.finalize, key, weight);
        break;
    }
    this.#checkView(read, ledger);
  }

  /** Whether honest votes and all Byzantine keys can make such a certificate. */
  couldExist(epoch: number, view: number, kind: VoteKind, target: Target | undefined): boolean {
    const ledger = this.#ledger(epoch, view);
    const honest = kind === "nullify" ? ledger.nullify : ledger[kind].get(targetKey(target));
    return this.#isQuorum(epoch, honest ?? 0);
  }

  #checkView(read: ReadStatement, ledger: ViewLedger): void {
    const { fail } = this.#options;
    const possible = this.#possible(read.epoch, ledger.notarize);
    if (possible.length > 1) {
      fail("S2", `view ${read.view}: ${possible.length} blocks can be notarized`);
    }
    const finalized = this.#possible(read.epoch, ledger.finalize);
    const nullified = this.#isQuorum(read.epoch, ledger.nullify);
    if (nullified && finalized.length > 0) {
      fail("S3", `view ${read.view}: both nullification and finalization exist`);
    }
    for (const key of finalized) {
      if (!possible.includes(key)) {
        fail("S4", `view ${read.view}: finalization without notarization of ${key}`);
      }
    }
  }

  #possible(epoch: number, votes: ReadonlyMap<string, number>): readonly string[] {
    return [...votes].filter(([, weight]) => this.#isQuorum(epoch, weight)).map(([key]) => key);
  }

  /** Whether honest weight and all Byzantine weight of the epoch together are a quorum. */
  #isQuorum(epoch: number, honestWeight: number): boolean {
    const { epochs, honest } = this.#options;
    const { set } = epochs.of(epoch);
    let byzantine = this.#byzantineWeights.get(epoch);
    if (byzantine === undefined) {
      byzantine = honest.reduce((rest, node) => rest - epochs.weightOf(epoch, node), set.total);
      this.#byzantineWeights.set(epoch, byzantine);
    }
    return honestWeight + byzantine >= set.quorum;
  }

  #ledger(epoch: number, view: number): ViewLedger {
    const key = `${epoch}:${view}`;
    const known = this.#views.get(key);
    if (known !== undefined) return known;
    const fresh: ViewLedger = {
      notarize: new Map(),
      finalize: new Map(),
      nullify: 0,
      bySigner: new Map(),
    };
    this.#views.set(key, fresh);
    return fresh;
  }
}

function emptySlot(): SignerSlot {
  return { proposed: new Set(), notarized: new Set(), finalized: new Set(), nullified: false };
}

function add(weights: Map<string, number>, key: string, weight: number): void {
  weights.set(key, (weights.get(key) ?? 0) + weight);
}
