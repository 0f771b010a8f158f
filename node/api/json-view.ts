import { toBase64 } from "../../client/rpc/base64.ts";
import type { EventJson, ProofJson, ReceiptJson } from "../../client/rpc/methods.ts";
import type { JsonValue } from "../../client/rpc/scalars.ts";
import { encodeEvent, type PlacedEvent } from "../../ledger/events.ts";
import type { Outcome } from "../../ledger/outcome.ts";
import type { Receipt } from "../../ledger/receipt.ts";
import { InvariantError } from "../../primitives/assert.ts";
import { encode } from "../../primitives/codec/codec.ts";
import { stateProofSchema } from "../../primitives/merkle/state-proof.ts";
import type { ProvenEntry } from "./ports.ts";

/** A ledger value as JSON: numbers of every kind become decimal text, bytes base64. */
export function toJson(value: unknown): JsonValue {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "bigint":
    case "number":
      return value.toString();
    case "object":
      if (value === null) return null;
      if (value instanceof Uint8Array) return toBase64(value);
      if (Array.isArray(value)) return value.map(toJson);
      return toJsonObject(value);
    case "undefined":
    case "symbol":
    case "function":
      throw new InvariantError(`a ledger value is never a ${typeof value}`);
  }
}

/** Fields without a value are left out. */
export function toJsonObject(value: object): { [key: string]: JsonValue } {
  const out: { [key: string]: JsonValue } = {};
  for (const [name, field] of Object.entries(value)) {
    if (field !== undefined) out[name] = toJson(field);
  }
  return out;
}

export function outcomeJson(outcome: Outcome): ReceiptJson["outcome"] {
  return { code: outcome.code, retry: outcome.retry, isoReason: outcome.isoReason };
}

export function receiptJson(receipt: Receipt): ReceiptJson {
  const { first, moments } = receipt;
  return {
    txId: receipt.txId,
    member: receipt.member,
    clientRef: receipt.clientRef,
    kind: receipt.kind,
    height: String(receipt.height),
    index: receipt.index,
    executed: receipt.executed,
    outcome: outcomeJson(receipt.outcome),
    ...(receipt.field === undefined ? {} : { field: receipt.field }),
    ...(first === undefined
      ? {}
      : {
          first: {
            txId: first.txId,
            outcome: outcomeJson(first.outcome),
            height: String(first.height),
            index: first.index,
          },
        }),
    eventCount: receipt.eventCount,
    ...(moments === undefined
      ? {}
      : {
          moments: {
            entryHeight: String(moments.entryHeight),
            irrevocabilityHeight: String(moments.irrevocabilityHeight),
            finalityHeight: String(moments.finalityHeight),
          },
        }),
  };
}

export function eventJson(placed: PlacedEvent, cursor: string): EventJson {
  return {
    cursor,
    type: placed.event.type,
    height: String(placed.height),
    txIndex: placed.txIndex,
    eventIndex: placed.eventIndex,
    txId: placed.txId,
    data: toJsonObject(placed.event.body),
    encoded: toBase64(encodeEvent(placed)),
  };
}

export function proofJson(entry: ProvenEntry): ProofJson {
  return {
    height: String(entry.height),
    key: entry.key,
    value: entry.value === undefined ? null : toBase64(entry.value),
    path: toBase64(encode(stateProofSchema, entry.path, "path")),
    header: toBase64(entry.headerBytes),
    descendants: entry.descendants.map(toBase64),
    commit: toBase64(entry.finalization),
  };
}
