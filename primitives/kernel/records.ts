import { RECORD_BYTES } from "./kernel.ts";

/** One signature for the kernel: addresses of its parts in the shared memory. */
export interface KernelRecord {
  /** R and S, 64 bytes. */
  readonly signature: number;
  /** 32 bytes. */
  readonly publicKey: number;
  readonly message: number;
  readonly messageBytes: number;
  /** Of the key's table; 0 without one: the kernel passes over the record. */
  readonly table: number;
  /** Bits of that table's windows; 0 without a table. */
  readonly width: number;
}

const WORDS = RECORD_BYTES / 4;
const VERDICT = 6;

/** `words`: the whole memory as 32-bit words. `address`: of the record. */
export function writeRecord(words: Uint32Array, address: number, record: KernelRecord): void {
  const at = address >> 2;
  words[at] = record.signature;
  words[at + 1] = record.publicKey;
  words[at + 2] = record.message;
  words[at + 3] = record.messageBytes;
  words[at + 4] = record.table;
  words[at + 5] = record.width;
  words[at + VERDICT] = 0;
  words[at + WORDS - 1] = 0;
}

export function readRecord(words: Uint32Array, address: number): KernelRecord {
  const at = address >> 2;
  const word = (i: number): number => words[at + i] ?? 0;
  return {
    signature: word(0),
    publicKey: word(1),
    message: word(2),
    messageBytes: word(3),
    table: word(4),
    width: word(5),
  };
}

export function hasTable(words: Uint32Array, address: number): boolean {
  return words[(address >> 2) + 5] !== 0;
}

export function verdictOf(words: Uint32Array, address: number): boolean {
  return words[(address >> 2) + VERDICT] === 1;
}

export function setVerdict(words: Uint32Array, address: number, verdict: boolean): void {
  words[(address >> 2) + VERDICT] = verdict ? 1 : 0;
}
