import { describe, expect, test } from "vitest";
import { toHex, utf8 } from "../primitives/bytes.ts";
import { portableSigner } from "../primitives/ed25519/signer.ts";
import { StateTree } from "../primitives/merkle/state-tree.ts";
import { sha256 } from "../primitives/sha256.ts";
import {
  chainIdOf,
  decodeGenesis,
  encodeGenesis,
  type Genesis,
  genesisEntries,
} from "./genesis.ts";
import {
  type GenesisDocument,
  GenesisError,
  genesisToDocument,
  parseGenesis,
} from "./genesis-document.ts";
import { genesisProblems } from "./genesis-problems.ts";
import { chainOf, memberOf, programmeView, supplyOf } from "./queries.ts";
import { readerOf } from "./state-reader.ts";
import type { Role } from "./types.ts";
import { checkWholeState } from "./whole-state.ts";

const keys = new Map<string, Uint8Array>();

/** A real public key, made once for each name. */
function key(name: string): Uint8Array {
  const known = keys.get(name) ?? portableSigner(sha256(utf8(name))).publicKey;
  keys.set(name, known);
  return known;
}

function member(id: string, lei: string, bic: string, roles: readonly Role[]) {
  const own = [
    { keyId: "ops", publicKey: key(`${id}/ops`), purpose: "TRANSACTION" as const },
    { keyId: "board", publicKey: key(`${id}/board`), purpose: "GOVERNANCE" as const },
  ];
  return { id, name: `Institution ${id}`, lei, bic, roles, jurisdiction: "PK", keys: own };
}

function validator(name: string, operator: string, weight = 1) {
  const consensusKey = key(`${name}/consensus`);
  return { name, member: operator, consensusKey, networkKey: key(`${name}/network`), weight };
}

const genesis: Genesis = {
  version: 1,
  networkName: "mizan-test",
  genesisTimeMs: 1_764_046_800_000,
  members: [
    member("SBP", "5493001KJTIIGC8Y1R12", "SBPPPKKA", ["CENTRAL_BANK"]),
    member("FINDIV", "213800WSGIIZCXF1P572", "FINDPKKAXXX", ["SOVEREIGN"]),
    member("HBL", leiOf("HBL"), "HABBPKKA", ["PRIMARY_DEALER", "CUSTODIAN"]),
  ],
  validators: [
    validator("sbp-khi", "SBP"),
    validator("sbp-isb", "SBP"),
    validator("fin", "FINDIV"),
    validator("hbl", "HBL"),
  ],
  programmeCapUsdCents: 200_000_000_000n,
  parameters: { maxExpiryBlocks: 600, dedupWindowBlocks: 86_400, epochLengthBlocks: 86_400 },
};

/** A made-up LEI whose check digits agree (ISO 7064 MOD 97-10). */
function leiOf(name: string): string {
  const head = name.padEnd(18, "0");
  const digits = Array.from(`${head}00`, (c) => Number.parseInt(c, 36)).join("");
  return `${head}${String(98n - (BigInt(digits) % 97n)).padStart(2, "0")}`;
}

const document = genesisToDocument(genesis);

function problemsOf(changed: unknown): readonly string[] {
  try {
    parseGenesis(changed);
  } catch (error) {
    if (error instanceof GenesisError) return error.problems.map(({ path }) => path);
    throw error;
  }
  return [];
}

function membersWith(index: number, change: object): GenesisDocument {
  const members = document.members.map((item, i) => (i === index ? { ...item, ...change } : item));
  return { ...document, members };
}

function validatorsWith(index: number, change: object): GenesisDocument {
  const validators = document.validators.map((item, i) =>
    i === index ? { ...item, ...change } : item,
  );
  return { ...document, validators };
}

describe("a genesis", () => {
  test("goes through JSON and through bytes unchanged", () => {
    const json: unknown = JSON.parse(JSON.stringify(document));
    expect(parseGenesis(json)).toEqual(genesis);
    expect(decodeGenesis(encodeGenesis(genesis))).toEqual(genesis);
    expect(genesisProblems(genesis)).toEqual([]);
  });

  test("names its chain: the hash of its bytes, which every field enters", () => {
    expect(chainIdOf(genesis)).toBe(toHex(sha256(encodeGenesis(genesis))));
    const ids = [
      genesis,
      { ...genesis, networkName: "mizan-other" },
      { ...genesis, genesisTimeMs: genesis.genesisTimeMs + 1 },
      { ...genesis, programmeCapUsdCents: 1n },
      { ...genesis, validators: genesis.validators.toReversed() },
      { ...genesis, parameters: { ...genesis.parameters, maxExpiryBlocks: 601 } },
    ].map(chainIdOf);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("makes a whole state at height 0", () => {
    const entries = genesisEntries(genesis);
    checkWholeState(entries);
    const state = readerOf(entries);
    expect(chainOf(state)).toEqual({
      chainId: chainIdOf(genesis),
      height: 0,
      timestampMs: genesis.genesisTimeMs,
    });
    expect(memberOf(state, "HBL")).toMatchObject({
      bic: "HABBPKKAXXX",
      roles: ["CUSTODIAN", "PRIMARY_DEALER"],
      suspended: false,
    });
    expect(memberOf(state, "HBL")?.keys.map(({ keyId }) => keyId)).toEqual(["board", "ops"]);
    expect(programmeView(state).freeUsdCents).toBe(200_000_000_000n);
    expect(supplyOf(state, "PKR-CBDC")).toMatchObject({ outstanding: 0n, authorised: undefined });
    const reversed = StateTree.from(entries.toReversed());
    expect(StateTree.from(entries).root).toBe(reversed.root);
  });
});

describe("validation", () => {
  test("lists every error at once, with path, got and expected", () => {
    const wrong = {
      ...document,
      networkName: "a name",
      programmeCapUsdCents: "200000000001",
      members: document.members.map((item) => ({ ...item, lei: "5493001KJTIIGC8Y1R17" })),
    };
    expect(problemsOf(wrong)).toEqual([
      "networkName",
      "programmeCapUsdCents",
      "members[0].lei",
      "members[1].lei",
      "members[2].lei",
    ]);
    expect(() => parseGenesis(wrong)).toThrow(
      "programmeCapUsdCents: got 200000000001, expected 1..200000000000",
    );
  });

  test.each([
    ["not an object", [], ["(document)"]],
    ["an unknown field", { ...document, programmeCap: "1" }, ["programmeCap"]],
    ["a number for an amount", { ...document, programmeCapUsdCents: 5 }, ["programmeCapUsdCents"]],
    ["a leading zero", { ...document, genesisTimeMs: "01" }, ["genesisTimeMs"]],
    ["a height beyond 2^53", { ...document, genesisTimeMs: "9007199254740993" }, ["genesisTimeMs"]],
    ["a version as text", { ...document, version: "1" }, ["version"]],
    ["no members", { ...document, members: undefined }, ["members"]],
    ["a role that is none", membersWith(0, { roles: ["KING"] }), ["members[0].roles[0]"]],
    ["an id with a slash", membersWith(0, { id: "a/b" }), ["members[0].id"]],
    [
      "a key in upper case",
      validatorsWith(1, { networkKey: "AB".repeat(32) }),
      ["validators[1].networkKey"],
    ],
    ["a fractional weight", validatorsWith(1, { weight: 1.5 }), ["validators[1].weight"]],
  ])("layout: %s", (_, changed, paths) => {
    expect(problemsOf(changed).filter((path) => paths.includes(path))).toEqual(paths);
  });

  test.each([
    ["another version", { ...document, version: 2 }, ["version"]],
    ["no time", { ...document, genesisTimeMs: "0" }, ["genesisTimeMs"]],
    ["no cap", { ...document, programmeCapUsdCents: "0" }, ["programmeCapUsdCents"]],
    [
      "windows of no blocks",
      {
        ...document,
        parameters: { maxExpiryBlocks: "0", dedupWindowBlocks: "0", epochLengthBlocks: "3" },
      },
      [
        "parameters.maxExpiryBlocks",
        "parameters.dedupWindowBlocks",
        "parameters.epochLengthBlocks",
      ],
    ],
    [
      "a member twice",
      membersWith(2, { id: "SBP" }),
      ["members[2].id", "validators", "validators[3].member"],
    ],
    ["one LEI twice", membersWith(2, { lei: document.members[0]?.lei }), ["members[2].lei"]],
    ["one BIC twice, 8 and 11", membersWith(2, { bic: "SBPPPKKAXXX" }), ["members[2].bic"]],
    ["a BIC of 9", membersWith(2, { bic: "HABBPKKAX" }), ["members[2].bic"]],
    ["an empty name", membersWith(2, { name: " " }), ["members[2].name"]],
    ["a country in words", membersWith(2, { jurisdiction: "pk" }), ["members[2].jurisdiction"]],
    [
      "a role twice",
      membersWith(2, { roles: ["CUSTODIAN", "CUSTODIAN"] }),
      ["members[2].roles[1]"],
    ],
    ["two sovereigns", membersWith(2, { roles: ["SOVEREIGN"] }), ["members"]],
    ["no central bank", membersWith(0, { roles: [] }), ["members", "validators"]],
    [
      "a validator of nobody",
      validatorsWith(0, { member: "X" }),
      ["validators[0].member", "validators"],
    ],
    ["a validator's name twice", validatorsWith(1, { name: "sbp-khi" }), ["validators[1].name"]],
    [
      "no weight",
      validatorsWith(3, { weight: 0 }),
      [
        "validators[3].weight",
        "validators[0].weight",
        "validators[1].weight",
        "validators[2].weight",
      ],
    ],
    ["a third of the weight", validatorsWith(0, { weight: 2 }), ["validators[0].weight"]],
    ["custodians that can block", validatorsWith(2, { member: "HBL" }), ["validators"]],
    ["no validators", { ...document, validators: [] }, ["validators"]],
    [
      "a validator's key that is a member's",
      validatorsWith(0, { consensusKey: document.members[0]?.keys[0]?.publicKey }),
      ["validators[0].consensusKey"],
    ],
    [
      "the identity as a key",
      validatorsWith(0, { networkKey: `01${"00".repeat(31)}` }),
      ["validators[0].networkKey"],
    ],
    [
      "a key of small order",
      validatorsWith(0, { networkKey: "00".repeat(32) }),
      ["validators[0].networkKey"],
    ],
  ])("%s", (_, changed, paths) => {
    expect(problemsOf(changed).toSorted()).toEqual([...paths].toSorted());
  });

  test("a key id twice, and key checks that are injected", () => {
    const [first] = document.members;
    const keysTwice = first?.keys.map((item) => ({ ...item, keyId: "k" }));
    expect(problemsOf(membersWith(0, { keys: keysTwice }))).toEqual(["members[0].keys[1].keyId"]);
    const none = genesisProblems(genesis, () => {
      throw new Error("no key is good enough");
    });
    expect(none).toHaveLength(6 + 8);
    expect(none[0]).toMatchObject({
      path: "members[0].keys[0].publicKey",
      expected: "a registrable Ed25519 key (no key is good enough)",
    });
  });
});
