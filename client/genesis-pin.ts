import { createValidatorSet, type ValidatorSet } from "../consensus/quorum.ts";
import { chainIdOf, type Genesis } from "../ledger/genesis.ts";
import { parseGenesis } from "../ledger/genesis-document.ts";
import { CodedError } from "../primitives/errors.ts";

/** The genesis is not the one that the user pinned. */
export class PinError extends CodedError<"GENESIS_MISMATCH"> {
  override readonly name = "PinError";
}

/** What a user trusts, and all it trusts: one genesis. */
export interface GenesisPin {
  /** SHA-256 of the canonical genesis, hex. */
  readonly chainId: string;
  readonly genesis: Genesis;
  /** Who certifies blocks, in genesis order. */
  readonly validators: ValidatorSet;
}

/**
 * Pins the chain that a genesis document founds. `chainId`, where given, comes from another source
 * than the document (a printed fingerprint, a circular) and must agree with it.
 *
 * @throws GenesisError GENESIS_INVALID, PinError GENESIS_MISMATCH, CodedError of the validator set
 */
export function pinGenesis(document: unknown, chainId?: string): GenesisPin {
  return pinOf(parseGenesis(document), chainId);
}

/** The pin of a genesis that was checked already (`parseGenesis`). */
export function pinOf(genesis: Genesis, chainId?: string): GenesisPin {
  const computed = chainIdOf(genesis);
  if (chainId !== undefined && chainId !== computed) {
    throw new PinError("GENESIS_MISMATCH", "the genesis is not the pinned one", {
      got: computed,
      expected: chainId,
    });
  }
  const validators = createValidatorSet(
    genesis.validators.map(({ consensusKey, weight }) => ({ publicKey: consensusKey, weight })),
  );
  return { chainId: computed, genesis, validators };
}
