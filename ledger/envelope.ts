import { invariant } from "../primitives/assert.ts";
import {
  compareBytes,
  concatBytes,
  copyBytes,
  FixedWriter,
  fromHex,
  utf8,
} from "../primitives/bytes.ts";
import { decode, encode } from "../primitives/codec/codec.ts";
import { CodecError, invalidValue } from "../primitives/codec/codec-error.ts";
import {
  borrowedBytes,
  counter,
  hash,
  list,
  record,
  type Schema,
  uint,
} from "../primitives/codec/schema.ts";
import { readerOf, writerOf } from "../primitives/codec/wire-generic.ts";
import type { WireReader } from "../primitives/codec/wire-reader.ts";
import { UNUSUAL, type WireWriter } from "../primitives/codec/wire-writer.ts";
import type { Signer } from "../primitives/ed25519/signer.ts";
import { CodedError } from "../primitives/errors.ts";
import { sha256, sha256Hex } from "../primitives/sha256.ts";
import {
  BODY_LIMITS,
  MAX_SIGNATURES,
  MAX_TRANSACTION_BYTES,
  SIGNED_TRANSACTION_LIMITS,
} from "./limits.ts";
import { isKind, type Kind, kinds, kindTable, type Payloads } from "./transactions/kinds.ts";
import { clientRef, keyId, memberId } from "./types.ts";

/** Version of the body's layout. */
export const TRANSACTION_VERSION = 1;

/** What every body carries, whatever its kind. */
export interface BodyHeader {
  readonly version: 1;
  readonly chainId: string;
  /** The member whose client reference this is; it always signs. */
  readonly member: string;
  readonly clientRef: string;
  /** The last block height at which the transaction may stand. */
  readonly expiresAtHeight: number;
}

export type BodyOf<K extends Kind> = {
  [P in K]: BodyHeader & { readonly kind: P; readonly payload: Payloads[P] };
}[K];
export type TransactionBody = BodyOf<Kind>;

export interface TransactionSignature {
  readonly member: string;
  readonly keyId: string;
  /** Ed25519 over the statement, 64 bytes. */
  readonly signature: Uint8Array;
}

export interface SignedTransaction {
  readonly body: TransactionBody;
  /** Canonical bytes of the body: what the digest in the statement is taken of. */
  readonly bodyBytes: Uint8Array;
  /** The 75 bytes that each signer signs. */
  readonly statement: Uint8Array;
  readonly txId: string;
  /** Sorted by (member, keyId), unique. */
  readonly signatures: readonly TransactionSignature[];
  /** The whole on the wire: [bodyBytes, [[member, keyId, signature]...]]. */
  readonly bytes: Uint8Array;
}

export type TransactionErrorCode = "TX_MALFORMED" | "TX_NOT_CANONICAL" | "TX_TOO_LARGE";

/** Bytes that are not a transaction. `data.field` is the path inside it where one is known. */
export class TransactionError extends CodedError<TransactionErrorCode> {
  override readonly name = "TransactionError";
}

const header = record({
  version: uint(0xff),
  chainId: hash,
  member: memberId,
  clientRef,
  expiresAtHeight: counter,
});

const LAYOUT = "[version, chainId, member, clientRef, expiresAtHeight, kind, payload]";

const MAX_KIND_BYTES = Math.max(...kinds.map((kind) => kind.length));
const [writeMember, readMember] = [writerOf(memberId), readerOf(memberId)];
const [writeReference, readReference] = [writerOf(clientRef), readerOf(clientRef)];
const readPayload = new Map<Kind, (input: WireReader) => unknown>(
  kinds.map((kind) => [kind, readerOf<unknown>(kindTable[kind].payload)]),
);

/** [version, chainId, member, clientRef, expiresAtHeight, kind, payload], kind as text. */
export const bodySchema: Schema<TransactionBody> = {
  describe: LAYOUT,
  toWire(body, field) {
    if (!isKind(body.kind)) throw invalidValue(`${field}.kind`, body.kind, kinds.join(", "));
    if (body.version !== TRANSACTION_VERSION) {
      throw invalidValue(`${field}.version`, body.version, String(TRANSACTION_VERSION));
    }
    const head = header.toWire(body, field);
    invariant(Array.isArray(head), "a record is an array on the wire");
    return [...head, body.kind, payloadToWire(body, `${field}.payload`)];
  },
  fromWire(wire, field) {
    if (!Array.isArray(wire) || wire.length !== 7) throw invalidValue(field, wire, LAYOUT);
    const { version, ...head } = header.fromWire(wire.slice(0, 5), field);
    if (version !== TRANSACTION_VERSION) {
      throw invalidValue(`${field}.version`, version, String(TRANSACTION_VERSION));
    }
    const kind: unknown = wire[5];
    if (!isKind(kind)) throw invalidValue(`${field}.kind`, kind, kinds.join(", "));
    const payload = kindTable[kind].payload.fromWire(wire[6], `${field}.payload`);
    // The payload was read by the schema of this very kind.
    return { version, ...head, kind, payload } as TransactionBody;
  },
  write(out, body) {
    if (!isKind(body.kind) || body.version !== TRANSACTION_VERSION) throw UNUSUAL;
    out.array(7);
    out.uint(body.version, TRANSACTION_VERSION);
    out.hash(body.chainId);
    writeMember(out, body.member);
    writeReference(out, body.clientRef);
    out.counter(body.expiresAtHeight);
    out.text(body.kind, MAX_KIND_BYTES);
    writePayload(out, body);
  },
  read(input) {
    if (input.enter() !== 7 || input.uint(TRANSACTION_VERSION) !== TRANSACTION_VERSION) {
      throw UNUSUAL;
    }
    const chainId = input.hash();
    const member = readMember(input);
    const reference = readReference(input);
    const expiresAtHeight = input.counter();
    const kind = input.text(MAX_KIND_BYTES);
    const read = isKind(kind) ? readPayload.get(kind) : undefined;
    if (read === undefined) throw UNUSUAL;
    const payload = read(input);
    input.leave();
    return {
      version: TRANSACTION_VERSION,
      chainId,
      member,
      clientRef: reference,
      expiresAtHeight,
      kind,
      payload,
    } as TransactionBody; // The payload was read by the schema of this very kind.
  },
};

function writePayload<K extends Kind>(out: WireWriter, body: BodyOf<K>): void {
  writerOf(kindTable[body.kind].payload)(out, body.payload);
}

function payloadToWire<K extends Kind>(body: BodyOf<K>, field: string) {
  return kindTable[body.kind].payload.toWire(body.payload, field);
}

/** Puts a body together. The types bind the payload to the kind. */
export function buildBody<K extends Kind>(
  head: Omit<BodyHeader, "version">,
  kind: K,
  payload: Payloads[K],
): BodyOf<K> {
  const { chainId, member, clientRef: reference, expiresAtHeight } = head;
  // The mapped type of one name K is this object type.
  return {
    version: TRANSACTION_VERSION,
    chainId,
    member,
    clientRef: reference,
    expiresAtHeight,
    kind,
    payload,
  } as BodyOf<K>;
}

/** Canonical bytes of a body. Throws CodecError INVALID_VALUE naming the field. */
export function encodeBody(body: TransactionBody): Uint8Array {
  return encode(bodySchema, body, "body");
}

const DOMAIN = utf8("MIZAN/TX/1\0");
const STATEMENT_BYTES = 11 + 32 + 32;

/** "MIZAN/TX/1\0" || chainId (32) || SHA-256 of the canonical body (32): 75 bytes. */
export function statementOf(chainId: string, bodyBytes: Uint8Array): Uint8Array {
  if (chainId !== headOf.chainId)
    headOf = { chainId, bytes: concatBytes(DOMAIN, fromHex(chainId)) };
  return new FixedWriter(STATEMENT_BYTES).put(headOf.bytes).put(sha256(bodyBytes)).finish();
}

/** Beginning of the statements of the chain that was last asked for: nearly always the same. */
let headOf = { chainId: "", bytes: DOMAIN };

/** SHA-256 of the statement, hex. Signatures do not enter it. */
export function txIdOf(statement: Uint8Array): string {
  return sha256Hex(statement);
}

/** A transaction without signatures yet: add them with `withSignatures`. */
export function unsigned(body: TransactionBody): SignedTransaction {
  const bodyBytes = encodeBody(body);
  const statement = statementOf(body.chainId, bodyBytes);
  const bytes = encodeSigned(bodyBytes, []);
  return { body, bodyBytes, statement, txId: txIdOf(statement), signatures: [], bytes };
}

/** Signs the statement for one member's key. */
export function signatureBy(
  transaction: SignedTransaction,
  member: string,
  key: string,
  signer: Signer,
): TransactionSignature {
  return { member, keyId: key, signature: signer.sign(transaction.statement) };
}

function compareSigners(a: TransactionSignature, b: TransactionSignature): number {
  if (a.member !== b.member) return a.member < b.member ? -1 : 1;
  if (a.keyId !== b.keyId) return a.keyId < b.keyId ? -1 : 1;
  return 0;
}

/**
 * The transaction with these signatures as well, in canonical order. Merging is commutative: where
 * both sides carry a signature of one key (a signer can make many), the smaller bytes stay.
 * Throws TransactionError TX_TOO_LARGE above the bounds on signatures and bytes.
 */
export function withSignatures(
  transaction: SignedTransaction,
  added: readonly TransactionSignature[],
): SignedTransaction {
  const merged: TransactionSignature[] = [];
  const all = [...transaction.signatures, ...added].toSorted(
    (a, b) => compareSigners(a, b) || compareBytes(a.signature, b.signature),
  );
  for (const signature of all) {
    const last = merged.at(-1);
    if (last === undefined || compareSigners(last, signature) !== 0) merged.push(signature);
  }
  if (merged.length > MAX_SIGNATURES) {
    throw new TransactionError("TX_TOO_LARGE", "too many signatures", {
      field: "signatures",
      got: merged.length,
      limit: MAX_SIGNATURES,
    });
  }
  const bytes = encodeSigned(transaction.bodyBytes, merged);
  return { ...transaction, signatures: merged, bytes };
}

/** Two copies of one body, signed by different parties, as one. */
export function mergeSigned(a: SignedTransaction, b: SignedTransaction): SignedTransaction {
  if (a.txId !== b.txId) {
    throw new TransactionError("TX_MALFORMED", "signatures of different transactions", {
      field: "txId",
      got: b.txId,
      expected: a.txId,
    });
  }
  return withSignatures(a, b.signatures);
}

const signedSchema = record({
  body: borrowedBytes(MAX_TRANSACTION_BYTES),
  signatures: list(
    record({ member: memberId, keyId, signature: borrowedBytes(64, 64) }),
    MAX_SIGNATURES,
  ),
});

function encodeSigned(
  bodyBytes: Uint8Array,
  signatures: readonly TransactionSignature[],
): Uint8Array {
  const bytes = encode(signedSchema, { body: bodyBytes, signatures }, "transaction");
  if (bytes.length > MAX_TRANSACTION_BYTES) throw tooLarge(bytes.length);
  return bytes;
}

/** The transaction as it goes over the wire: `decodeSignedTransaction` reads it back. */
export function encodeSignedTransaction(transaction: SignedTransaction): Uint8Array {
  return transaction.bytes;
}

/**
 * Reads a transaction from the wire: bounded, schema-checked, canonical inside and out. It says
 * nothing about the signatures.
 * @throws TransactionError TX_TOO_LARGE, TX_MALFORMED, TX_NOT_CANONICAL
 */
export function decodeSignedTransaction(bytes: Uint8Array): SignedTransaction {
  if (bytes.length > MAX_TRANSACTION_BYTES) throw tooLarge(bytes.length);
  return decodeOwnTransaction(copyBytes(bytes));
}

/**
 * The same, where nobody writes to `bytes` any more: the transaction's parts are views of them.
 * @throws TransactionError as decodeSignedTransaction
 */
export function decodeOwnTransaction(bytes: Uint8Array): SignedTransaction {
  if (bytes.length > MAX_TRANSACTION_BYTES) throw tooLarge(bytes.length);
  try {
    const outer = decode(signedSchema, bytes, SIGNED_TRANSACTION_LIMITS, "transaction");
    checkSignatureOrder(outer.signatures);
    const body = decode(bodySchema, outer.body, BODY_LIMITS, "body");
    const statement = statementOf(body.chainId, outer.body);
    return {
      body,
      bodyBytes: outer.body,
      statement,
      txId: txIdOf(statement),
      signatures: outer.signatures,
      bytes,
    };
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    throw new TransactionError(transactionCodeOf(error), error.message, error.data, {
      cause: error,
    });
  }
}

function transactionCodeOf(error: CodecError): TransactionErrorCode {
  switch (error.code) {
    case "NOT_CANONICAL":
      return "TX_NOT_CANONICAL";
    case "TOO_LARGE":
      return "TX_TOO_LARGE";
    case "TOO_DEEP":
    case "TOO_MANY_ELEMENTS":
    case "MALFORMED":
    case "INVALID_VALUE":
      return "TX_MALFORMED";
  }
}

function checkSignatureOrder(signatures: readonly TransactionSignature[]): void {
  for (let i = 1; i < signatures.length; i++) {
    const [before, after] = [signatures[i - 1], signatures[i]];
    if (before === undefined || after === undefined || compareSigners(before, after) >= 0) {
      throw new TransactionError("TX_NOT_CANONICAL", "signatures are not sorted and unique", {
        field: `transaction.signatures[${i}]`,
      });
    }
  }
}

function tooLarge(got: number): TransactionError {
  return new TransactionError("TX_TOO_LARGE", `a transaction of ${got} bytes`, {
    got,
    limit: MAX_TRANSACTION_BYTES,
  });
}
