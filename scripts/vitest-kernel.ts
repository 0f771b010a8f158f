import { buildKernel } from "./build-kernel.ts";

/** Tests run from the sources: a clean checkout has no kernel yet, a changed one an old kernel. */
export function setup(): void {
  buildKernel();
}
