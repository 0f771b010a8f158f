import { fromHex } from "../bytes.ts";
import { VerificationKernel } from "../kernel/kernel.ts";
import { compileKernel } from "../kernel/kernel-module.ts";
import { COLD_WIDTH, MemoryPlan } from "../kernel/memory-plan.ts";
import { readRecord } from "../kernel/records.ts";
import { selfTestKernel } from "./kernel-self-test.ts";
import { SELF_TEST_KEY, SelfTestError } from "./self-test.ts";
import { SharedBytes, type SignatureSlab, type TablePlace } from "./signature-slab.ts";
import type { TableCounts } from "./table-directory.ts";
import { REGION_BYTES, ThreadRegion } from "./thread-region.ts";
import type { WorkerData } from "./worker-data.ts";

/**
 * The memory that a pool's threads share, set up: base table, the self-test's table, a region for
 * each thread and one, with a tested kernel, for the calling thread.
 */
export class SharedKernel {
  readonly plan: MemoryPlan;
  readonly memory: SharedBytes;
  /** The calling thread's; undefined where this machine can't run the kernel. */
  readonly kernel: VerificationKernel | undefined;
  /** The calling thread's slabs. */
  readonly own: ThreadRegion;
  readonly #memory: WebAssembly.Memory;
  readonly #module: WebAssembly.Module | undefined;
  readonly #testTable: TablePlace;

  /**
   * `kernel` false: as on a machine that can't run it.
   *
   * @throws KernelError, SelfTestError (the calling thread)
   */
  constructor(threads: number, tables: TableCounts, kernel: boolean) {
    this.plan = new MemoryPlan({
      regions: threads + 1,
      regionBytes: REGION_BYTES,
      hotTables: tables.hot,
      // One more, for the self-test's key.
      coldTables: tables.cold + 1,
    });
    this.#memory = this.plan.allocate();
    this.memory = new SharedBytes(this.#memory.buffer);
    this.own = this.region(0);
    this.#testTable = { address: this.plan.coldTable(tables.cold), width: COLD_WIDTH };
    const module = kernel ? compileKernel() : undefined;
    this.kernel = module === undefined ? undefined : this.#createKernel(module);
    this.#module = this.kernel === undefined ? undefined : module;
  }

  region(index: number): ThreadRegion {
    return new ThreadRegion(this.memory, this.plan.region(index).start);
  }

  /** What the thread of a region has to know. */
  workerData(index: number): Omit<WorkerData, "fault"> {
    return {
      memory: this.#memory,
      module: this.#module,
      region: this.plan.region(index),
      baseTable: this.plan.baseTable,
      testTable: this.#testTable,
    };
  }

  #createKernel(module: WebAssembly.Module): VerificationKernel | undefined {
    const { baseTable } = this.plan;
    const { workspace } = this.plan.region(0);
    const kernel = VerificationKernel.create(module, this.#memory, workspace, baseTable);
    const slab = this.own.slabs[0];
    if (kernel === undefined || slab === undefined) return undefined;
    kernel.buildBase(baseTable);
    this.#buildTestTable(kernel, slab);
    selfTestKernel(kernel, slab, this.#testTable);
    return kernel;
  }

  #buildTestTable(kernel: VerificationKernel, slab: SignatureSlab): void {
    slab.order(fromHex(SELF_TEST_KEY), this.#testTable);
    const { publicKey, table, width } = readRecord(this.memory.words, slab.firstRecord);
    slab.clear();
    if (!kernel.buildTable(table, width, publicKey)) {
      throw new SelfTestError("SELF_TEST_FAILED", "Ed25519 self-test: the key is refused");
    }
  }
}
