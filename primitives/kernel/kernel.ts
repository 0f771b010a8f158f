import { invariant } from "../assert.ts";
import { KernelError } from "./kernel-module.ts";

/** Bytes of a record, one signature of a call to `verify`. */
export const RECORD_BYTES = 32;
/** Signatures of one call. */
export const MAX_RECORDS = 256;
/** Bytes of one message. */
export const MAX_KERNEL_MESSAGE = 65_536;
export const PAGE_BYTES = 65_536;

/** Bits of a window of the base point's table: 26 windows, 1.7 MB for all threads together. */
export const BASE_WIDTH = 10;

/** Number of windows of signed digits for scalars of 253 bits. */
export function windowsOf(width: number): number {
  return Math.floor((253 + width) / width);
}

/** Bytes of a table: 128 for each entry, 2^(width - 1) entries a window. */
export function tableBytes(width: number): number {
  return windowsOf(width) * 2 ** (width - 1) * 128;
}

/** What the compiled module offers. Addresses are bytes from the start of the memory. */
export interface KernelExports {
  workspaceBytes(): number;
  start(workspace: number): number;
  useBase(table: number, width: number): void;
  buildBase(table: number, width: number): number;
  buildKey(table: number, width: number, encoding: number): number;
  verify(records: number, count: number): void;
}

const EXPORTS = ["workspaceBytes", "start", "useBase", "buildBase", "buildKey", "verify"] as const;

/** Bytes of an instance's workspace; checked against the module. */
export const WORKSPACE_BYTES = 311_296;

/**
 * One thread's instance of the kernel in a memory that all threads share. It verifies under the
 * network's criterion (`ed25519/criterion.ts`) exactly, each signature for itself, for keys whose
 * table has been built. It trusts the addresses it is given; no two instances share a workspace.
 */
export class VerificationKernel {
  readonly #exports: KernelExports;

  private constructor(exports: KernelExports) {
    this.#exports = exports;
  }

  /**
   * Undefined where this machine doesn't fuse multiply-adds: the kernel would compute wrongly.
   *
   * @throws KernelError KERNEL_DEFECT
   */
  static create(
    module: WebAssembly.Module,
    memory: WebAssembly.Memory,
    workspace: number,
    baseTable: number,
  ): VerificationKernel | undefined {
    const exports = kernelExports(new WebAssembly.Instance(module, { env: { memory } }));
    if (exports.workspaceBytes() !== WORKSPACE_BYTES) throw defect("another workspace");
    if (exports.start(workspace) === 0) return undefined;
    exports.useBase(baseTable, BASE_WIDTH);
    return new VerificationKernel(exports);
  }

  /**
   * Builds the base point's table: once for a memory, before any verification; about 6 ms.
   *
   * @throws KernelError KERNEL_DEFECT
   */
  buildBase(table: number): void {
    if (this.#exports.buildBase(table, BASE_WIDTH) === 0) throw defect("base table");
  }

  /**
   * Builds a key's table of windows of `width` bits. False: not a key that may be registered, and
   * the table must not be used. About 0.3 ms at width 5 and 1.3 ms at 8.
   */
  buildTable(table: number, width: number, publicKey: number): boolean {
    return this.#exports.buildKey(table, width, publicKey) === 1;
  }

  /** Writes the verdicts of the records (see `kernel-records.ts`) that have a table. */
  verify(records: number, count: number): void {
    invariant(count >= 0 && count <= MAX_RECORDS, "records are bounded");
    this.#exports.verify(records, count);
  }
}

function kernelExports({ exports }: WebAssembly.Instance): KernelExports {
  if (!isKernel(exports)) throw defect("exports");
  return exports;
}

function isKernel(exports: object): exports is KernelExports {
  return EXPORTS.every((name) => typeof Reflect.get(exports, name) === "function");
}

function defect(what: string): KernelError {
  return new KernelError("KERNEL_DEFECT", `the verification kernel: ${what}`, { what });
}
