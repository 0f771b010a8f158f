import { invariant, present } from "../assert.ts";
import { toHex } from "../bytes.ts";
import { isAdmissibleSignature, PUBLIC_KEY_BYTES, SIGNATURE_BYTES } from "../ed25519/criterion.ts";
import { VerificationKernel } from "../kernel/kernel.ts";
import { compileKernel } from "../kernel/kernel-module.ts";
import { COLD_WIDTH, HOT_WIDTH, MemoryPlan } from "../kernel/memory-plan.ts";
import { readRecord } from "../kernel/records.ts";
import type { SignatureCheck } from "../verifier.ts";
import {
  ITEM_FIXED_BYTES,
  MAX_BATCH_SIGNATURES,
  SharedBytes,
  SignatureSlab,
  SLAB_BYTES,
  type TablePlace,
} from "./signature-slab.ts";

export type TableSize = "hot" | "cold";

/** Slabs: what `stage` holds at a time. */
const SLABS = 4;
export const MAX_STAGED = SLABS * MAX_BATCH_SIGNATURES;

/**
 * The kernel on the calling thread with a memory of its own, for tools, tests and measurements; a
 * node's threads share one memory (`verification-pool.ts`). Keys get a table when they are added,
 * and never lose it; those without one are left to libsodium.
 */
export class LocalKernel {
  readonly #kernel: VerificationKernel;
  readonly #plan: MemoryPlan;
  readonly #memory: SharedBytes;
  readonly #slabs: readonly SignatureSlab[];
  readonly #slab: SignatureSlab;
  readonly #tables = new Map<string, TablePlace>();
  readonly #used: Record<TableSize, number> = { hot: 0, cold: 0 };

  private constructor(kernel: VerificationKernel, plan: MemoryPlan, memory: SharedBytes) {
    this.#kernel = kernel;
    this.#plan = plan;
    this.#memory = memory;
    const { start } = plan.region(0);
    this.#slabs = Array.from(
      { length: SLABS },
      (_, i) => new SignatureSlab(memory, start + i * SLAB_BYTES),
    );
    this.#slab = present(this.#slabs[0], "slab");
  }

  /**
   * Undefined where this machine or this version of Node can't run the kernel.
   *
   * @throws KernelError
   */
  static open(tables: { readonly hot: number; readonly cold: number }): LocalKernel | undefined {
    const module = compileKernel();
    if (module === undefined) return undefined;
    const plan = new MemoryPlan({
      regions: 1,
      regionBytes: SLABS * SLAB_BYTES,
      hotTables: tables.hot,
      coldTables: tables.cold,
    });
    const memory = plan.allocate();
    const { workspace } = plan.region(0);
    const kernel = VerificationKernel.create(module, memory, workspace, plan.baseTable);
    if (kernel === undefined) return undefined;
    kernel.buildBase(plan.baseTable);
    return new LocalKernel(kernel, plan, new SharedBytes(memory.buffer));
  }

  /** Builds a key's table. False: a key that must not be registered; it has no table. */
  addKey(publicKey: Uint8Array, size: TableSize): boolean {
    if (publicKey.length !== PUBLIC_KEY_BYTES) return false;
    const index = this.#used[size];
    const place: TablePlace =
      size === "hot"
        ? { address: this.#plan.hotTable(index), width: HOT_WIDTH }
        : { address: this.#plan.coldTable(index), width: COLD_WIDTH };
    this.#slab.order(publicKey, place);
    const key = readRecord(this.#memory.words, this.#slab.firstRecord).publicKey;
    this.#slab.clear();
    if (!this.#kernel.buildTable(place.address, place.width, key)) return false;
    this.#used[size] += 1;
    this.#tables.set(toHex(publicKey), place);
    return true;
  }

  /** Verdicts in the order of `checks`; any number of them. */
  verify(checks: readonly SignatureCheck[]): boolean[] {
    const verdicts = checks.map(() => false);
    let slots: number[] = [];
    const flush = (): void => {
      this.#slab.verify(this.#kernel, 0, this.#slab.count);
      slots.forEach((at, i) => {
        verdicts[at] = this.#slab.verdict(i);
      });
      this.#slab.clear();
      slots = [];
    };
    checks.forEach((check, at) => {
      const { publicKey, signature } = check;
      if (publicKey.length !== PUBLIC_KEY_BYTES || signature.length !== SIGNATURE_BYTES) return;
      const item = itemOf(check);
      if (!this.#slab.hasRoomFor(item.length)) flush();
      this.#slab.add(item, this.#tables.get(toHex(publicKey)));
      slots.push(at);
    });
    flush();
    return verdicts;
  }

  /**
   * Lays checks out once, at most MAX_STAGED, and returns what verifies those from `from` up to `to`
   * (within one slab of MAX_BATCH_SIGNATURES) as a thread of the pool does: to measure it. True if
   * all verify. Ends what was staged before.
   */
  stage(checks: readonly SignatureCheck[]): (from: number, to: number) => boolean {
    invariant(checks.length <= MAX_STAGED, "staged checks are bounded");
    for (const slab of this.#slabs) slab.clear();
    checks.forEach((check, i) => {
      const slab = present(this.#slabs[Math.floor(i / MAX_BATCH_SIGNATURES)], "slab");
      slab.add(itemOf(check), this.#tables.get(toHex(check.publicKey)));
    });
    return (from, to) => {
      const slab = present(this.#slabs[Math.floor(from / MAX_BATCH_SIGNATURES)], "slab");
      const first = from % MAX_BATCH_SIGNATURES;
      slab.verify(this.#kernel, first, first + to - from);
      let all = true;
      for (let i = first; i < first + to - from; i++) all = slab.verdict(i) && all;
      return all;
    };
  }

  /** One signature, by the kernel if the key has a table. */
  verifyOne(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
    if (!isAdmissibleSignature(signature)) return false;
    return present(this.verify([{ publicKey, message, signature }])[0], "verdict");
  }
}

function itemOf({ publicKey, message, signature }: SignatureCheck): Uint8Array {
  const item = new Uint8Array(ITEM_FIXED_BYTES + message.length);
  item.set(publicKey);
  item.set(signature, PUBLIC_KEY_BYTES);
  item.set(message, ITEM_FIXED_BYTES);
  return item;
}
