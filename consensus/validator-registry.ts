import { concatBytes, toHex, utf8 } from "../primitives/bytes.ts";
import { encode } from "../primitives/codec/codec.ts";
import { fixedBytes, list, record, text, uint } from "../primitives/codec/schema.ts";
import { sha256 } from "../primitives/sha256.ts";
import { MAX_TOTAL_WEIGHT, MAX_VALIDATORS } from "./limits.ts";

const SET_DOMAIN = utf8("MIZAN/SET/1\0");

/** A validator as its epoch's set is hashed: what a light client must know to check signatures. */
export interface RegisteredValidator {
  /** Ed25519, 32 bytes: signs votes. */
  readonly publicKey: Uint8Array;
  /** Ed25519, 32 bytes: names the node on the network. */
  readonly networkKey: Uint8Array;
  /** 1 to 2^31. */
  readonly weight: number;
  readonly name: string;
  /** The member that operates it. */
  readonly member: string;
}

/** Order on the wire: publicKey, networkKey, weight, name, member; validators in index order. */
export const validatorRegistrySchema = list(
  record({
    publicKey: fixedBytes(32),
    networkKey: fixedBytes(32),
    weight: uint(MAX_TOTAL_WEIGHT),
    name: text(35),
    member: text(35),
  }),
  MAX_VALIDATORS,
);

/**
 * SHA-256("MIZAN/SET/1\0" || canonical list), hex. The last header of an epoch names the next
 * epoch's set by it, so that a chain of closing headers leads from the genesis set to any later one.
 */
export function validatorRegistryHash(validators: readonly RegisteredValidator[]): string {
  const bytes = encode(validatorRegistrySchema, validators, "validators");
  return toHex(sha256(concatBytes(SET_DOMAIN, bytes)));
}
