import { toHex } from "../primitives/bytes.ts";
import { checkRegistrableKey } from "../primitives/ed25519/criterion.ts";
import { messageOf } from "../primitives/errors.ts";
import { GENESIS_VERSION, type Genesis } from "./genesis.ts";
import { isBic, normaliseBic } from "./identifiers/bic.ts";
import { isLei } from "./identifiers/lei.ts";
import {
  MAX_EPOCH_BLOCKS,
  MAX_TOTAL_WEIGHT,
  MIN_EPOCH_BLOCKS,
  PROGRAMME_CEILING_USD_CENTS,
} from "./limits.ts";
import type { Role } from "./types.ts";

/** One thing that is wrong with a genesis, and where. */
export interface GenesisProblem {
  readonly path: string;
  readonly got: string;
  readonly expected: string;
}

/** Refuses a public key that must not be registered, by throwing. */
export type KeyCheck = (publicKey: Uint8Array) => void;

/** The last millisecond of the year 2199: a century before the business calendar ends. */
const MAX_TIME_MS = 7_258_118_399_999;

/** Blocks: at one block a second, eleven days and a year. */
const MAX_EXPIRY_BLOCKS = 1_000_000;
const MAX_DEDUP_BLOCKS = 31_536_000;

/** Everything that is wrong with a genesis that has the right layout, in one pass. */
export function genesisProblems(
  genesis: Genesis,
  keyCheck: KeyCheck = checkRegistrableKey,
): readonly GenesisProblem[] {
  const problems: GenesisProblem[] = [];
  const report: Report = (path, got, expected) => {
    problems.push({ path, got: String(got), expected });
  };
  checkScalars(genesis, report);
  checkMembers(genesis, report);
  checkOffices(genesis, report);
  checkValidators(genesis, report);
  checkKeys(genesis, report, keyCheck);
  return problems;
}

type Report = (path: string, got: string | number | bigint, expected: string) => void;

function checkScalars(genesis: Genesis, report: Report): void {
  const { version, networkName, genesisTimeMs, programmeCapUsdCents, parameters } = genesis;
  if (version !== GENESIS_VERSION) report("version", version, String(GENESIS_VERSION));
  if (!/^[0-9A-Za-z][0-9A-Za-z._-]{0,63}$/.test(networkName)) {
    report("networkName", networkName, "1 to 64 letters, digits, '.', '_' and '-'");
  }
  if (genesisTimeMs === 0 || genesisTimeMs > MAX_TIME_MS) {
    report("genesisTimeMs", genesisTimeMs, `1..${MAX_TIME_MS}`);
  }
  if (programmeCapUsdCents === 0n || programmeCapUsdCents > PROGRAMME_CEILING_USD_CENTS) {
    report("programmeCapUsdCents", programmeCapUsdCents, `1..${PROGRAMME_CEILING_USD_CENTS}`);
  }
  const { maxExpiryBlocks, dedupWindowBlocks, epochLengthBlocks } = parameters;
  if (maxExpiryBlocks === 0 || maxExpiryBlocks > MAX_EXPIRY_BLOCKS) {
    report("parameters.maxExpiryBlocks", maxExpiryBlocks, `1..${MAX_EXPIRY_BLOCKS}`);
  }
  if (dedupWindowBlocks === 0 || dedupWindowBlocks > MAX_DEDUP_BLOCKS) {
    report("parameters.dedupWindowBlocks", dedupWindowBlocks, `1..${MAX_DEDUP_BLOCKS}`);
  }
  if (epochLengthBlocks < MIN_EPOCH_BLOCKS || epochLengthBlocks > MAX_EPOCH_BLOCKS) {
    const expected = `${MIN_EPOCH_BLOCKS}..${MAX_EPOCH_BLOCKS}`;
    report("parameters.epochLengthBlocks", epochLengthBlocks, expected);
  }
}

/** Reports a value that an earlier place of the same kind already has. */
class Unique {
  readonly #seen = new Map<string, string>();
  readonly #report: Report;

  constructor(report: Report) {
    this.#report = report;
  }

  check(path: string, value: string): void {
    const first = this.#seen.get(value);
    if (first === undefined) this.#seen.set(value, path);
    else this.#report(path, value, `a value that differs from ${first}`);
  }
}

function checkMembers(genesis: Genesis, report: Report): void {
  const ids = new Unique(report);
  const leis = new Unique(report);
  const bics = new Unique(report);
  for (const [i, member] of genesis.members.entries()) {
    const path = `members[${i}]`;
    ids.check(`${path}.id`, member.id);
    if (member.name.trim() === "") report(`${path}.name`, member.name, "a name");
    if (isLei(member.lei)) leis.check(`${path}.lei`, member.lei);
    else report(`${path}.lei`, member.lei, "20 characters whose check digits agree (ISO 17442)");
    if (isBic(member.bic)) bics.check(`${path}.bic`, normaliseBic(member.bic));
    else report(`${path}.bic`, member.bic, "8 or 11 characters of ISO 9362");
    if (!/^[A-Z]{2}$/.test(member.jurisdiction)) {
      report(`${path}.jurisdiction`, member.jurisdiction, "two letters of ISO 3166-1");
    }
    const heldRoles = new Unique(report);
    for (const [j, held] of member.roles.entries()) heldRoles.check(`${path}.roles[${j}]`, held);
    const keyIds = new Unique(report);
    for (const [j, key] of member.keys.entries()) {
      keyIds.check(`${path}.keys[${j}].keyId`, key.keyId);
    }
  }
}

/** One central bank and one sovereign, and not the same institution: they control one another. */
function checkOffices(genesis: Genesis, report: Report): void {
  for (const office of ["CENTRAL_BANK", "SOVEREIGN"] as const) {
    const count = genesis.members.filter(({ roles }) => roles.includes(office)).length;
    if (count !== 1) report("members", `${count} with role ${office}`, "exactly one");
  }
  for (const [i, { roles }] of genesis.members.entries()) {
    if (roles.includes("CENTRAL_BANK") && roles.includes("SOVEREIGN")) {
      report(`members[${i}].roles`, "CENTRAL_BANK and SOVEREIGN", "two institutions for these");
    }
  }
}

/**
 * With W the total weight, a Byzantine weight below W/3 is tolerated: a validator of W/3 or more
 * could halt the network alone. And the validators of institutions other than the central bank and
 * the sovereign may together hold at most floor((W - 1) / 3), so that they can neither block nor
 * rule.
 */
function checkValidators(genesis: Genesis, report: Report): void {
  const { members, validators } = genesis;
  const rolesOf = new Map<string, readonly Role[]>(members.map(({ id, roles }) => [id, roles]));
  const names = new Unique(report);
  let total = 0;
  let others = 0;
  for (const [i, { name, member, weight }] of validators.entries()) {
    names.check(`validators[${i}].name`, name);
    if (weight === 0) report(`validators[${i}].weight`, weight, `1..${MAX_TOTAL_WEIGHT}`);
    total += weight;
    const held = rolesOf.get(member);
    if (held === undefined) report(`validators[${i}].member`, member, "the id of a member");
    if (held?.includes("CENTRAL_BANK") !== true && held?.includes("SOVEREIGN") !== true) {
      others += weight;
    }
  }
  if (total > MAX_TOTAL_WEIGHT) report("validators", total, `weight up to ${MAX_TOTAL_WEIGHT}`);
  for (const [i, { weight }] of validators.entries()) {
    if (3 * weight >= total) {
      report(`validators[${i}].weight`, weight, `less than a third of the total of ${total}`);
    }
  }
  const maxFault = Math.max(0, Math.floor((total - 1) / 3));
  if (validators.length === 0) report("validators", "none", "at least four");
  else if (others > maxFault) {
    const expected = `at most ${maxFault} outside the central bank and the sovereign`;
    report("validators", `weight ${others} of ${total}`, expected);
  }
}

/** Every key is admissible, and no key serves twice, whatever for. */
function checkKeys(genesis: Genesis, report: Report, keyCheck: KeyCheck): void {
  const unique = new Unique(report);
  const check = (path: string, key: Uint8Array): void => {
    unique.check(path, toHex(key));
    try {
      keyCheck(key);
    } catch (error) {
      report(path, toHex(key), `a registrable Ed25519 key (${messageOf(error)})`);
    }
  };
  for (const [i, { keys }] of genesis.members.entries()) {
    for (const [j, { publicKey }] of keys.entries()) {
      check(`members[${i}].keys[${j}].publicKey`, publicKey);
    }
  }
  for (const [i, { consensusKey, networkKey }] of genesis.validators.entries()) {
    check(`validators[${i}].consensusKey`, consensusKey);
    check(`validators[${i}].networkKey`, networkKey);
  }
}
