import type { StateReader } from "../../ledger/state-reader.ts";
import type { StateEntry } from "../storage/committed-block.ts";

/** Entries that stand in memory, as the ledger reads a state. */
export function readerOf(entries: readonly StateEntry[]): StateReader {
  const byKey = new Map(entries);
  return { get: (key) => byKey.get(key) };
}
