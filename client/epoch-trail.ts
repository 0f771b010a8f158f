import { certificateSchema, verifyCertificate } from "../consensus/certificate.ts";
import { headerDigest, headerSchema } from "../consensus/header.ts";
import { createValidatorSet, type ValidatorSet } from "../consensus/quorum.ts";
import { type Validator, validatorSetHash } from "../ledger/state/validator-set.ts";
import { fromHex } from "../primitives/bytes.ts";
import { decode } from "../primitives/codec/codec.ts";
import type { Schema } from "../primitives/codec/schema.ts";
import { verifyOracle } from "../primitives/ed25519/criterion.ts";
import { CodedError, messageOf } from "../primitives/errors.ts";
import type { GenesisPin } from "./genesis-pin.ts";
import { fromBase64 } from "./rpc/base64.ts";
import type { EpochEndJson } from "./rpc/methods.ts";

export type TrailErrorCode =
  /** Bytes that are not canonical, or fields that contradict each other. */
  | "TRAIL_MALFORMED"
  /** Not the end of the epoch that follows the last one known, or of another chain. */
  | "TRAIL_ORDER"
  /** The header is no quorum's of the epoch that it ends. */
  | "TRAIL_CERTIFICATE"
  /** The validators are not those that the header names. */
  | "TRAIL_VALIDATORS";

export class TrailError extends CodedError<TrailErrorCode> {
  override readonly name = "TrailError";
}

/**
 * Who certified each epoch, proven from the pinned genesis on: the set of one epoch certifies the
 * block that ends it, and that block's header names the set of the next. Nothing a node says is
 * believed; what has been proven once is kept.
 *
 * Keys of an epoch long past may be stolen later and sign another end for it. Who follows the chain
 * is not deceived by that, since it has proven the ends as they came; who starts anew should compare
 * the newest one with another source.
 */
export class EpochTrail {
  readonly pin: GenesisPin;
  readonly #sets: ValidatorSet[];
  #height = 0;

  constructor(pin: GenesisPin) {
    this.pin = pin;
    this.#sets = [pin.validators];
  }

  get chainId(): string {
    return this.pin.chainId;
  }

  /** The newest epoch whose validators are proven. */
  get epoch(): number {
    return this.#sets.length - 1;
  }

  /** Undefined for an epoch that the trail has not come to. */
  validatorsOf(epoch: number): ValidatorSet | undefined {
    return this.#sets[epoch];
  }

  /** Ends of the epochs from the newest one on, in order. Throws TrailError; those before count. */
  extend(ends: readonly EpochEndJson[]): void {
    for (const [i, end] of ends.entries()) this.#extendByOne(end, `ends[${i}]`);
  }

  #extendByOne(end: EpochEndJson, field: string): void {
    const header = read(headerSchema, `${field}.header`, end.header);
    const certificate = read(certificateSchema, `${field}.commit`, end.commit);
    const isNext =
      header.chainId === this.chainId &&
      header.epoch === this.epoch &&
      header.height > this.#height &&
      header.nextValidators !== undefined;
    if (!isNext) {
      refuse("TRAIL_ORDER", `not the end of epoch ${this.epoch}`, field, String(header.epoch));
    }
    const names =
      certificate.kind === "finalize" &&
      certificate.epoch === header.epoch &&
      certificate.target?.blockDigest === headerDigest(header);
    const set = this.#sets[this.epoch];
    if (
      !names ||
      set === undefined ||
      !verifyCertificate(certificate, set, this.chainId, verifyOracle)
    ) {
      refuse("TRAIL_CERTIFICATE", "not certified by a quorum of its epoch", field);
    }
    const next = registered(end);
    if (hashOf(next, field) !== header.nextValidators) {
      refuse("TRAIL_VALIDATORS", "other validators than the header names", field);
    }
    this.#sets.push(guarded(field, () => createValidatorSet(next)));
    this.#height = header.height;
  }
}

function registered(end: EpochEndJson): readonly Omit<Validator, "number">[] {
  return end.validators.map(({ consensusKey, networkKey, weight, name, member }) => ({
    publicKey: fromHex(consensusKey),
    networkKey: fromHex(networkKey),
    weight,
    name,
    member,
  }));
}

function hashOf(validators: readonly Omit<Validator, "number">[], field: string): string {
  return guarded(field, () => validatorSetHash(validators));
}

function read<T>(schema: Schema<T>, field: string, text: string): T {
  const bytes = fromBase64(text);
  if (bytes === undefined) return refuse("TRAIL_MALFORMED", "not base64", field);
  return guarded(field, () => decode(schema, bytes, undefined, field));
}

function guarded<T>(field: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    throw new TrailError("TRAIL_MALFORMED", messageOf(error), { field }, { cause: error });
  }
}

function refuse(code: TrailErrorCode, message: string, field: string, got = ""): never {
  throw new TrailError(code, `${field}: ${message}`, { field, got });
}
