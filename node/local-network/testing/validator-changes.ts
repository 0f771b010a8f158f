import { join } from "node:path";
import { fromBase64 } from "../../../client/rpc/base64.ts";
import { RpcClient } from "../../../client/rpc-client.ts";
import { certificateSchema } from "../../../consensus/certificate.ts";
import { readyStatement } from "../../../ledger/ready-statement.ts";
import type { Payloads } from "../../../ledger/transactions/kinds.ts";
import { present } from "../../../primitives/assert.ts";
import { decode } from "../../../primitives/codec/codec.ts";
import { readPassphrase, unlockKeyFile } from "../../../primitives/keystore.ts";
import { nativeSigner } from "../../../primitives/native/sodium.ts";
import type { Participants } from "../../demo/participants.ts";
import type { LocalNetwork, LocalValidator } from "../network-files.ts";

type Change = Payloads["change-validators"];

/** Certificates that one look for a vote reads at most: a few seconds of blocks. */
const MAX_LOOK_BACK = 20;

/** What the sovereign, the central bank and operators do to change who validates. */
export class ValidatorChanges {
  readonly #network: LocalNetwork;
  readonly #parties: Participants;
  /** Heights up to which votes were looked for, by validator and epoch. */
  readonly #looked = new Map<string, number>();

  constructor(network: LocalNetwork, parties: Participants) {
    this.#network = network;
    this.#parties = parties;
  }

  /** Proposes a change that ends the epoch as soon as it is ready. Resolves when that is final. */
  async propose(
    change: Partial<Change> & Pick<Change, "action" | "name" | "member">,
  ): Promise<void> {
    const parties = new Set(["SBP", "FINDIV", change.member]);
    const [first, ...others] = parties;
    await this.#parties.settle([present(first, "a party"), ...others], "change-validators", {
      consensusKey: undefined,
      networkKey: undefined,
      weight: undefined,
      timing: "WHEN_READY",
      ...change,
    });
  }

  /** What the operator of a new key does once its node is in step. Resolves when that is final. */
  async declareReady(validator: LocalValidator): Promise<void> {
    const client = new RpcClient({ endpoints: [validator.rpcUrl] });
    const { epoch, checkpoint } = await client.call("chain.validators", {});
    const passphrase = await readPassphrase({ file: this.#network.passphraseFile });
    const file = join(validator.directory, "consensus.key.json");
    const { seed } = await unlockKeyFile(file, passphrase, "consensus");
    const claim = {
      epoch: Number(epoch),
      height: Number(checkpoint?.height),
      blockDigest: present(checkpoint, "a checkpoint").digest,
    };
    const statement = readyStatement({ chainId: this.#network.chainId, ...claim });
    const { name, member } = validator;
    const signature = nativeSigner(seed).sign(statement);
    await this.#parties.settle([member], "validator-ready", { name, member, ...claim, signature });
  }

  /**
   * Whether a final block of this epoch carries the signature of the validator, among those that
   * `client` has taken since the last call; false as well where the epoch has no such validator.
   */
  async hasVoted(client: RpcClient, name: string, epoch: number): Promise<boolean> {
    const { validators } = await client.call("chain.validators", { epoch: String(epoch) });
    const index = validators.findIndex((validator) => validator.name === name);
    if (index < 0) return false;
    const key = `${name} ${epoch}`;
    const head = Number((await client.call("chain.info", {})).height);
    const from = Math.max((this.#looked.get(key) ?? 0) + 1, head - MAX_LOOK_BACK);
    for (let height = from; height <= head; height++) {
      this.#looked.set(key, height);
      const { commit } = await client.call("chain.block", { height: String(height) });
      const bytes = present(fromBase64(commit), "certificate");
      const certificate = decode(certificateSchema, bytes, undefined, "commit");
      if (certificate.epoch === epoch && (certificate.signers & (1 << index)) !== 0) return true;
    }
    return false;
  }
}
