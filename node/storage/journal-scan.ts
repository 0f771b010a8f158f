import {
  corrupt,
  isUnfinished,
  type ScannedSegment,
  scanSegment,
  segmentName,
  segmentNumber,
} from "./journal-segment.ts";
import type { SegmentFiles } from "./segment-files.ts";
import { StorageError } from "./storage-error.ts";

/** What the files of a journal hold. Nothing is changed by looking. */
export interface JournalScan {
  readonly records: readonly Uint8Array[];
  readonly nextSequence: number;
  /** The segments that count, oldest first; the last one is written on. */
  readonly segments: readonly { readonly name: string; readonly bytes: number }[];
  readonly newest: ScannedSegment;
  /** Leftovers of a rotation that was interrupted: to be removed. */
  readonly leftovers: readonly string[];
  readonly tornBytes: number;
}

export interface ScanOptions {
  readonly chainId: string;
  readonly maxRecordBytes: number;
}

/**
 * Reads the journal from its newest checkpoint on. Throws JOURNAL_MISSING where there is none and
 * JOURNAL_CORRUPT where promised records may be lost.
 */
export async function scanJournal(files: SegmentFiles, options: ScanOptions): Promise<JournalScan> {
  const names = await files.list();
  const numbers = names.map(segmentNumber).filter((number) => number !== undefined);
  numbers.sort((a, b) => b - a);
  const [newestNumber] = numbers;
  if (newestNumber === undefined) {
    throw new StorageError(
      "JOURNAL_MISSING",
      "there is no consensus journal; a validator that voted before must not start without it",
    );
  }
  const scanned: { name: string; segment: ScannedSegment }[] = [];
  for (const number of numbers) {
    const name = segmentName(number);
    const bytes = await files.read(name);
    const newest = number === newestNumber;
    const segment = scanSegment(name, bytes, { ...options, newest });
    if (segment.header.number !== number) throw corrupt(name, 0, "it carries another number");
    scanned.unshift({ name, segment });
    if (segment.header.checkpoint) break;
  }
  checkContinuity(scanned);
  const newest = scanned.at(-1)?.segment;
  if (newest === undefined) throw corrupt(segmentName(newestNumber), 0, "it cannot be read");
  const kept = new Set(scanned.map(({ name }) => name));
  return {
    records: scanned.flatMap(({ segment }) => segment.records),
    nextSequence: newest.lastSequence + 1,
    segments: scanned.map(({ name, segment }) => ({ name, bytes: segment.validBytes })),
    newest,
    leftovers: names.filter(
      (name) => isUnfinished(name) || (segmentNumber(name) !== undefined && !kept.has(name)),
    ),
    tornBytes: newest.tornBytes,
  };
}

/** From the newest checkpoint on, numbers and sequences run without a gap. */
function checkContinuity(scanned: readonly { name: string; segment: ScannedSegment }[]): void {
  let previous: ScannedSegment | undefined;
  for (const { name, segment } of scanned) {
    if (previous === undefined) {
      if (!segment.header.checkpoint) throw corrupt(name, 0, "the segments before it are missing");
    } else if (segment.header.number !== previous.header.number + 1) {
      throw corrupt(name, 0, "the segment before it is missing");
    } else if (segment.header.sequence !== previous.lastSequence + 1) {
      throw corrupt(name, 0, "records between it and the segment before are missing");
    }
    previous = segment;
  }
}
