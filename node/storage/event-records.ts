import { invariant } from "../../primitives/assert.ts";
import type { BlockEvent, StoredEvent } from "./committed-block.ts";
import { eventsPosition, getU32, u32Bytes } from "./keyspace.ts";

/** Before each event: its index in the transaction and its length, u32 each. */
const HEAD_BYTES = 8;

/**
 * All events of one transaction are one value: a settlement has seven, and a key, a checksum and an
 * entry in the log of LevelDB for each would cost more than the events themselves.
 */
export function packEvents(events: readonly BlockEvent[]): Uint8Array {
  let length = 0;
  for (const { bytes } of events) length += HEAD_BYTES + bytes.length;
  const out = new Uint8Array(length);
  let at = 0;
  for (const { eventIndex, bytes } of events) {
    out.set(u32Bytes(eventIndex), at);
    out.set(u32Bytes(bytes.length), at + 4);
    out.set(bytes, at + HEAD_BYTES);
    at += HEAD_BYTES + bytes.length;
  }
  return out;
}

/** The events under a key, in order. The database has compared the value with its checksum. */
export function unpackEvents(key: Uint8Array, value: Uint8Array): readonly StoredEvent[] {
  const { height, txIndex } = eventsPosition(key);
  const events: StoredEvent[] = [];
  let at = 0;
  while (at < value.length) {
    invariant(at + HEAD_BYTES <= value.length, "an event record is whole");
    const eventIndex = getU32(value, at);
    const start = at + HEAD_BYTES;
    at = start + getU32(value, at + 4);
    invariant(at <= value.length, "an event record is whole");
    events.push({ height, txIndex, eventIndex, bytes: value.slice(start, at) });
  }
  return events;
}

/** Neighbours of one transaction together, in the order in which they come. */
export function* byTransaction(events: readonly BlockEvent[]): Iterable<readonly BlockEvent[]> {
  let start = 0;
  for (let i = 1; i <= events.length; i++) {
    if (i < events.length && events[i]?.txIndex === events[start]?.txIndex) continue;
    yield events.slice(start, i);
    start = i;
  }
}
