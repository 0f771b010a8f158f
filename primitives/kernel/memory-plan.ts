import { invariant } from "../assert.ts";
import { BASE_WIDTH, PAGE_BYTES, tableBytes, WORKSPACE_BYTES } from "./kernel.ts";

/** Windows of a busy key's table: 512 KiB, 32 additions a verification. */
export const HOT_WIDTH = 8;
/** Windows of any other key's table: 102 KiB, 51 additions. */
export const COLD_WIDTH = 5;

export interface MemoryNeeds {
  /** Threads with a workspace. */
  readonly regions: number;
  /** Bytes that each region has beside its workspace. */
  readonly regionBytes: number;
  readonly hotTables: number;
  readonly coldTables: number;
}

/** What crosses to a thread so that it finds its way in the shared memory. */
export interface RegionAddresses {
  readonly workspace: number;
  /** First byte of the region's own bytes. */
  readonly start: number;
}

const LINE_BYTES = 128;

/**
 * Where things lie in the memory that all threads of a pool share:
 *
 *   page 0 and 1: constants of the kernel | base table | regions | hot tables | cold tables
 *
 * Its whole size is reserved at once, but a page costs memory only from its first use.
 */
export class MemoryPlan {
  readonly baseTable: number;
  readonly pages: number;
  readonly #needs: MemoryNeeds;
  readonly #firstRegion: number;
  readonly #regionStride: number;
  readonly #firstHot: number;
  readonly #firstCold: number;

  constructor(needs: MemoryNeeds) {
    this.#needs = needs;
    this.baseTable = 2 * PAGE_BYTES;
    this.#firstRegion = align(this.baseTable + tableBytes(BASE_WIDTH));
    this.#regionStride = align(WORKSPACE_BYTES) + align(needs.regionBytes);
    this.#firstHot = this.#firstRegion + needs.regions * this.#regionStride;
    this.#firstCold = this.#firstHot + needs.hotTables * tableBytes(HOT_WIDTH);
    const end = this.#firstCold + needs.coldTables * tableBytes(COLD_WIDTH);
    this.pages = Math.ceil(end / PAGE_BYTES);
    // Addresses are shifted and compared as signed 32-bit numbers in places.
    invariant(end < 2 ** 31, "the shared memory stays below 2 GiB");
  }

  region(index: number): RegionAddresses {
    invariant(index >= 0 && index < this.#needs.regions, "region of the plan");
    const workspace = this.#firstRegion + index * this.#regionStride;
    return { workspace, start: workspace + align(WORKSPACE_BYTES) };
  }

  hotTable(index: number): number {
    invariant(index >= 0 && index < this.#needs.hotTables, "hot table of the plan");
    return this.#firstHot + index * tableBytes(HOT_WIDTH);
  }

  coldTable(index: number): number {
    invariant(index >= 0 && index < this.#needs.coldTables, "cold table of the plan");
    return this.#firstCold + index * tableBytes(COLD_WIDTH);
  }

  allocate(): WebAssembly.Memory {
    return new WebAssembly.Memory({ initial: this.pages, maximum: this.pages, shared: true });
  }
}

function align(bytes: number): number {
  return Math.ceil(bytes / LINE_BYTES) * LINE_BYTES;
}
