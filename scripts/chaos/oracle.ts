import type { JournalEntry, Movement } from "./transaction-journal.ts";

export interface BlockFact {
  readonly height: number;
  readonly digest: string;
  readonly stateRoot: string;
  readonly receiptsRoot: string;
  readonly proposer: number;
  readonly timestampMs: number;
}

/** What a node says of one transaction. */
export type TransactionFact =
  | {
      readonly status: "committed";
      readonly height: number;
      readonly index: number;
      readonly executed: boolean;
      readonly code: string;
    }
  | { readonly status: "expired" | "pending" | "unknown" };

/** One place at which the ledger moved units for a transaction. */
export interface ExecutionFact {
  readonly txId: string;
  readonly height: number;
  readonly index: number;
}

/** Balances by account and asset: see `balanceKey`. */
export type Balances = ReadonlyMap<string, bigint>;

export function balanceKey(account: string, asset: string): string {
  return `${account} ${asset}`;
}

/** What one node showed at rest. */
export interface NodeEvidence {
  readonly node: string;
  readonly head: { readonly height: number; readonly stateRoot: string };
  /** Blocks up to here are not on this node, which began with a snapshot; 0 for none. */
  readonly lacksUpTo: number;
  readonly blocks: readonly BlockFact[];
  readonly transactions: ReadonlyMap<string, TransactionFact>;
  readonly balances: Balances;
  /** Outstanding units of each asset. */
  readonly outstanding: ReadonlyMap<string, bigint>;
  readonly executions: readonly ExecutionFact[];
}

export type ViolationKind =
  | "NO_EVIDENCE"
  | "BLOCKS_DIFFER"
  | "HEADS_DIFFER"
  | "MONEY_NOT_CONSERVED"
  | "BALANCES_DIFFER"
  | "LOST"
  | "OUTCOMES_DIFFER"
  | "WRONG_OUTCOME"
  | "EXECUTED_TWICE"
  | "STRANGE_EXECUTION";

export interface Violation {
  readonly kind: ViolationKind;
  readonly detail: string;
}

export interface Judgement {
  readonly violations: readonly Violation[];
  readonly acknowledged: number;
  /** Of the acknowledged: executed with success, refused by the ledger, expired, none of these. */
  readonly settled: number;
  readonly failed: number;
  readonly expired: number;
  readonly lost: number;
}

/**
 * Whether the nodes agree and every transaction had its one end. `entries` are the transactions of
 * this window, `expected` the balances before it; those after it are returned with the judgement
 * by `balancesAfter`.
 */
export function judge(
  evidence: readonly NodeEvidence[],
  entries: readonly JournalEntry[],
  before: Balances,
): Judgement {
  const [first] = evidence;
  const acknowledged = entries.filter((entry) => entry.acknowledgedBy !== undefined);
  if (first === undefined) {
    const violation = { kind: "NO_EVIDENCE", detail: "no node answered" } as const;
    const lost = acknowledged.length;
    const none = { settled: 0, failed: 0, expired: 0 };
    return { violations: [violation], acknowledged: lost, ...none, lost };
  }
  const counts = countEnds(first, acknowledged);
  const violations = [
    ...compareChains(evidence),
    ...evidence.flatMap(checkConservation),
    ...entries.flatMap((entry) => checkEnd(evidence, entry)),
    ...evidence.flatMap((node) => checkExecutions(node, entries)),
    ...evidence.flatMap((node) => compareBalances(node, balancesAfter(first, entries, before))),
  ];
  return { violations, acknowledged: acknowledged.length, ...counts };
}

/** The balances that must stand after the window: what was there and what succeeded, once each. */
export function balancesAfter(
  node: NodeEvidence,
  entries: readonly JournalEntry[],
  before: Balances,
): Balances {
  const after = new Map(before);
  for (const entry of entries) {
    const fact = node.transactions.get(entry.txId);
    if (fact === undefined || !isSettled(fact)) continue;
    for (const movement of entry.movements) apply(after, movement);
  }
  return after;
}

function apply(balances: Map<string, bigint>, { account, asset, change }: Movement): void {
  const key = balanceKey(account, asset);
  balances.set(key, (balances.get(key) ?? 0n) + change);
}

export function isSettled(fact: TransactionFact): boolean {
  return fact.status === "committed" && fact.executed && fact.code === "SETTLED";
}

function countEnds(
  node: NodeEvidence,
  acknowledged: readonly JournalEntry[],
): Pick<Judgement, "settled" | "failed" | "expired" | "lost"> {
  let settled = 0;
  let failed = 0;
  let expired = 0;
  for (const { txId } of acknowledged) {
    const fact = node.transactions.get(txId);
    if (fact === undefined) continue;
    if (isSettled(fact)) settled += 1;
    else if (fact.status === "committed") failed += 1;
    else if (fact.status === "expired") expired += 1;
  }
  return { settled, failed, expired, lost: acknowledged.length - settled - failed - expired };
}

/** Equal blocks at equal heights, and, all being at rest, equal heads. */
function compareChains(evidence: readonly NodeEvidence[]): readonly Violation[] {
  const violations: Violation[] = [];
  const seen = new Map<number, { readonly node: string; readonly block: BlockFact }>();
  for (const { node, blocks } of evidence) {
    for (const block of blocks) {
      const other = seen.get(block.height);
      if (other === undefined) {
        seen.set(block.height, { node, block });
        continue;
      }
      for (const field of ["digest", "stateRoot", "receiptsRoot"] as const) {
        if (other.block[field] === block[field]) continue;
        const detail =
          `${field} at height ${block.height}: ${other.node} has ${other.block[field]}, ` +
          `${node} has ${block[field]}`;
        violations.push({ kind: "BLOCKS_DIFFER", detail });
      }
    }
  }
  const heads = evidence.map(({ node, head }) => ({
    node,
    head: `${head.height} ${head.stateRoot}`,
  }));
  const [first] = heads;
  for (const { node, head } of heads) {
    if (first === undefined || head === first.head) continue;
    const detail = `at rest ${first.node} stands at ${first.head}, ${node} at ${head}`;
    violations.push({ kind: "HEADS_DIFFER", detail });
  }
  return violations;
}

/** The balances of every asset add up to what was issued or minted. */
function checkConservation(node: NodeEvidence): readonly Violation[] {
  const sums = new Map<string, bigint>();
  for (const [key, units] of node.balances) {
    const asset = key.slice(key.indexOf(" ") + 1);
    sums.set(asset, (sums.get(asset) ?? 0n) + units);
  }
  const assets = new Set([...sums.keys(), ...node.outstanding.keys()]);
  return [...assets].flatMap((asset): readonly Violation[] => {
    const held = sums.get(asset) ?? 0n;
    const outstanding = node.outstanding.get(asset) ?? 0n;
    if (held === outstanding) return [];
    const detail = `${node.node}: ${asset} held ${held}, outstanding ${outstanding}`;
    return [{ kind: "MONEY_NOT_CONSERVED", detail }];
  });
}

/** The transaction ended, the same way on every node, and as it had to. */
function checkEnd(evidence: readonly NodeEvidence[], entry: JournalEntry): readonly Violation[] {
  const violations: Violation[] = [];
  const { txId, acknowledgedBy } = entry;
  const answers = evidence
    .filter((node) => canTell(node, evidence, txId))
    .map(({ node, transactions }) => ({
      node,
      fact: transactions.get(txId) ?? ({ status: "unknown" } as const),
    }));
  for (const { node, fact } of answers) {
    const isOpen = fact.status === "unknown" || fact.status === "pending";
    if (isOpen && acknowledgedBy !== undefined) {
      const detail = `${txId} was acknowledged by ${acknowledgedBy}; ${node}: ${fact.status}`;
      violations.push({ kind: "LOST", detail });
    }
    if (fact.status === "committed" && (!fact.executed || fact.code !== entry.expected)) {
      const detail = `${txId} (${entry.kind}) on ${node}: ${fact.code}, expected ${entry.expected}`;
      violations.push({ kind: "WRONG_OUTCOME", detail });
    }
  }
  const texts = new Set(answers.map(({ fact }) => describe(fact)));
  if (texts.size > 1) {
    const each = answers.map(({ node, fact }) => `${node}: ${describe(fact)}`).join("; ");
    violations.push({ kind: "OUTCOMES_DIFFER", detail: `${txId}: ${each}` });
  }
  return violations;
}

/**
 * A node that began with a snapshot knows nothing of what was executed before, and can prove no
 * expiry for as long as the transaction may have been. The others' word is enough for that.
 */
function canTell(node: NodeEvidence, evidence: readonly NodeEvidence[], txId: string): boolean {
  if (node.lacksUpTo === 0 || (node.transactions.get(txId)?.status ?? "unknown") !== "unknown") {
    return true;
  }
  return !evidence.some(({ lacksUpTo, transactions }) => {
    const fact = transactions.get(txId);
    if (lacksUpTo > 0 || fact === undefined) return false;
    return (
      fact.status === "expired" || (fact.status === "committed" && fact.height <= node.lacksUpTo)
    );
  });
}

function describe(fact: TransactionFact): string {
  if (fact.status !== "committed") return fact.status;
  return `${fact.code} at ${fact.height}/${fact.index}`;
}

/** Every movement of units belongs to one of our transactions, and each moved them at one place. */
function checkExecutions(
  node: NodeEvidence,
  entries: readonly JournalEntry[],
): readonly Violation[] {
  const known = new Map(entries.map((entry) => [entry.txId, entry]));
  const places = new Map<string, Set<string>>();
  for (const { txId, height, index } of node.executions) {
    const place = places.get(txId) ?? new Set();
    places.set(txId, place.add(`${height}/${index}`));
  }
  return [...places].flatMap(([txId, at]): readonly Violation[] => {
    const where = `${node.node}: ${txId} moved units at ${[...at].join(" and ")}`;
    if (at.size > 1) return [{ kind: "EXECUTED_TWICE", detail: where }];
    const fact = node.transactions.get(txId);
    const isOurs = known.has(txId) && fact !== undefined && isSettled(fact);
    return isOurs ? [] : [{ kind: "STRANGE_EXECUTION", detail: where }];
  });
}

function compareBalances(node: NodeEvidence, expected: Balances): readonly Violation[] {
  const keys = new Set([...expected.keys(), ...node.balances.keys()]);
  return [...keys].flatMap((key): readonly Violation[] => {
    const has = node.balances.get(key) ?? 0n;
    const due = expected.get(key) ?? 0n;
    if (has === due) return [];
    return [{ kind: "BALANCES_DIFFER", detail: `${node.node}: ${key} is ${has}, due ${due}` }];
  });
}
