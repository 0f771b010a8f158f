/**
 * Committed state as the ledger reads it: a flat map from ASCII keys ("account/PKSGLA001") to the
 * canonical bytes of one record.
 *
 * The bytes returned must never be changed afterwards by either side: the ledger remembers what a
 * byte array decoded to, by the identity of the array, so a reader that hands out the same array
 * again for an unchanged record saves the decoding.
 */
export interface StateReader {
  get(key: string): Uint8Array | undefined;
}

/** A reader over entries in memory: genesis, snapshots, tests, the browser. */
export function readerOf(entries: Iterable<readonly [string, Uint8Array]>): StateReader {
  return new Map(entries);
}
