import Type, { type Static } from "typebox";
import { Compile } from "typebox/compile";
import { EpochEndJson, ProofJson } from "../../client/rpc/methods.ts";
import { Asset, closed, Identifier } from "../../client/rpc/scalars.ts";
import { CodedError } from "../../primitives/errors.ts";
import { readJsonFile } from "./input-file.ts";

/** Ends of epochs in one file: one a week would fill a lifetime. */
const MAX_EPOCHS = 4_096;

/**
 * What `account proof` writes: whose holding of what, the proof as the node gave it, and the ends of
 * the epochs since the genesis, which lead to the validators that certified it.
 */
export const ProofFile = closed({
  account: Identifier,
  asset: Asset,
  proof: ProofJson,
  epochs: Type.Array(EpochEndJson, { maxItems: MAX_EPOCHS }),
});
export type ProofFile = Static<typeof ProofFile>;

const validator = Compile(ProofFile);

/** Throws CodedError PROOF_FILE_MALFORMED, InputFileError. The proof itself is checked elsewhere. */
export async function readProofFile(file: string): Promise<ProofFile> {
  const content = await readJsonFile(file);
  if (validator.Check(content)) return content;
  throw new CodedError("PROOF_FILE_MALFORMED", `${file} is not a proof that this program wrote`, {
    file,
  });
}
