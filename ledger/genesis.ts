import { toHex } from "../primitives/bytes.ts";
import { decode, encode } from "../primitives/codec/codec.ts";
import {
  amount,
  counter,
  fixedBytes,
  type Infer,
  list,
  record,
  text,
  uint,
} from "../primitives/codec/schema.ts";
import { sha256 } from "../primitives/sha256.ts";
import { normaliseBic } from "./identifiers/bic.ts";
import {
  GENESIS_LIMITS,
  MAX_KEYS_PER_MEMBER,
  MAX_MEMBERS,
  MAX_TOTAL_WEIGHT,
  MAX_VALIDATORS,
} from "./limits.ts";
import { chainTable } from "./state/chain.ts";
import { dedupeCursorTable } from "./state/dedupe.ts";
import { keyUseTable } from "./state/key-use.ts";
import { memberKeySchema, memberTable } from "./state/member.ts";
import { parametersSchema, parametersTable } from "./state/parameters.ts";
import { programmeTable } from "./state/programme.ts";
import { supplyTable } from "./state/supply.ts";
import {
  currentEpochTable,
  epochTable,
  type Validator,
  validatorSetHash,
  validatorSetTable,
} from "./state/validator-set.ts";
import { CBDC, memberId, role, roles } from "./types.ts";

/** Version of the layout of genesis bytes. */
export const GENESIS_VERSION = 1;

const genesisMember = record({
  id: memberId,
  name: text(140),
  lei: text(20),
  /** Eight or eleven characters; the state keeps eleven. */
  bic: text(11),
  roles: list(role, roles.length),
  /** ISO 3166-1 alpha-2. */
  jurisdiction: text(2),
  keys: list(memberKeySchema, MAX_KEYS_PER_MEMBER),
});
export type GenesisMember = Infer<typeof genesisMember>;

const genesisValidator = record({
  name: memberId,
  /** The member that runs it. */
  member: memberId,
  /** Ed25519 keys: votes, and the identity of the node on the network. */
  consensusKey: fixedBytes(32),
  networkKey: fixedBytes(32),
  weight: uint(MAX_TOTAL_WEIGHT),
});
export type GenesisValidator = Infer<typeof genesisValidator>;

/** What a chain starts from. The place of a validator in the list is its index. */
const genesisSchema = record({
  version: uint(0xff),
  networkName: text(64),
  genesisTimeMs: counter,
  members: list(genesisMember, MAX_MEMBERS),
  validators: list(genesisValidator, MAX_VALIDATORS),
  programmeCapUsdCents: amount,
  parameters: parametersSchema,
});
export type Genesis = Infer<typeof genesisSchema>;

/** The canonical bytes. Throws CodecError INVALID_VALUE. */
export function encodeGenesis(genesis: Genesis): Uint8Array {
  return encode(genesisSchema, genesis, "genesis");
}

/**
 * Reads canonical genesis bytes. It checks the layout only: run `genesisProblems` on what comes
 * from outside. Throws CodecError.
 */
export function decodeGenesis(bytes: Uint8Array): Genesis {
  return decode(genesisSchema, bytes, GENESIS_LIMITS, "genesis");
}

/** SHA-256 of the canonical genesis bytes, hex. */
export function chainIdOf(genesis: Genesis): string {
  return toHex(sha256(encodeGenesis(genesis)));
}

/** The state at height 0, sorted by key. */
export function genesisEntries(genesis: Genesis): readonly (readonly [string, Uint8Array])[] {
  const { genesisTimeMs, members, programmeCapUsdCents, parameters } = genesis;
  const entries = [
    chainTable.entry({ chainId: chainIdOf(genesis), height: 0, timestampMs: genesisTimeMs }),
    parametersTable.entry(parameters),
    programmeTable.entry({ capUsdCents: programmeCapUsdCents, usedUsdCents: 0n }),
    supplyTable.entry({
      asset: CBDC,
      authorised: undefined,
      issued: 0n,
      redeemed: 0n,
      tranches: 0,
    }),
    dedupeCursorTable.entry({ height: 1, page: 0 }),
    ...members.map((member) => memberTable.entry(memberOf(member))),
    ...epochEntries(genesis),
    ...keyEntries(genesis),
  ];
  return entries.toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** The validators of epoch 0: their numbers are their places. */
export function genesisValidators(genesis: Genesis): readonly Validator[] {
  return genesis.validators.map(({ name, member, consensusKey, networkKey, weight }, number) => ({
    number,
    publicKey: consensusKey,
    networkKey,
    weight,
    name,
    member,
  }));
}

function epochEntries(genesis: Genesis) {
  const validators = genesisValidators(genesis);
  const epoch = { epoch: 0, startHeight: 1, setHash: validatorSetHash(validators) };
  return [
    currentEpochTable.entry({ ...epoch, nextNumber: validators.length }),
    epochTable.entry(epoch),
    validatorSetTable.entry({ validators }),
  ];
}

function keyEntries({ members, validators }: Genesis) {
  return [
    ...members.flatMap(({ id, keys }) =>
      keys.map(({ publicKey }) => keyUseTable.entry({ publicKey, use: "MEMBER", holder: id })),
    ),
    ...validators.flatMap(({ name, consensusKey, networkKey }) => [
      keyUseTable.entry({ publicKey: consensusKey, use: "CONSENSUS", holder: name }),
      keyUseTable.entry({ publicKey: networkKey, use: "NETWORK", holder: name }),
    ]),
  ];
}

function memberOf(member: GenesisMember) {
  return {
    ...member,
    bic: normaliseBic(member.bic),
    roles: roles.filter((held) => member.roles.includes(held)),
    keys: member.keys.toSorted((a, b) => (a.keyId < b.keyId ? -1 : 1)),
    suspended: false,
  };
}
