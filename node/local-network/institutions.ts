import type { GenesisDocument } from "../../ledger/genesis-document.ts";
import type { Role } from "../../ledger/types.ts";

/** An institution of a local network. Names are real, identifiers are made up and say so. */
export interface Institution {
  readonly id: string;
  readonly name: string;
  readonly lei: string;
  readonly bic: string;
  readonly roles: readonly Role[];
}

export const INSTITUTIONS: readonly Institution[] = [
  {
    id: "SBP",
    name: "State Bank of Pakistan",
    lei: "MIZANREHEARSAL0SBP20",
    bic: "MZSBPKKA",
    roles: ["CENTRAL_BANK"],
  },
  {
    id: "FINDIV",
    name: "Finance Division, Government of Pakistan",
    lei: "MIZANREHEARSAL0FIN23",
    bic: "MZFDPKKA",
    roles: ["SOVEREIGN"],
  },
  {
    id: "PVARA",
    name: "Pakistan Virtual Assets Regulatory Authority",
    lei: "MIZANREHEARSAL0PVA63",
    bic: "MZPVPKKA",
    roles: ["REGULATOR_PVARA"],
  },
  {
    id: "CUSTODIAN-A",
    name: "Custodian A (rehearsal)",
    lei: "MIZANREHEARSAL0CUA35",
    bic: "MZCAPKKA",
    roles: ["CUSTODIAN", "PRIMARY_DEALER"],
  },
  {
    id: "CUSTODIAN-B",
    name: "Custodian B (rehearsal)",
    lei: "MIZANREHEARSAL0CUB32",
    bic: "MZCBPKKA",
    roles: ["CUSTODIAN", "PRIMARY_DEALER"],
  },
];

/** A validator and the institution that runs it. */
export interface ValidatorSite {
  readonly name: string;
  readonly member: string;
}

/**
 * Who runs the validators of a local network. The State Bank and the Finance Division keep more
 * than two thirds of the weight, so that custodians can neither block nor rule; custodian B is a
 * member without a validator.
 */
const SITES: readonly ValidatorSite[] = [
  { name: "sbp-karachi", member: "SBP" },
  { name: "sbp-islamabad", member: "SBP" },
  { name: "findiv-islamabad", member: "FINDIV" },
  { name: "custodian-a", member: "CUSTODIAN-A" },
  { name: "sbp-lahore", member: "SBP" },
  { name: "findiv-karachi", member: "FINDIV" },
  { name: "custodian-b", member: "CUSTODIAN-B" },
  { name: "sbp-peshawar", member: "SBP" },
  { name: "findiv-lahore", member: "FINDIV" },
  { name: "sbp-quetta", member: "SBP" },
];

export const MIN_SITES = 4;
export const MAX_SITES = SITES.length;

export function sitesFor(count: number): readonly ValidatorSite[] {
  return SITES.slice(0, count);
}

/** Ids of each member's keys in the registry: for transactions, and for governance. */
export const MEMBER_KEY_ID = "ops-1";
export const GOVERNANCE_KEY_ID = "gov-1";

export interface LocalGenesisInput {
  readonly networkName: string;
  readonly genesisTimeMs: number;
  readonly epochLengthBlocks?: number;
  /** Public keys in hex, by institution. */
  readonly memberKeys: ReadonlyMap<string, string>;
  readonly governanceKeys: ReadonlyMap<string, string>;
  readonly validators: readonly (ValidatorSite & {
    readonly consensusKey: string;
    readonly networkKey: string;
  })[];
}

/** Blocks a transaction may be valid for: a quarter of an hour at four blocks a second. */
const MAX_EXPIRY_BLOCKS = 3_600;
const DEDUP_WINDOW_BLOCKS = 86_400;

/** About a day at a block a second. */
const EPOCH_LENGTH_BLOCKS = 86_400;

/** USD 2,000,000,000.00 in cents: the ceiling of the programme. */
const PROGRAMME_CAP_USD_CENTS = "200000000000";

export function localGenesis(input: LocalGenesisInput): GenesisDocument {
  return {
    version: 1,
    networkName: input.networkName,
    genesisTimeMs: String(input.genesisTimeMs),
    members: INSTITUTIONS.map((institution) => ({
      ...institution,
      jurisdiction: "PK",
      keys: [
        {
          keyId: MEMBER_KEY_ID,
          publicKey: input.memberKeys.get(institution.id) ?? "",
          purpose: "TRANSACTION",
        },
        {
          keyId: GOVERNANCE_KEY_ID,
          publicKey: input.governanceKeys.get(institution.id) ?? "",
          purpose: "GOVERNANCE",
        },
      ],
    })),
    validators: input.validators.map((validator) => ({ ...validator, weight: 1 })),
    programmeCapUsdCents: PROGRAMME_CAP_USD_CENTS,
    parameters: {
      maxExpiryBlocks: String(MAX_EXPIRY_BLOCKS),
      dedupWindowBlocks: String(DEDUP_WINDOW_BLOCKS),
      epochLengthBlocks: String(input.epochLengthBlocks ?? EPOCH_LENGTH_BLOCKS),
    },
  };
}
