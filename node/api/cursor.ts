import { RpcRefusal } from "../../client/rpc/errors.ts";
import type { EventFilterJson } from "../../client/rpc/methods.ts";
import { toHex, utf8 } from "../../primitives/bytes.ts";
import { sha256 } from "../../primitives/sha256.ts";
import { END_OF_BLOCK, type EventPlace } from "./ports.ts";

/**
 * Cursors are positions in the ledger, so they mean the same at every node of the chain. The text
 * inside the base64url is `version.chainTag.kind.filterHash.height:txIndex:eventIndex`, the place
 * being the last one delivered. The filter is in it because a page read with another filter would
 * skip or repeat events without anyone noticing.
 */

const VERSION = "1";
const KIND = "e";
/** Hex digits of the chain id and of the filter's hash: against mix-ups, not against forgery. */
const TAG_DIGITS = 16;

const CURSOR_TEXT =
  /^1\.([0-9a-f]{16})\.e\.([0-9a-f]{16})\.(0|[1-9]\d{0,15}):(0|[1-9]\d{0,9}):(0|[1-9]\d{0,9})$/;

/** The same for filters that let the same events through. */
export function filterHash(filter: EventFilterJson | undefined): string {
  const types = [...(filter?.types ?? [])].sort();
  const text = JSON.stringify([types, filter?.account ?? null]);
  return toHex(sha256(utf8(text))).slice(0, TAG_DIGITS);
}

export function encodeCursor(chainId: string, filter: string, place: EventPlace): string {
  const position = `${place.height}:${place.txIndex}:${place.eventIndex}`;
  const text = [VERSION, chainId.slice(0, TAG_DIGITS), KIND, filter, position].join(".");
  return Buffer.from(text, "latin1").toString("base64url");
}

/** The place after every event of a block; block 0 has none, so it is the genesis. */
export function endOfBlock(height: number): EventPlace {
  return { height, txIndex: END_OF_BLOCK, eventIndex: END_OF_BLOCK };
}

/**
 * The place that a cursor stands for: `genesis`, `at:H` (from the first event of block H on), or a
 * cursor of an earlier page. Throws RpcRefusal CURSOR_INVALID, CURSOR_OTHER_CHAIN or
 * CURSOR_FILTER_MISMATCH.
 */
export function decodeCursor(cursor: string, chainId: string, filter: string): EventPlace {
  if (cursor === "genesis") return endOfBlock(0);
  const start = /^at:(0|[1-9]\d{0,15})$/.exec(cursor)?.[1];
  if (start !== undefined) {
    const height = Number(start);
    if (!Number.isSafeInteger(height)) throw invalidCursor(cursor);
    return endOfBlock(Math.max(0, height - 1));
  }
  const text = Buffer.from(cursor, "base64url").toString("latin1");
  const parts = CURSOR_TEXT.exec(text);
  // The decoder forgives much: only the one spelling that we hand out is a cursor.
  if (parts === null || Buffer.from(text, "latin1").toString("base64url") !== cursor) {
    throw invalidCursor(cursor);
  }
  const [, chainTag, filterTag, height, txIndex, eventIndex] = parts;
  const place = {
    height: Number(height),
    txIndex: Number(txIndex),
    eventIndex: Number(eventIndex),
  };
  if (!Number.isSafeInteger(place.height)) throw invalidCursor(cursor);
  if (place.txIndex > END_OF_BLOCK || place.eventIndex > END_OF_BLOCK) throw invalidCursor(cursor);
  if (chainTag !== chainId.slice(0, TAG_DIGITS)) {
    throw new RpcRefusal("CURSOR_OTHER_CHAIN", { field: "cursor" });
  }
  if (filterTag !== filter) throw new RpcRefusal("CURSOR_FILTER_MISMATCH", { field: "cursor" });
  return place;
}

function invalidCursor(cursor: string): RpcRefusal {
  return new RpcRefusal("CURSOR_INVALID", { field: "cursor", got: cursor.slice(0, 64) });
}
