import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import { invariant } from "../../primitives/assert.ts";
import { compileAssembly } from "../../scripts/build-kernel.ts";

const ASSEMBLY = fileURLToPath(new URL("../../primitives/kernel/assembly/", import.meta.url));
const INTEGERS = fileURLToPath(new URL("./assembly/field-integer.ts", import.meta.url));

/** A way to build the kernel. */
export interface Variant {
  readonly name: string;
  /** Changes a copy of the sources in that folder. */
  readonly change: (folder: string) => void;
}

export const KEPT: Variant = { name: "doubles, entries fetched ahead (kept)", change: () => {} };

export const VARIANTS: readonly Variant[] = [
  KEPT,
  {
    name: "doubles, entries read when they are added",
    change: (folder) => replaceIn(join(folder, "table.ts"), "  fetchEntries(digits, count);\n", ""),
  },
  {
    name: "32-bit integer products, entries fetched ahead",
    change: (folder) => cpSync(INTEGERS, join(folder, "field.ts")),
  },
];

function replaceIn(file: string, text: string, by: string): void {
  const before = readFileSync(file, "utf8");
  invariant(before.split(text).length === 2, "the variant's place is there once");
  writeFileSync(file, before.replace(text, by));
}

/** Compiles a variant; nothing of it stays on the disk. */
export function compileVariant({ change }: Variant): WebAssembly.Module {
  const folder = mkdtempSync(join(tmpdir(), "mizan-kernel-"));
  try {
    cpSync(ASSEMBLY, folder, { recursive: true });
    change(folder);
    const binary = join(folder, "verify.wasm");
    compileAssembly(join(folder, "verify.ts"), binary);
    const bytes = readFileSync(binary);
    if (!WebAssembly.validate(bytes)) setFlagsFromString("--experimental-wasm-relaxed-simd");
    return new WebAssembly.Module(bytes);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
