/** What a run prints with `--trace`: one readable line an event. */
export type TraceSink = (line: string) => void;

/**
 * The running fingerprint of everything that happened, in order: two runs of one seed must end with
 * the same one. Not cryptographic: two multiply-and-xor lanes of 32 bits, cheap enough for each event.
 */
export class EventLog {
  #low = 0x811c9dc5;
  #high = 0x9e3779b9;
  #count = 0;
  readonly #trace: TraceSink | undefined;

  constructor(trace?: TraceSink) {
    this.#trace = trace;
  }

  get count(): number {
    return this.#count;
  }

  /** `detail` is part of the fingerprint; `describe` only of the printed line. */
  record(atMs: number, node: number, kind: string, detail: string, describe?: () => string): void {
    this.#count += 1;
    this.#mix(atMs);
    this.#mix(node);
    this.#mixText(kind);
    this.#mixText(detail);
    this.#print(atMs, node, kind, describe ?? (() => detail));
  }

  /** Printed with `--trace` and otherwise nothing: no part of the fingerprint. */
  remark(atMs: number, node: number, kind: string, describe: () => string): void {
    this.#print(atMs, node, `  > ${kind}`, describe);
  }

  #print(atMs: number, node: number, kind: string, describe: () => string): void {
    if (this.#trace === undefined) return;
    const time = (atMs / 1000).toFixed(3).padStart(9);
    const place = node < 0 ? "    " : `n${node}`.padEnd(4);
    this.#trace(`${time} ${place} ${kind.padEnd(14)} ${describe()}`);
  }

  /** 16 hex digits. */
  get fingerprint(): string {
    return hexWord(this.#high) + hexWord(this.#low);
  }

  #mixText(text: string): void {
    for (let i = 0; i < text.length; i++) this.#mix(text.charCodeAt(i));
    this.#mix(text.length);
  }

  #mix(word: number): void {
    this.#low = Math.imul(this.#low ^ word, 0x01000193);
    this.#high = Math.imul(this.#high ^ (this.#low >>> 15) ^ word, 0x85ebca6b);
  }
}

function hexWord(word: number): string {
  return (word >>> 0).toString(16).padStart(8, "0");
}
