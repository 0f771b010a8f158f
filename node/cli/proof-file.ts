import type { Static } from "typebox";
import { Compile } from "typebox/compile";
import { ProofJson } from "../../client/rpc/methods.ts";
import { Asset, closed, Identifier } from "../../client/rpc/scalars.ts";
import { CodedError } from "../../primitives/errors.ts";
import { readJsonFile } from "./input-file.ts";

/** What `account proof` writes: whose holding of what, and the proof as the node gave it. */
export const ProofFile = closed({ account: Identifier, asset: Asset, proof: ProofJson });
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
