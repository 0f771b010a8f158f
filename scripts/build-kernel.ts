import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

/*
 * Compiles the verification kernel, primitives/kernel/assembly, to primitives/kernel/build. Does
 * nothing when what lies there was made of the same sources by the same compiler. `--dist` also
 * puts it beside the compiled program.
 */

const KERNEL = fileURLToPath(new URL("../primitives/kernel/", import.meta.url));
const ENTRY = `${KERNEL}assembly/verify.ts`;
const BUILD = `${KERNEL}build/`;
const BINARY = `${BUILD}verify.wasm`;
const FINGERPRINT = `${BUILD}verify.sources`;
const DIST = fileURLToPath(new URL("../dist/primitives/kernel/build/", import.meta.url));

// The host passes a memory of at least the first and at most the second number of 64 KiB pages. A
// failed assertion traps, without a host function.
const OPTIONS = (
  "--runtime stub --importMemory --sharedMemory --initialMemory 2 --maximumMemory 65536 " +
  "--memoryBase 1024 --enable simd --enable relaxed-simd --enable threads " +
  "-O3 --use abort= --disableWarning 112"
).split(" ");

/** Builds the kernel if it is absent or older than its sources. Returns whether it did. */
export function buildKernel(): boolean {
  const fingerprint = fingerprintOf();
  if (existsSync(BINARY) && existsSync(FINGERPRINT)) {
    if (readFileSync(FINGERPRINT, "utf8") === fingerprint) return false;
  }
  mkdirSync(BUILD, { recursive: true });
  compileAssembly(ENTRY, BINARY);
  writeFileSync(FINGERPRINT, fingerprint);
  return true;
}

/** Compiles `entry` and what it imports with the kernel's options. */
export function compileAssembly(entry: string, binary: string): void {
  const compiler = createRequire(import.meta.url).resolve("assemblyscript/bin/asc.js");
  const run = spawnSync(process.execPath, [compiler, entry, "-o", binary, ...OPTIONS], {
    encoding: "utf8",
  });
  if (run.status !== 0) throw new Error(`asc failed:\n${run.stderr}${run.stdout}`);
}

function fingerprintOf(): string {
  const hash = createHash("sha256").update(JSON.stringify(OPTIONS));
  hash.update(readFileSync(createRequire(import.meta.url).resolve("assemblyscript/package.json")));
  for (const name of readdirSync(`${KERNEL}assembly`).sort()) {
    hash.update(name).update(readFileSync(`${KERNEL}assembly/${name}`));
  }
  return hash.digest("hex");
}

if (import.meta.url === `file://${process.argv[1] ?? ""}`) {
  buildKernel();
  if (process.argv.includes("--dist")) {
    mkdirSync(DIST, { recursive: true });
    copyFileSync(BINARY, `${DIST}verify.wasm`);
  }
}
