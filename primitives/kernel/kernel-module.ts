import { existsSync, readFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { CodedError } from "../errors.ts";

const BINARY = new URL("./build/verify.wasm", import.meta.url);

export type KernelErrorCode = "KERNEL_NOT_BUILT" | "KERNEL_DEFECT" | "KERNEL_USE";

/** The kernel is missing, or does not do what it must. Says nothing about any signature. */
export class KernelError extends CodedError<KernelErrorCode> {
  override readonly name = "KernelError";
}

/**
 * The compiled kernel, or undefined where this version of Node doesn't know its instructions. The
 * fused multiply-add of relaxed SIMD is part of WebAssembly 3.0 and on by default from V8 11.4;
 * Node 20 has 11.3, which knows it behind a flag.
 *
 * @throws KernelError KERNEL_NOT_BUILT
 */
export function compileKernel(): WebAssembly.Module | undefined {
  if (!existsSync(BINARY)) {
    throw new KernelError("KERNEL_NOT_BUILT", "the kernel is not built: npm run build:kernel");
  }
  const bytes = readFileSync(BINARY);
  if (!WebAssembly.validate(bytes)) {
    setFlagsFromString("--experimental-wasm-relaxed-simd");
    if (!WebAssembly.validate(bytes)) return undefined;
  }
  return new WebAssembly.Module(bytes);
}
