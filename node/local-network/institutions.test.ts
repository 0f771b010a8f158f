import { describe, expect, test } from "vitest";
import { chainIdOf } from "../../ledger/genesis.ts";
import { parseGenesis } from "../../ledger/genesis-document.ts";
import { isLei } from "../../ledger/identifiers/lei.ts";
import { toHex } from "../../primitives/bytes.ts";
import { portableSigner } from "../../primitives/ed25519/signer.ts";
import { sha256 } from "../../primitives/sha256.ts";
import {
  INSTITUTIONS,
  type LocalGenesisInput,
  localGenesis,
  MAX_SITES,
  MIN_SITES,
  sitesFor,
} from "./institutions.ts";

function key(label: string): string {
  return toHex(portableSigner(sha256(new TextEncoder().encode(label))).publicKey);
}

function input(count: number): LocalGenesisInput {
  return {
    networkName: "test",
    genesisTimeMs: 1_600_000_000_000,
    memberKeys: new Map(INSTITUTIONS.map(({ id }) => [id, key(id)])),
    governanceKeys: new Map(INSTITUTIONS.map(({ id }) => [id, key(`${id} governance`)])),
    validators: sitesFor(count).map((site) => ({
      ...site,
      consensusKey: key(`${site.name} consensus`),
      networkKey: key(`${site.name} network`),
    })),
  };
}

const SIZES = Array.from({ length: MAX_SITES - MIN_SITES + 1 }, (_, i) => MIN_SITES + i);

describe("the institutions of a local network", () => {
  test("have identifiers of their own, with right check digits", () => {
    for (const { lei } of INSTITUTIONS) expect(isLei(lei)).toBe(true);
    for (const field of ["id", "lei", "bic"] as const) {
      expect(new Set(INSTITUTIONS.map((institution) => institution[field])).size).toBe(
        INSTITUTIONS.length,
      );
    }
  });

  test("have one central bank and one sovereign among them", () => {
    const withRole = (role: string) =>
      INSTITUTIONS.filter(({ roles }) => roles.some((own) => own === role)).map(({ id }) => id);
    expect(withRole("CENTRAL_BANK")).toEqual(["SBP"]);
    expect(withRole("SOVEREIGN")).toEqual(["FINDIV"]);
  });

  test.each(SIZES)("%i validators: a valid genesis, whose sites belong to its members", (count) => {
    const genesis = parseGenesis(localGenesis(input(count)));
    expect(genesis.validators).toHaveLength(count);
    expect(new Set(genesis.validators.map(({ name }) => name)).size).toBe(count);
    const members = new Set(INSTITUTIONS.map(({ id }) => id));
    for (const { member } of sitesFor(count)) expect(members.has(member)).toBe(true);
  });

  test.each(SIZES)("of %i validators the custodians' cannot block the public ones", (count) => {
    const isPublic = (member: string): boolean => member === "SBP" || member === "FINDIV";
    const held = sitesFor(count).filter(({ member }) => isPublic(member)).length;
    const quorum = Math.floor((2 * count) / 3) + 1;
    expect(held).toBeGreaterThanOrEqual(quorum);
    expect(count - held).toBeLessThan(quorum);
  });

  test("another key or another time is another chain", () => {
    const chain = chainIdOf(parseGenesis(localGenesis(input(4))));
    expect(chainIdOf(parseGenesis(localGenesis(input(4))))).toBe(chain);
    const later = { ...input(4), genesisTimeMs: 1_600_000_000_001 };
    expect(chainIdOf(parseGenesis(localGenesis(later)))).not.toBe(chain);
    const keys = new Map(input(4).memberKeys).set("SBP", key("another"));
    expect(chainIdOf(parseGenesis(localGenesis({ ...input(4), memberKeys: keys })))).not.toBe(
      chain,
    );
  });

  test("a member without a key is refused", () => {
    const keys = new Map(input(4).memberKeys);
    keys.delete("PVARA");
    expect(() => parseGenesis(localGenesis({ ...input(4), memberKeys: keys }))).toThrow(
      expect.objectContaining({ code: "GENESIS_INVALID" }),
    );
  });
});
