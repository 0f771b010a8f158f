import { present } from "../../primitives/assert.ts";
import { utf8 } from "../../primitives/bytes.ts";
import { portableSigner, type Signer } from "../../primitives/ed25519/signer.ts";
import { sha256 } from "../../primitives/sha256.ts";
import { currentEpochOf, currentValidators } from "../closing.ts";
import { type ReadyClaim, readyStatement } from "../ready-statement.ts";
import type { Receipt } from "../receipt.ts";
import { checkpointsTable } from "../state/checkpoints.ts";
import type { Payloads } from "../transactions/kinds.ts";
import { TestLedger, testGenesis } from "./test-ledger.ts";

/** Test support: a ledger with validators whose keys are real ones. */

export type Change = Payloads["change-validators"];

export const EPOCH_BLOCKS = 10;

export function validatorSigner(label: string): Signer {
  return portableSigner(sha256(utf8(`validator ${label}`)));
}

/** Keys are drawn from their label, so that each test names its own. */
export function keyOf(label: string): Uint8Array {
  return validatorSigner(label).publicKey;
}

export interface SiteOptions {
  readonly name: string;
  readonly member: string;
  readonly weight?: number;
}

const FOUR: readonly SiteOptions[] = [
  { name: "sbp-1", member: "SBP" },
  { name: "sbp-2", member: "SBP" },
  { name: "fin-1", member: "FINDIV" },
  { name: "hbl-1", member: "HBL" },
];

export class ValidatorLedger extends TestLedger {
  constructor(sites: readonly SiteOptions[] = FOUR, epochLengthBlocks: number = EPOCH_BLOCKS) {
    super(
      testGenesis({
        validators: sites.map(({ name, member, weight }) => ({
          name,
          member,
          weight: weight ?? 1,
          consensusKey: keyOf(`${name} consensus`),
          networkKey: keyOf(`${name} network`),
        })),
        parameters: { maxExpiryBlocks: 20, dedupWindowBlocks: 10, epochLengthBlocks },
      }),
    );
  }

  get epoch(): number {
    return currentEpochOf(this.state).epoch;
  }

  get names(): readonly string[] {
    return currentValidators(this.state).map(({ name }) => name);
  }

  admission(name: string, member = "SBP", changes: Partial<Change> = {}): Change {
    return {
      action: "ADMIT",
      name,
      member,
      consensusKey: keyOf(`${name} consensus`),
      networkKey: keyOf(`${name} network`),
      weight: 1,
      timing: "EPOCH_END",
      ...changes,
    };
  }

  removal(name: string, member = "SBP", changes: Partial<Change> = {}): Change {
    return { ...this.#bare("REMOVE", name, member), ...changes };
  }

  /** New keys of generation `generation`. */
  rotation(
    name: string,
    member: string,
    generation: number,
    changes: Partial<Change> = {},
  ): Change {
    return {
      ...this.#bare("ROTATE", name, member),
      consensusKey: keyOf(`${name} consensus ${generation}`),
      networkKey: keyOf(`${name} network ${generation}`),
      ...changes,
    };
  }

  withdrawal(name: string, member = "SBP"): Change {
    return this.#bare("WITHDRAW", name, member);
  }

  change(change: Change): Receipt {
    const signers = new Set(["SBP", "FINDIV", change.member]);
    return this.send("change-validators", change, { signers: [...signers] });
  }

  /** The code of a change, in a block of its own. */
  outcome(change: Change): string {
    return this.change(change).outcome.code;
  }

  /** A claim on the newest checkpoint, as a node in step would make it. */
  claim(): ReadyClaim {
    if (this.height === 0) this.block();
    const { blocks } = present(checkpointsTable.read(this.state, ""), "checkpoints");
    const { height, digest } = present(blocks.at(-1), "a checkpoint");
    return { chainId: this.chainId, epoch: this.epoch, height, blockDigest: digest };
  }

  readyPayload(
    name: string,
    member: string,
    signer: Signer = validatorSigner(`${name} consensus`),
    claim: ReadyClaim = this.claim(),
  ): Payloads["validator-ready"] {
    const { epoch, height, blockDigest } = claim;
    const signature = signer.sign(readyStatement(claim));
    return { name, member, epoch, height, blockDigest, signature };
  }

  ready(name: string, member: string, signer?: Signer): string {
    const receipt = this.send("validator-ready", this.readyPayload(name, member, signer), {
      member,
    });
    return receipt.outcome.code;
  }

  /** Empty blocks up to and with the one that ends the epoch by its length. */
  closeEpoch(): void {
    const { epoch } = this;
    while (this.epoch === epoch) this.block();
  }

  #bare(action: Change["action"], name: string, member: string): Change {
    return {
      action,
      name,
      member,
      consensusKey: undefined,
      networkKey: undefined,
      weight: undefined,
      timing: "EPOCH_END",
    };
  }
}
