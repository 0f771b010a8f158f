import { invariant, present } from "../../primitives/assert.ts";
import { toHex } from "../../primitives/bytes.ts";
import type { SignatureCheck } from "../../primitives/verifier.ts";

const PAGE = 65_536;
const RECORD_BYTES = 32;
const VERDICT_WORD = 6;

/** Bits of the windows of the base point's table and of the keys' tables. */
export interface Widths {
  readonly base: number;
  readonly key: number;
}

/** An instance of some build of the kernel, with its own memory and signatures laid out in it. */
export class KernelContestant {
  readonly tableMs: number;
  readonly tableBytes: number;
  readonly #words: Uint32Array;
  readonly #bytes: Uint8Array;
  readonly #exports: Readonly<Record<string, unknown>>;
  #top = 2 * PAGE;
  readonly #records: number;
  readonly #count: number;

  constructor(module: WebAssembly.Module, widths: Widths, checks: readonly SignatureCheck[]) {
    const keys = new Map(checks.map(({ publicKey }) => [toHex(publicKey), publicKey]));
    const pages = 64 + Math.ceil((2 ** 17 * 40 + keys.size * tableBytes(widths.key)) / PAGE);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    this.#exports = new WebAssembly.Instance(module, { env: { memory } }).exports;
    this.#words = new Uint32Array(memory.buffer);
    this.#bytes = new Uint8Array(memory.buffer);
    const workspace = this.#room(this.#call("workspaceBytes"));
    invariant(this.#call("start", workspace) !== 0, "this machine runs the kernel");
    const base = this.#room(tableBytes(widths.base));
    invariant(this.#call("buildBase", base, widths.base) === 1, "the base table is right");
    this.#call("useBase", base, widths.base);
    const start = performance.now();
    const tables = new Map<string, number>();
    for (const [name, key] of keys) tables.set(name, this.#buildTable(key, widths.key));
    this.tableMs = (performance.now() - start) / keys.size;
    this.tableBytes = tableBytes(widths.key);
    this.#count = checks.length;
    this.#records = this.#room(RECORD_BYTES * checks.length);
    checks.forEach((check, i) => {
      const table = present(tables.get(toHex(check.publicKey)), "table");
      this.#layOut(check, table, widths.key, this.#records + RECORD_BYTES * i);
    });
  }

  /** Microseconds a signature of `batches` batches, the next signatures in each. */
  time(batch: number, batches: number, first: number): number {
    const start = process.hrtime.bigint();
    for (let i = 0; i < batches; i++) {
      const from = (first + i * batch) % this.#count;
      this.#call("verify", this.#records + RECORD_BYTES * from, batch);
    }
    const time = Number(process.hrtime.bigint() - start) / 1_000;
    for (let i = 0; i < batch; i++) {
      const word =
        ((this.#records + RECORD_BYTES * ((first + i) % this.#count)) >> 2) + VERDICT_WORD;
      invariant(this.#words[word] === 1, "every signature verifies");
    }
    return time / (batch * batches);
  }

  #call(name: string, ...args: readonly number[]): number {
    const found = this.#exports[name];
    invariant(typeof found === "function", `the kernel has ${name}`);
    return Number(Reflect.apply(found, undefined, args));
  }

  #room(bytes: number): number {
    const address = this.#top;
    this.#top += Math.ceil(bytes / 128) * 128;
    return address;
  }

  #put(bytes: Uint8Array): number {
    const address = this.#room(bytes.length);
    this.#bytes.set(bytes, address);
    return address;
  }

  #buildTable(key: Uint8Array, width: number): number {
    const table = this.#room(tableBytes(width));
    invariant(this.#call("buildKey", table, width, this.#put(key)) === 1, "a signer's key");
    return table;
  }

  #layOut(check: SignatureCheck, table: number, width: number, record: number): void {
    const addresses = [check.signature, check.publicKey, check.message].map((b) => this.#put(b));
    this.#words.set([...addresses, check.message.length, table, width], record >> 2);
  }
}

function tableBytes(width: number): number {
  return Math.floor((253 + width) / width) * 2 ** (width - 1) * 128;
}
