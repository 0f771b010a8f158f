import Type, { type Static, type TSchema } from "typebox";
import { RETRY_CLASSES, RpcErrorData } from "./errors.ts";
import { RPC_LIMITS } from "./limits.ts";
import {
  Amount,
  Asset,
  Base64,
  ClientRef,
  Counter,
  Cursor,
  closed,
  HashHex,
  Identifier,
  smallInteger,
  Token,
} from "./scalars.ts";

/**
 * The RPC surface, once: validators of the server, types of the client, and the manual derive from
 * these schemas. JSON-RPC 2.0, parameters by name, unknown fields refused.
 */

/** How a transaction ended in its block. A failed settlement is a result here, never an error. */
export const OutcomeJson = closed({
  code: Token,
  retry: Type.Enum([...RETRY_CLASSES]),
  /** ISO 20022 reason or status code. */
  isoReason: Type.String(),
});

export const ReceiptJson = closed({
  txId: HashHex,
  member: Identifier,
  clientRef: ClientRef,
  kind: Token,
  height: Counter,
  /** Place in the block. */
  index: smallInteger(),
  /** False: refused at admission, nothing was written and the reference stays free. */
  executed: Type.Boolean(),
  outcome: OutcomeJson,
  field: Type.Optional(Type.String()),
  /** The transaction that holds the reference already. */
  first: Type.Optional(
    closed({ txId: HashHex, outcome: OutcomeJson, height: Counter, index: smallInteger() }),
  ),
  eventCount: smallInteger(),
  moments: Type.Optional(
    closed({
      entryHeight: Counter,
      irrevocabilityHeight: Counter,
      finalityHeight: Counter,
    }),
  ),
});
export type ReceiptJson = Static<typeof ReceiptJson>;

/** Everything a holder needs to check one entry of the state against the genesis alone. */
export const ProofJson = closed({
  height: Counter,
  /** Key of the state entry. */
  key: Type.String(),
  /** Canonical bytes of the entry; null proves that there is none. */
  value: Type.Union([Base64, Type.Null()]),
  /** Canonical state proof (path to the root). */
  path: Base64,
  /** Canonical header whose state root the path leads to. */
  header: Base64,
  /** Headers from its child to the certified block; empty if the header is certified itself. */
  descendants: Type.Array(Base64, { maxItems: RPC_LIMITS.maxProofDescendants }),
  /** Canonical finalization certificate. */
  commit: Base64,
});
export type ProofJson = Static<typeof ProofJson>;

const ChainInfoParams = closed({});
const ChainInfoResult = closed({
  chainId: HashHex,
  genesisHash: HashHex,
  protocol: smallInteger(),
  software: Type.String(),
  height: Counter,
  blockHash: HashHex,
  stateRoot: HashHex,
  /** UTC milliseconds of the head's header; 0 before the first block. */
  blockTime: Counter,
  epoch: Counter,
  syncing: Type.Boolean(),
  earliestHeight: Counter,
  limits: closed({
    maxBody: smallInteger(),
    maxBatch: smallInteger(),
    maxPage: smallInteger(),
    maxTxBytes: smallInteger(),
    maxExpiryBlocks: smallInteger(),
  }),
});

/** Exactly one of height and hash. `ids` adds transaction ids, `full` the signed bytes too. */
const ChainBlockParams = closed({
  height: Type.Optional(Counter),
  hash: Type.Optional(HashHex),
  view: Type.Optional(Type.Enum(["header", "ids", "full"])),
});
const ChainBlockResult = closed({
  height: Counter,
  hash: HashHex,
  parentHash: HashHex,
  epoch: Counter,
  proposer: smallInteger(),
  timestampMs: Counter,
  stateRoot: HashHex,
  receiptsRoot: HashHex,
  batchDigests: Type.Array(HashHex),
  /** Canonical header; its digest is `hash`. */
  header: Base64,
  /** Finalization certificate of this block or of a descendant. */
  commit: Base64,
  txIds: Type.Optional(Type.Array(HashHex)),
  transactions: Type.Optional(Type.Array(Base64)),
});

/** A validator of one epoch; its place in the list is its index in certificates. */
const ValidatorJson = closed({
  name: Identifier,
  member: Identifier,
  weight: smallInteger(),
  consensusKey: HashHex,
  networkKey: HashHex,
});
export type ValidatorJson = Static<typeof ValidatorJson>;

const PendingChangeJson = closed({
  action: Token,
  name: Identifier,
  member: Identifier,
  weight: Type.Optional(smallInteger()),
  consensusKey: Type.Optional(HashHex),
  networkKey: Type.Optional(HashHex),
  timing: Token,
  /** Its key has said that it follows the chain; a removal is ready at once. */
  ready: Type.Boolean(),
  height: Counter,
  txId: HashHex,
});
export type PendingChangeJson = Static<typeof PendingChangeJson>;

/** Without an epoch, that of the block after the head. */
const ChainValidatorsParams = closed({ epoch: Type.Optional(Counter) });
const ChainValidatorsResult = closed({
  /** The head that this was read at. */
  height: Counter,
  epoch: Counter,
  /** Of the epoch's first block. */
  startHeight: Counter,
  epochLengthBlocks: Counter,
  setHash: HashHex,
  validators: Type.Array(ValidatorJson),
  totalWeight: Type.Integer({ minimum: 0, maximum: 0x7fff_ffff }),
  quorum: smallInteger(),
  /** Weight that may be faulty, and that one epoch may change. */
  faultBound: smallInteger(),
  /** Changes that wait for an epoch's end. Only for the current epoch, like what follows. */
  pending: Type.Array(PendingChangeJson),
  /** The newest block that a ready statement may name; absent before the first block. */
  checkpoint: Type.Optional(closed({ height: Counter, digest: HashHex })),
});

/** How an epoch ended: enough to check the next one's certificates, once its own are checked. */
export const EpochEndJson = closed({
  epoch: Counter,
  /** Canonical header of its last block, which names the hash of `validators`. */
  header: Base64,
  /** Canonical finalization of that block by the epoch's own validators. */
  commit: Base64,
  /** The next epoch's, in index order. */
  validators: Type.Array(ValidatorJson, { maxItems: RPC_LIMITS.maxValidators }),
});
export type EpochEndJson = Static<typeof EpochEndJson>;

/** Ends of the epochs from `from` on, as far as they have ended. */
const ChainEpochsParams = closed({
  from: Type.Optional(Counter),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: RPC_LIMITS.maxEpochEnds })),
});
const ChainEpochsResult = closed({
  /** The epoch of the block after the head. */
  epoch: Counter,
  ends: Type.Array(EpochEndJson, { maxItems: RPC_LIMITS.maxEpochEnds }),
});

const TxSubmitParams = closed({
  /** Canonical signed transaction. */
  tx: Base64,
  wait: Type.Optional(Type.Enum(["none", "committed"])),
  waitMs: Type.Optional(smallInteger(RPC_LIMITS.maxSubmitWaitMs)),
});
const TxSubmitResult = closed({
  txId: HashHex,
  /** A wait that ends without a commit is a success: `pending` with `waitElapsed`. */
  status: Type.Enum(["pending", "committed", "duplicate", "expired"]),
  expiresAtHeight: Counter,
  waitElapsed: Type.Optional(Type.Boolean()),
  receipt: Type.Optional(ReceiptJson),
});

/** Each stands for itself: one that is refused takes nothing away from the others. */
const TxSubmitBatchParams = closed({
  /** Canonical signed transactions, base64. One that is none is refused by itself. */
  txs: Type.Array(Type.String(), { minItems: 1, maxItems: RPC_LIMITS.maxSubmitBatch }),
});
const BatchAnswerJson = closed({
  status: Type.Enum(["pending", "duplicate", "refused"]),
  /** Of all that could be read and was not refused. */
  txId: Type.Optional(HashHex),
  expiresAtHeight: Type.Optional(Counter),
  /** Of a duplicate that has been executed. */
  receipt: Type.Optional(ReceiptJson),
  /** Why it was refused: what an error reply of `tx.submit` says in `data`. */
  refusal: Type.Optional(RpcErrorData),
});
export type BatchAnswerJson = Static<typeof BatchAnswerJson>;
const TxSubmitBatchResult = closed({
  /** One answer for each transaction, in the order of the request. */
  answers: Type.Array(BatchAnswerJson, { maxItems: RPC_LIMITS.maxSubmitBatch }),
  /** How many were refused: above zero, the caller must look at each. */
  refused: smallInteger(RPC_LIMITS.maxSubmitBatch),
});

/** Either txId, or member and clientRef. */
const TxGetParams = closed({
  txId: Type.Optional(HashHex),
  member: Type.Optional(Identifier),
  clientRef: Type.Optional(ClientRef),
  /** What the sender signed: lets a node that never saw the transaction say `expired`. */
  expiresAtHeight: Type.Optional(Counter),
});
const TxGetResult = closed({
  /** `expired` only if no block within its validity, all of them searched, holds it. */
  status: Type.Enum(["unknown", "pending", "committed", "expired"]),
  txId: Type.Optional(HashHex),
  outcome: Type.Optional(OutcomeJson),
  height: Type.Optional(Counter),
  index: Type.Optional(smallInteger()),
  expiresAtHeight: Type.Optional(Counter),
  /** Heights whose receipts were searched without a gap. */
  searched: closed({ from: Counter, to: Counter }),
  receipt: Type.Optional(ReceiptJson),
});

const BalanceJson = closed({
  asset: Asset,
  total: Amount,
  available: Amount,
  reserved: Amount,
  pledged: Amount,
  blocked: Amount,
});
const AccountGetParams = closed({ account: Identifier });
const AccountGetResult = closed({
  height: Counter,
  stateRoot: HashHex,
  account: Identifier,
  kind: Token,
  member: Identifier,
  status: Token,
  ownership: Token,
  window: Token,
  investor: Type.Optional(Identifier),
  parent: Type.Optional(Identifier),
  balances: Type.Array(BalanceJson),
});

/** With an asset the balance entry is proved, without one the account entry. */
const AccountProofParams = closed({ account: Identifier, asset: Type.Optional(Asset) });

const AssetSupplyParams = closed({ asset: Asset });
const InstrumentJson = closed({
  type: Token,
  registeredAtHeight: Counter,
  /** Fields of the type; every number is decimal text. */
  terms: Type.Record(Type.String(), Type.Unknown()),
});
const AssetSupplyResult = closed({
  height: Counter,
  stateRoot: HashHex,
  asset: Asset,
  /** The face that may be issued; absent for the coin. */
  authorised: Type.Optional(Amount),
  issued: Amount,
  redeemed: Amount,
  outstanding: Amount,
  /** Terms; absent for the coin. */
  instrument: Type.Optional(InstrumentJson),
  proof: ProofJson,
});

export const EventFilterJson = closed({
  types: Type.Optional(
    Type.Array(Token, { minItems: 1, maxItems: RPC_LIMITS.maxFilterTypes, uniqueItems: true }),
  ),
  account: Type.Optional(Identifier),
});
export type EventFilterJson = Static<typeof EventFilterJson>;

const EventsListParams = closed({
  cursor: Cursor,
  filter: Type.Optional(EventFilterJson),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: RPC_LIMITS.maxPage })),
  /** How long to wait for an event where there is none yet. */
  waitMs: Type.Optional(smallInteger(RPC_LIMITS.maxEventsWaitMs)),
});
export const EventJson = closed({
  /** Resumes after this event. */
  cursor: Cursor,
  type: Token,
  height: Counter,
  txIndex: smallInteger(),
  eventIndex: smallInteger(),
  txId: HashHex,
  /** Fields of the event; every number is decimal text. */
  data: Type.Record(Type.String(), Type.Unknown()),
  /** The same event as canonical bytes. */
  encoded: Base64,
});
export type EventJson = Static<typeof EventJson>;
const EventsListResult = closed({
  events: Type.Array(EventJson, { maxItems: RPC_LIMITS.maxPage }),
  /** Resumes after this page, also where the page is empty. */
  nextCursor: Cursor,
  head: Counter,
  earliest: Counter,
});

/** Who a call competes with for the node's work: reads never take from the submit path. */
export type CallClass = "read" | "submit";

interface MethodDefinition {
  readonly params: TSchema;
  readonly result: TSchema;
  readonly callClass: CallClass;
  /** Units taken from the client's bucket. */
  readonly cost: number;
  /** The list parameter of which each item costs so much. */
  readonly costEach?: string;
  readonly summary: string;
}

function method<const P extends TSchema, const R extends TSchema>(definition: {
  readonly params: P;
  readonly result: R;
  readonly callClass: CallClass;
  readonly cost: number;
  readonly costEach?: string;
  readonly summary: string;
}) {
  return definition;
}

export const METHODS = {
  "chain.info": method({
    params: ChainInfoParams,
    result: ChainInfoResult,
    callClass: "read",
    cost: 1,
    summary: "Identity of the chain, its head, and the limits of this surface.",
  }),
  "chain.block": method({
    params: ChainBlockParams,
    result: ChainBlockResult,
    callClass: "read",
    cost: 5,
    summary: "One final block with its certificate.",
  }),
  "chain.validators": method({
    params: ChainValidatorsParams,
    result: ChainValidatorsResult,
    callClass: "read",
    cost: 2,
    summary: "Validators of an epoch, and the changes of the set that wait.",
  }),
  "chain.epochs": method({
    params: ChainEpochsParams,
    result: ChainEpochsResult,
    callClass: "read",
    cost: 5,
    summary: "How each epoch ended: the way from the genesis validators to today's.",
  }),
  "tx.submit": method({
    params: TxSubmitParams,
    result: TxSubmitResult,
    callClass: "submit",
    cost: 1,
    summary: "Takes a signed transaction; the answer tells its admission, not its outcome.",
  }),
  "tx.submitBatch": method({
    params: TxSubmitBatchParams,
    result: TxSubmitBatchResult,
    callClass: "submit",
    cost: 1,
    costEach: "txs",
    summary: "Takes many signed transactions; one answer for each, never all or nothing.",
  }),
  "tx.get": method({
    params: TxGetParams,
    result: TxGetResult,
    callClass: "read",
    cost: 1,
    summary: "Where a transaction stands, by its id or the member's own reference.",
  }),
  "account.get": method({
    params: AccountGetParams,
    result: AccountGetResult,
    callClass: "read",
    cost: 2,
    summary: "An account with all its balances at the head.",
  }),
  "account.proof": method({
    params: AccountProofParams,
    result: ProofJson,
    callClass: "read",
    cost: 5,
    summary: "Proof of an account or a balance, to be checked without trust in the node.",
  }),
  "asset.supply": method({
    params: AssetSupplyParams,
    result: AssetSupplyResult,
    callClass: "read",
    cost: 5,
    summary: "Issued, redeemed and outstanding units of an asset, with proof.",
  }),
  "events.list": method({
    params: EventsListParams,
    result: EventsListResult,
    callClass: "read",
    cost: 3,
    summary: "Events after a cursor; waits for new ones if asked to.",
  }),
} as const satisfies Record<string, MethodDefinition>;

export type MethodName = keyof typeof METHODS;
export type ParamsOf<M extends MethodName> = Static<(typeof METHODS)[M]["params"]>;
export type ResultOf<M extends MethodName> = Static<(typeof METHODS)[M]["result"]>;

/** The keys of the table, which is closed. */
export const METHOD_NAMES = Object.keys(METHODS) as readonly MethodName[];

export function isMethodName(text: string): text is MethodName {
  return Object.hasOwn(METHODS, text);
}
