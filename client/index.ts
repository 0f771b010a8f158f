/**
 * The SDK of Mizan, for Node and browsers: build, inspect, sign offline, submit and wait, read, and
 * check proofs against a pinned genesis. It trusts no node with more than to answer.
 */
export {
  decodeSignedTransaction,
  encodeSignedTransaction,
  type SignedTransaction,
  type TransactionSignature,
} from "../ledger/envelope.ts";
export type { Kind, Payloads } from "../ledger/transactions/kinds.ts";
export { formatAmount, formatFixed, parseAmount, parseFixed } from "../primitives/decimal.ts";
export { portableSigner, type Signer } from "../primitives/ed25519/signer.ts";
export { RpcCallError, TransportError, type TransportErrorCode } from "./call-errors.ts";
export { EpochTrail, TrailError, type TrailErrorCode } from "./epoch-trail.ts";
export { type GenesisPin, PinError, pinGenesis, pinOf } from "./genesis-pin.ts";
export type { Fetch } from "./http-exchange.ts";
export {
  checkAccountProof,
  checkBalanceProof,
  checkStateProof,
  checkSupplyProof,
  epochOfProof,
  type ProofDemand,
  ProofError,
  type ProofErrorCode,
  type Proven,
  type ProvenAt,
  type Trust,
} from "./proof-check.ts";
export { type EventPage, type EventQuery, LedgerReads } from "./reads.ts";
export { DEFAULT_RETRY, type RetryPolicy } from "./retry-policy.ts";
export { fromBase64, toBase64 } from "./rpc/base64.ts";
export { RPC_PATH } from "./rpc/envelope.ts";
export { REASONS, RETRY_CLASSES, type RetryClass, type RpcReason } from "./rpc/errors.ts";
export { RPC_LIMITS } from "./rpc/limits.ts";
export {
  type EpochEndJson,
  type EventFilterJson,
  METHOD_NAMES,
  METHODS,
  type MethodName,
  type ParamsOf,
  type PendingChangeJson,
  type ProofJson,
  type ReceiptJson,
  type ResultOf,
  type ValidatorJson,
} from "./rpc/methods.ts";
export { type CallOptions, RpcClient, type RpcClientOptions } from "./rpc-client.ts";
export {
  type KeyLookup,
  mergeSignatures,
  readTransaction,
  type SignatureVerdict,
  type SigningParty,
  sign,
  signatureVerdicts,
  transactionBytes,
} from "./signing.ts";
export { submitBatch } from "./submit-batch.ts";
export {
  ExpiryError,
  expiryAt,
  newClientRef,
  TransactionBuilder,
  type TransactionTerms,
} from "./transaction-builder.ts";
export { inspect, rupees } from "./transaction-text.ts";
export {
  type AccountView,
  accountView,
  type BalanceView,
  type EventView,
  eventView,
  type OutcomeView,
  type ReceiptView,
  receiptView,
  type SupplyView,
  succeeded,
  supplyView,
} from "./views.ts";
export {
  DEFAULT_WAIT_MS,
  type Finality,
  submitAndWait,
  type WaitOptions,
  waitForFinality,
} from "./wait.ts";
