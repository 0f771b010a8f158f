import { expect, test } from "vitest";
import { concatBytes, toHex, utf8 } from "../primitives/bytes.ts";
import { encode } from "../primitives/codec/codec.ts";
import { sha256 } from "../primitives/sha256.ts";
import {
  type RegisteredValidator,
  validatorRegistryHash,
  validatorRegistrySchema,
} from "./validator-registry.ts";

const key = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const validator = (index: number, change: Partial<RegisteredValidator> = {}) => ({
  publicKey: key(index),
  networkKey: key(100 + index),
  weight: 1 + index,
  name: `NODE${index}`,
  member: `MEMBER${index}`,
  ...change,
});
const set = [validator(0), validator(1), validator(2), validator(3)];

test("the hash is over the domain and the canonical list", () => {
  const bytes = encode(validatorRegistrySchema, set);
  const expected = toHex(sha256(concatBytes(utf8("MIZAN/SET/1\0"), bytes)));
  expect(validatorRegistryHash(set)).toBe(expected);
});

test.each([
  ["a key", { publicKey: key(9) }],
  ["a network key", { networkKey: key(9) }],
  ["a weight", { weight: 9 }],
  ["a name", { name: "OTHER" }],
  ["a member", { member: "OTHER" }],
])("another %s, another hash", (_, change) => {
  const changed = [validator(0, change), ...set.slice(1)];
  expect(validatorRegistryHash(changed)).not.toBe(validatorRegistryHash(set));
});

test("the order counts: it gives the indices", () => {
  expect(validatorRegistryHash([...set].reverse())).not.toBe(validatorRegistryHash(set));
});
