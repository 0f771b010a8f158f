import { concatBytes, toHex, utf8 } from "../../primitives/bytes.ts";
import { encode } from "../../primitives/codec/codec.ts";
import {
  counter,
  fixedBytes,
  hash,
  type Infer,
  list,
  record,
  uint,
} from "../../primitives/codec/schema.ts";
import { sha256 } from "../../primitives/sha256.ts";
import { MAX_TOTAL_WEIGHT, MAX_VALIDATOR_NUMBER, MAX_VALIDATORS } from "../limits.ts";
import { memberId } from "../types.ts";
import { Table } from "./table.ts";

/** A validator of one epoch. Its place in the set is its index in votes and certificates. */
const validatorSchema = record({
  /**
   * Number of its network identity on this chain: its place in the genesis, then counted on. It
   * never changes while the network key stays and is never given twice, so what outlives an epoch
   * (links, batches) names validators by it.
   */
  number: uint(MAX_VALIDATOR_NUMBER),
  /** Ed25519, votes. */
  publicKey: fixedBytes(32),
  /** Ed25519, identity of the node on the network. */
  networkKey: fixedBytes(32),
  weight: uint(MAX_TOTAL_WEIGHT),
  name: memberId,
  /** The member that operates it. */
  member: memberId,
});
export type Validator = Infer<typeof validatorSchema>;

const SET_DOMAIN = utf8("MIZAN/SET/1\0");

/** What a set is to headers and certificates: numbers are this ledger's own and stay outside. */
const hashedSchema = list(
  record({
    publicKey: fixedBytes(32),
    networkKey: fixedBytes(32),
    weight: uint(MAX_TOTAL_WEIGHT),
    name: memberId,
    member: memberId,
  }),
  MAX_VALIDATORS,
);

/**
 * SHA-256("MIZAN/SET/1\0" || canonical [[publicKey, networkKey, weight, name, member]...]) in index
 * order, hex: what the closing block of the epoch before carries in its header.
 */
export function validatorSetHash(validators: readonly Omit<Validator, "number">[]): string {
  return toHex(sha256(concatBytes(SET_DOMAIN, encode(hashedSchema, validators, "validators"))));
}

/** A set under its hash. Written once, kept for ever: old certificates are checked with it. */
const setSchema = record({ validators: list(validatorSchema, MAX_VALIDATORS) });
export type ValidatorSetRecord = Infer<typeof setSchema>;

export const validatorSetTable = new Table<ValidatorSetRecord>({
  name: "validator-set",
  schema: setSchema,
  // Keys are registered once, so equal hashes mean equal numbers as well.
  idOf: ({ validators }) => validatorSetHash(validators),
  remember: true,
});

/** When an epoch began and who votes in it. Kept for ever. */
const epochSchema = record({
  epoch: counter,
  /** Height of its first block. */
  startHeight: counter,
  /** Hash of its validator set. */
  setHash: hash,
});
export type Epoch = Infer<typeof epochSchema>;

export function epochId(epoch: number): string {
  return String(epoch).padStart(16, "0");
}

export const epochTable = new Table<Epoch>({
  name: "epoch",
  schema: epochSchema,
  idOf: ({ epoch }) => epochId(epoch),
  remember: true,
});

/** The epoch of the next block, and the next number that a network identity gets. */
const currentSchema = record({
  epoch: counter,
  startHeight: counter,
  setHash: hash,
  nextNumber: uint(MAX_VALIDATOR_NUMBER + 1),
});
export type CurrentEpoch = Infer<typeof currentSchema>;

export const currentEpochTable = new Table<CurrentEpoch>({
  name: "current-epoch",
  schema: currentSchema,
  idOf: () => "",
  remember: true,
});
