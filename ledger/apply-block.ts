import { invariant } from "../primitives/assert.ts";
import { listRoot } from "../primitives/merkle/list-tree.ts";
import type { StateTree } from "../primitives/merkle/state-tree.ts";
import { admit, type Refusal, remember } from "./admission.ts";
import type { BlockStep } from "./block-steps/block-step.ts";
import { runSteps } from "./block-steps/run-steps.ts";
import { businessDateOf } from "./business-date.ts";
import type { CheckedTransaction } from "./checked-transaction.ts";
import { type Closing, closingOf } from "./closing.ts";
import type { BodyOf, SignedTransaction, TransactionBody } from "./envelope.ts";
import { beginEpoch, keepCheckpoint } from "./epoch-change.ts";
import { type LedgerEvent, NO_TRANSACTION, type PlacedEvent } from "./events.ts";
import { type EvidenceRecord, recordEvidence } from "./evidence.ts";
import type { Execution, Failure } from "./execution.ts";
import { assertBlockInvariants, changesOf } from "./invariants.ts";
import { MAX_BLOCK_TRANSACTIONS, MAX_KEY_CHECKS_PER_BLOCK } from "./limits.ts";
import { outcomeOf } from "./outcome.ts";
import { pruneReferences, queueForPruning } from "./pruning.ts";
import { encodeReceipt, type Receipt } from "./receipt.ts";
import { roomChecks } from "./room-checks/registry.ts";
import { LedgerState, type StateChange } from "./state/ledger-state.ts";
import type { StateReader } from "./state-reader.ts";
import { type Kind, kindTable } from "./transactions/kinds.ts";

export interface BlockInput {
  /** State after the parent block. */
  readonly state: StateReader;
  /** Tree over that state. */
  readonly tree: StateTree;
  readonly height: number;
  /** Digest of the parent block, hex; of the first block's parent, the chain id. */
  readonly parentDigest: string;
  /** From the block's header, milliseconds of Unix time. */
  readonly timestampMs: number;
  readonly transactions: readonly CheckedTransaction[];
  /** From the header; the caller has seen that its signatures verify and `evidenceProblem`. */
  readonly evidence: readonly EvidenceRecord[];
}

export interface BlockResult {
  /** What the block changes in the flat state; null deletes. */
  readonly changes: readonly StateChange[];
  /** One for each transaction, in order. */
  readonly receipts: readonly Receipt[];
  /** Canonical bytes of the receipts: the leaves under `receiptsRoot`. */
  readonly receiptBytes: readonly Uint8Array[];
  readonly events: readonly PlacedEvent[];
  /** Tree after the block. */
  readonly tree: StateTree;
  readonly stateRoot: string;
  readonly receiptsRoot: string;
  /** The epoch ends with this block, and how the next one begins; undefined for most blocks. */
  readonly closing: Closing | undefined;
}

/**
 * Executes one block. Pure: equal inputs give equal results on every machine. A transaction that
 * may not be executed is skipped with a receipt that says why; one that fails writes nothing but
 * its result. No transaction makes a block bad.
 *
 * Before and after the transactions come the block's own steps (block-steps/registry.ts).
 *
 * Throws InvariantError when the block does not follow the state, or when an accounting identity
 * is broken: then this node has diverged and must stop.
 */
export function applyBlock(input: BlockInput): BlockResult {
  const state = new LedgerState(input.state);
  const run = new BlockRun(state, input.height, input.timestampMs);
  advanceChain(state, input);
  keepCheckpoint(state, input.height, input.parentDigest);
  run.caused(recordEvidence(input.state, state, input.evidence, input.height));
  const closing = closingOf(input.state, input.height);
  if (closing !== undefined) run.caused([beginEpoch(state, closing, input.height)]);
  state.commit();
  run.steps("begin");
  for (const checked of input.transactions) run.apply(checked);
  run.steps("end");
  queueForPruning(state, input.height, run.executed);
  pruneReferences(state, input.height, run.executed.length);
  state.commit();
  const groups = run.eventGroups();
  assertBlockInvariants(changesOf(state, groups));
  for (const { checkBlock } of roomChecks) checkBlock?.(state, groups);

  const changes = state.changes();
  const tree = input.tree.update(changes);
  const receiptBytes = run.receipts.map(encodeReceipt);
  return {
    changes,
    receipts: run.receipts,
    receiptBytes,
    events: run.placedEvents(),
    tree,
    stateRoot: tree.root,
    receiptsRoot: listRoot(receiptBytes),
    closing,
  };
}

function advanceChain(state: LedgerState, input: BlockInput): void {
  const { height, timestampMs, transactions } = input;
  const { chain } = state;
  invariant(height === chain.height + 1, `block ${height} follows block ${chain.height}`);
  invariant(timestampMs > chain.timestampMs, "a block is later than its parent");
  invariant(transactions.length <= MAX_BLOCK_TRANSACTIONS, "a block's transactions are bounded");
  state.chains.put({ chainId: chain.chainId, height, timestampMs });
  state.commit();
}

class BlockRun {
  readonly receipts: Receipt[] = [];
  /** Events of each transaction, by its place in the block. */
  readonly events: LedgerEvent[][] = [];
  readonly executed: TransactionBody[] = [];
  readonly #state: LedgerState;
  readonly #height: number;
  readonly #timestampMs: number;
  readonly #businessDate: string;
  /**
   * Events that no transaction caused, in groups that stand or fall together: of the steps before
   * the transactions, and all others.
   */
  readonly #begin: (readonly LedgerEvent[])[] = [];
  readonly #own: (readonly LedgerEvent[])[] = [];
  #keyChecks = MAX_KEY_CHECKS_PER_BLOCK;

  constructor(state: LedgerState, height: number, timestampMs: number) {
    this.#state = state;
    this.#height = height;
    this.#timestampMs = timestampMs;
    this.#businessDate = businessDateOf(timestampMs);
  }

  apply(checked: CheckedTransaction): void {
    const { transaction, verifiedKeys } = checked;
    const admission = admit(transaction, this.#state, this.#height, verifiedKeys);
    if (admission.ok) this.#execute(transaction);
    else this.#skip(transaction, admission);
    // What follows is not undone with the next transaction.
    this.#state.commit();
  }

  /** Events of the block itself. */
  caused(events: readonly LedgerEvent[]): void {
    this.#own.push(events);
  }

  /** What the block does by itself before or after its transactions. */
  steps(at: BlockStep["at"]): void {
    const [state, height, timestampMs] = [this.#state, this.#height, this.#timestampMs];
    const context = { state, height, timestampMs, businessDate: this.#businessDate };
    const groups = at === "begin" ? this.#begin : this.#own;
    groups.push(...runSteps(at, context));
  }

  /** All events, in the groups over which invariants speak. */
  eventGroups(): readonly (readonly LedgerEvent[])[] {
    return [...this.#begin, ...this.events, ...this.#own];
  }

  /**
   * In the order in which they happened. Those of the steps before the transactions share the index
   * of the first transaction and come before its own.
   */
  placedEvents(): readonly PlacedEvent[] {
    const out: PlacedEvent[] = [];
    const begin = this.#begin.flat();
    const [height, none] = [this.#height, NO_TRANSACTION];
    for (const [eventIndex, event] of begin.entries()) {
      out.push({ height, txIndex: 0, eventIndex, txId: none, event });
    }
    for (const [txIndex, events] of [...this.events, this.#own.flat()].entries()) {
      const txId = this.receipts[txIndex]?.txId ?? none;
      const before = txIndex === 0 ? begin.length : 0;
      for (const [i, event] of events.entries()) {
        out.push({ height, txIndex, eventIndex: before + i, txId, event });
      }
    }
    return out;
  }

  #skip(transaction: SignedTransaction, refusal: Refusal): void {
    const { outcome, field, first } = refusal;
    this.events.push([]);
    const { txId, body } = transaction;
    this.receipts.push({
      txId,
      member: body.member,
      clientRef: body.clientRef,
      kind: body.kind,
      height: this.#height,
      index: this.receipts.length,
      executed: false,
      outcome,
      field,
      first,
      eventCount: 0,
      moments: undefined,
    });
  }

  #execute(transaction: SignedTransaction): void {
    const { body } = transaction;
    const state = this.#state;
    const events: LedgerEvent[] = [];
    const failed = execute(body, {
      state,
      height: this.#height,
      timestampMs: this.#timestampMs,
      businessDate: this.#businessDate,
      txId: transaction.txId,
      emit: (event) => {
        events.push(event);
      },
      takeKeyCheck: () => {
        if (this.#keyChecks === 0) return false;
        this.#keyChecks -= 1;
        return true;
      },
    });
    if (failed === undefined) state.commit();
    else state.rollback();
    const { success } = kindTable[body.kind];
    const outcome = outcomeOf(failed === undefined ? success : failed.code);
    const index = this.receipts.length;
    remember(state, transaction, outcome, this.#height, index);
    this.executed.push(body);
    const kept = failed === undefined ? events : [];
    this.events.push(kept);
    const isSettled = kept.some(({ type }) => type === "settlementFinal");
    // No shared head by a spread: for every transaction, it would cost microseconds.
    this.receipts.push({
      txId: transaction.txId,
      member: body.member,
      clientRef: body.clientRef,
      kind: body.kind,
      height: this.#height,
      index,
      executed: true,
      outcome,
      field: failed?.field,
      first: undefined,
      eventCount: kept.length,
      // Matched before it was sent and settled on entry: the three moments are this block.
      moments: isSettled
        ? {
            entryHeight: this.#height,
            irrevocabilityHeight: this.#height,
            finalityHeight: this.#height,
          }
        : undefined,
    });
  }
}

function execute<K extends Kind>(body: BodyOf<K>, execution: Execution): Failure | undefined {
  const definition = kindTable[body.kind];
  const failed = definition.execute(body.payload, execution);
  invariant(
    failed === undefined || definition.failures.includes(failed.code),
    `${body.kind} lists every code that it fails with`,
  );
  return failed;
}
