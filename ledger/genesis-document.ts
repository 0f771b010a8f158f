import { fromHex, toHex } from "../primitives/bytes.ts";
import { AMOUNT_MAX } from "../primitives/codec/schema.ts";
import { formatAmount } from "../primitives/decimal.ts";
import { CodedError } from "../primitives/errors.ts";
import type { Genesis, GenesisMember, GenesisValidator } from "./genesis.ts";
import { type GenesisProblem, genesisProblems, type KeyCheck } from "./genesis-problems.ts";
import { MAX_KEYS_PER_MEMBER, MAX_MEMBERS, MAX_TOTAL_WEIGHT, MAX_VALIDATORS } from "./limits.ts";
import { keyPurposes, roles } from "./types.ts";

/**
 * A genesis as JSON: keys in hex, amounts, times and block counts as decimal strings, `version`
 * and `weight` as numbers.
 */
export interface GenesisDocument {
  readonly version: number;
  readonly networkName: string;
  readonly genesisTimeMs: string;
  readonly members: readonly {
    readonly id: string;
    readonly name: string;
    readonly lei: string;
    readonly bic: string;
    readonly roles: readonly string[];
    readonly jurisdiction: string;
    readonly keys: readonly {
      readonly keyId: string;
      readonly publicKey: string;
      readonly purpose: string;
    }[];
  }[];
  readonly validators: readonly {
    readonly name: string;
    readonly member: string;
    readonly consensusKey: string;
    readonly networkKey: string;
    readonly weight: number;
  }[];
  readonly programmeCapUsdCents: string;
  readonly parameters: {
    readonly maxExpiryBlocks: string;
    readonly dedupWindowBlocks: string;
    readonly epochLengthBlocks: string;
  };
}

/** A genesis that no node may start from. `problems` lists all of them. */
export class GenesisError extends CodedError<"GENESIS_INVALID"> {
  override readonly name = "GenesisError";
  readonly problems: readonly GenesisProblem[];

  constructor(problems: readonly GenesisProblem[]) {
    const lines = problems.map(
      ({ path, got, expected }) => `${path}: got ${got}, expected ${expected}`,
    );
    super("GENESIS_INVALID", lines.join("\n"), { problems: problems.length });
    this.problems = problems;
  }
}

export function genesisToDocument(genesis: Genesis): GenesisDocument {
  return {
    version: genesis.version,
    networkName: genesis.networkName,
    genesisTimeMs: String(genesis.genesisTimeMs),
    members: genesis.members.map((member) => ({
      ...member,
      keys: member.keys.map((key) => ({ ...key, publicKey: toHex(key.publicKey) })),
    })),
    validators: genesis.validators.map((validator) => ({
      ...validator,
      consensusKey: toHex(validator.consensusKey),
      networkKey: toHex(validator.networkKey),
    })),
    programmeCapUsdCents: formatAmount(genesis.programmeCapUsdCents),
    parameters: {
      maxExpiryBlocks: String(genesis.parameters.maxExpiryBlocks),
      dedupWindowBlocks: String(genesis.parameters.dedupWindowBlocks),
      epochLengthBlocks: String(genesis.parameters.epochLengthBlocks),
    },
  };
}

/**
 * Reads a genesis from parsed JSON and checks it. Fields of the wrong type, unknown and missing
 * fields are listed first; where the layout is whole, everything else that is wrong.
 * @throws GenesisError GENESIS_INVALID
 */
export function parseGenesis(document: unknown, keyCheck?: KeyCheck): Genesis {
  const reader = new DocumentReader();
  const genesis = readGenesis(reader, document);
  if (reader.problems.length > 0) throw new GenesisError(reader.problems);
  const problems = genesisProblems(genesis, keyCheck);
  if (problems.length > 0) throw new GenesisError(problems);
  return genesis;
}

function readGenesis(reader: DocumentReader, document: unknown): Genesis {
  const root = reader.object("", document, [
    "version",
    "networkName",
    "genesisTimeMs",
    "members",
    "validators",
    "programmeCapUsdCents",
    "parameters",
  ]);
  const parameters = reader.object("parameters", root["parameters"], [
    "maxExpiryBlocks",
    "dedupWindowBlocks",
    "epochLengthBlocks",
  ]);
  const counterOf = (name: string): number =>
    Number(reader.decimal(`parameters.${name}`, parameters[name], BigInt(Number.MAX_SAFE_INTEGER)));
  return {
    version: reader.integer("version", root["version"], 0xff),
    networkName: reader.text("networkName", root["networkName"], 64),
    genesisTimeMs: Number(
      reader.decimal("genesisTimeMs", root["genesisTimeMs"], BigInt(Number.MAX_SAFE_INTEGER)),
    ),
    members: reader
      .list("members", root["members"], MAX_MEMBERS)
      .map((member, i) => readMember(reader, `members[${i}]`, member)),
    validators: reader
      .list("validators", root["validators"], MAX_VALIDATORS)
      .map((validator, i) => readValidator(reader, `validators[${i}]`, validator)),
    programmeCapUsdCents: reader.decimal(
      "programmeCapUsdCents",
      root["programmeCapUsdCents"],
      AMOUNT_MAX,
    ),
    parameters: {
      maxExpiryBlocks: counterOf("maxExpiryBlocks"),
      dedupWindowBlocks: counterOf("dedupWindowBlocks"),
      epochLengthBlocks: counterOf("epochLengthBlocks"),
    },
  };
}

function readMember(reader: DocumentReader, path: string, value: unknown): GenesisMember {
  const names = ["id", "name", "lei", "bic", "roles", "jurisdiction", "keys"] as const;
  const member = reader.object(path, value, names);
  return {
    id: reader.identifier(`${path}.id`, member["id"]),
    name: reader.text(`${path}.name`, member["name"], 140),
    lei: reader.text(`${path}.lei`, member["lei"], 20),
    bic: reader.text(`${path}.bic`, member["bic"], 11),
    roles: reader
      .list(`${path}.roles`, member["roles"], roles.length)
      .map((role, i) => reader.oneOf(`${path}.roles[${i}]`, role, roles)),
    jurisdiction: reader.text(`${path}.jurisdiction`, member["jurisdiction"], 2),
    keys: reader.list(`${path}.keys`, member["keys"], MAX_KEYS_PER_MEMBER).map((item, i) => {
      const at = `${path}.keys[${i}]`;
      const key = reader.object(at, item, ["keyId", "publicKey", "purpose"]);
      return {
        keyId: reader.identifier(`${at}.keyId`, key["keyId"]),
        publicKey: reader.key(`${at}.publicKey`, key["publicKey"]),
        purpose: reader.oneOf(`${at}.purpose`, key["purpose"], keyPurposes),
      };
    }),
  };
}

function readValidator(reader: DocumentReader, path: string, value: unknown): GenesisValidator {
  const names = ["name", "member", "consensusKey", "networkKey", "weight"] as const;
  const validator = reader.object(path, value, names);
  return {
    name: reader.identifier(`${path}.name`, validator["name"]),
    member: reader.identifier(`${path}.member`, validator["member"]),
    consensusKey: reader.key(`${path}.consensusKey`, validator["consensusKey"]),
    networkKey: reader.key(`${path}.networkKey`, validator["networkKey"]),
    weight: reader.integer(`${path}.weight`, validator["weight"], MAX_TOTAL_WEIGHT),
  };
}

/** Reads JSON values, notes what is wrong and goes on with a stand-in. */
class DocumentReader {
  readonly problems: GenesisProblem[] = [];

  object<const Names extends readonly string[]>(
    path: string,
    value: unknown,
    names: Names,
  ): Readonly<Record<string, unknown>> {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      this.#report(path, value, "an object");
      return {};
    }
    const prefix = path === "" ? "" : `${path}.`;
    for (const name of Object.keys(value)) {
      if (!names.includes(name))
        this.#report(`${prefix}${name}`, "an unknown field", names.join(", "));
    }
    return { ...value };
  }

  list(path: string, value: unknown, max: number): readonly unknown[] {
    if (Array.isArray(value) && value.length <= max) return value;
    this.#report(path, value, `a list of at most ${max}`);
    return [];
  }

  text(path: string, value: unknown, maxBytes: number): string {
    if (typeof value === "string" && value.isWellFormed() && byteLength(value) <= maxBytes) {
      return value;
    }
    this.#report(path, value, `text of at most ${maxBytes} bytes`);
    return "";
  }

  identifier(path: string, value: unknown): string {
    if (typeof value === "string" && /^[0-9A-Za-z][0-9A-Za-z._-]{0,34}$/.test(value)) return value;
    this.#report(path, value, "1 to 35 letters, digits, '.', '_' and '-'");
    return "";
  }

  key(path: string, value: unknown): Uint8Array {
    if (typeof value === "string" && /^[0-9a-f]{64}$/.test(value)) return fromHex(value);
    this.#report(path, value, "64 lower-case hex digits");
    return new Uint8Array(32);
  }

  integer(path: string, value: unknown, max: number): number {
    if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= max) {
      return value;
    }
    this.#report(path, value, `an integer 0..${max}`);
    return 0;
  }

  decimal(path: string, value: unknown, max: bigint): bigint {
    if (typeof value === "string" && /^(?:0|[1-9][0-9]{0,38})$/.test(value)) {
      const parsed = BigInt(value);
      if (parsed <= max) return parsed;
    }
    this.#report(path, value, `a decimal string 0..${max}`);
    return 0n;
  }

  oneOf<const Values extends readonly [string, ...string[]]>(
    path: string,
    value: unknown,
    values: Values,
  ): Values[number] {
    const found = values.find((known) => known === value);
    if (found !== undefined) return found;
    this.#report(path, value, `one of ${values.join(", ")}`);
    return values[0];
  }

  #report(path: string, got: unknown, expected: string): void {
    const shown = got === undefined ? "nothing" : JSON.stringify(got).slice(0, 80);
    this.problems.push({ path: path === "" ? "(document)" : path, got: shown, expected });
  }
}

function byteLength(value: string): number {
  return new TextEncoder().encode(value).length;
}
