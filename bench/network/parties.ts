import type { RpcClient } from "../../client/rpc-client.ts";
import { sign, transactionBytes } from "../../client/signing.ts";
import { newClientRef, TransactionBuilder } from "../../client/transaction-builder.ts";
import { succeeded } from "../../client/views.ts";
import { submitAndWait } from "../../client/wait.ts";
import type { SignedTransaction } from "../../ledger/envelope.ts";
import type { Kind, Payloads } from "../../ledger/transactions/kinds.ts";
import { MEMBER_KEY_ID } from "../../node/local-network/institutions.ts";
import type { LocalNetwork } from "../../node/local-network/network-files.ts";
import type { Signer } from "../../primitives/ed25519/signer.ts";
import { CodedError } from "../../primitives/errors.ts";
import { readPassphrase, unlockKeyFile } from "../../primitives/keystore.ts";
import { nativeSigner } from "../../primitives/native/sodium.ts";

/** A set-up transaction settles within a second; a machine that does much else may take long. */
const FINALITY_MS = 60_000;

export type Institutions = readonly [string, ...string[]];

/** The institutions of a local network with their keys, signing natively: some 25 us a signature. */
export class Parties {
  readonly #chainId: string;
  readonly #signers: ReadonlyMap<string, Signer>;

  private constructor(chainId: string, signers: ReadonlyMap<string, Signer>) {
    this.#chainId = chainId;
    this.#signers = signers;
  }

  static async open(network: LocalNetwork): Promise<Parties> {
    const passphrase = await readPassphrase({ file: network.passphraseFile });
    const signers = new Map<string, Signer>();
    for (const [id, file] of Object.entries(network.memberKeys)) {
      const { seed } = await unlockKeyFile(file, passphrase, "member");
      signers.set(id, nativeSigner(seed));
    }
    return new Parties(network.chainId, signers);
  }

  /** Built and signed by every party; the first is the sender. */
  prepare<K extends Kind>(
    parties: Institutions,
    kind: K,
    payload: Payloads[K],
    expiresAtHeight: number,
  ): SignedTransaction {
    const builder = new TransactionBuilder(this.#chainId, parties[0]);
    const terms = { clientRef: newClientRef("B-"), expiresAtHeight };
    let transaction = builder.build(kind, payload, terms);
    for (const member of parties) {
      const signer = this.#signers.get(member);
      if (signer === undefined) throw new CodedError("NO_KEY", `no key of ${member} here`);
      transaction = sign(transaction, { member, keyId: MEMBER_KEY_ID, signer });
    }
    return transaction;
  }

  /** Submits, waits for finality and requires success. Returns the transaction's id. */
  async settle<K extends Kind>(
    client: RpcClient,
    parties: Institutions,
    kind: K,
    payload: Payloads[K],
  ): Promise<string> {
    const transaction = this.prepare(parties, kind, payload, await farExpiry(client));
    const bytes = transactionBytes(transaction);
    const finality = await submitAndWait(client, bytes, { waitMs: FINALITY_MS });
    if (finality.status !== "committed") {
      throw new CodedError("NOT_FINAL", `${kind} ${finality.txId} is ${finality.status}`);
    }
    const { receipt } = finality;
    if (!succeeded(receipt)) {
      const { code } = receipt.outcome;
      throw new CodedError("NOT_SETTLED", `${kind} ended as ${code} (${receipt.field ?? ""})`);
    }
    return finality.txId;
  }
}

/** The last height at which a transaction of now may stand: nothing expires during a run. */
export async function farExpiry(client: RpcClient): Promise<number> {
  const { height, limits } = await client.call("chain.info", {});
  return Number(height) + limits.maxExpiryBlocks;
}
