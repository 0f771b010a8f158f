import { expect, test } from "vitest";
import { sourceFiles } from "./check-architecture.ts";
import { faultsOf, importsOf } from "./import-rules.ts";

test("every file keeps the import rules of its room", () => {
  const files = sourceFiles();
  expect(files.length).toBeGreaterThan(50);
  expect(files.flatMap((file) => faultsOf(file))).toEqual([]);
});

test("finds every form of import", () => {
  const text = `import a from "./a.ts";
import "./b.ts";
export { c } from "./c.ts";
import {
  d,
  type D,
} from "./d.ts";
const e = await import("./e.ts");
export * from "./f.ts";`;
  expect(importsOf(text)).toEqual(["./a.ts", "./b.ts", "./c.ts", "./d.ts", "./e.ts", "./f.ts"]);
});

test.each([
  ["consensus/step.ts", 'import x from "../ledger/types.ts";'],
  ["ledger/apply-block.ts", 'import x from "../consensus/types.ts";'],
  ["ledger/apply-block.ts", 'import { readFileSync } from "node:fs";'],
  ["ledger/apply-block.ts", 'import x from "../primitives/native/sodium.ts";'],
  ["consensus/step.ts", "const now = Date.now();"],
  ["consensus/step.ts", "setTimeout(() => {}, 1);"],
  ["primitives/bytes.ts", 'import x from "../ledger/types.ts";'],
  ["primitives/codec/codec.ts", 'import x from "../native/sodium.ts";'],
  ["client/rpc-client.ts", 'import x from "../node/main.ts";'],
  ["client/rpc-client.ts", 'import x from "../primitives/native/sodium.ts";'],
  ["client/rpc-client.ts", 'import x from "node:http";'],
  ["client/rpc-client.ts", 'import x from "../consensus/step.ts";'],
  ["elsewhere/file.ts", "export const x = 1;"],
])("refuses in %s: %s", (path, text) => {
  expect(faultsOf({ path, text })).toHaveLength(1);
});

test.each([
  ["node/runtime/node.ts", 'import x from "../../primitives/native/sodium.ts";'],
  ["node/runtime/node.ts", 'import fastify from "fastify";'],
  ["client/proof-check.ts", 'import x from "../consensus/certificate.ts";'],
  ["primitives/native/pool.ts", 'import x from "../verifier.ts";'],
  ["ledger/apply-block.ts", "// Date.now would differ by node"],
])("admits in %s: %s", (path, text) => {
  expect(faultsOf({ path, text })).toEqual([]);
});
