import { RpcClient } from "../../client/rpc-client.ts";
import { sign, transactionBytes } from "../../client/signing.ts";
import { newClientRef, TransactionBuilder } from "../../client/transaction-builder.ts";
import { type ReceiptView, succeeded } from "../../client/views.ts";
import { submitAndWait } from "../../client/wait.ts";
import { type Kind, kindTable, type Payloads } from "../../ledger/transactions/kinds.ts";
import { portableSigner, type Signer } from "../../primitives/ed25519/signer.ts";
import { CodedError } from "../../primitives/errors.ts";
import { readPassphrase, unlockKeyFile } from "../../primitives/keystore.ts";
import { GOVERNANCE_KEY_ID, MEMBER_KEY_ID } from "../local-network/institutions.ts";
import type { LocalNetwork } from "../local-network/network-files.ts";

/** Blocks a rehearsal transaction may wait for. */
const EXPIRY_BLOCKS = 600;
const FINALITY_MS = 60_000;

/** A transaction that is final, and how long that took from its submission. */
export interface Settled {
  readonly txId: string;
  readonly receipt: ReceiptView;
  readonly milliseconds: number;
}

/**
 * The institutions of a rehearsal, each with its own key, and the node they talk to. Signing is
 * offline; only signed bytes reach the node.
 */
export class Participants {
  readonly client: RpcClient;
  readonly #chainId: string;
  /** By the id of the key and the institution. */
  readonly #signers: ReadonlyMap<string, Signer>;
  readonly #signal: AbortSignal | undefined;

  private constructor(
    client: RpcClient,
    chainId: string,
    signers: ReadonlyMap<string, Signer>,
    signal: AbortSignal | undefined,
  ) {
    this.client = client;
    this.#chainId = chainId;
    this.#signers = signers;
    this.#signal = signal;
  }

  /**
   * One address or, for failover, several. The signal ends every wait; what was waiting then rejects
   * with its reason.
   */
  static async open(
    network: LocalNetwork,
    rpcUrls: string | readonly string[],
    signal?: AbortSignal,
  ): Promise<Participants> {
    const passphrase = await readPassphrase({ file: network.passphraseFile });
    const signers = new Map<string, Signer>();
    for (const [keyId, files] of [
      [MEMBER_KEY_ID, network.memberKeys],
      [GOVERNANCE_KEY_ID, network.governanceKeys],
    ] as const) {
      for (const [id, file] of Object.entries(files)) {
        const { seed } = await unlockKeyFile(file, passphrase, "member");
        signers.set(`${keyId} ${id}`, portableSigner(seed));
      }
    }
    const { chainId } = network;
    const endpoints = typeof rpcUrls === "string" ? [rpcUrls] : rpcUrls;
    return new Participants(new RpcClient({ endpoints, chainId }), chainId, signers, signal);
  }

  /** Builds, signs by every party, and returns the bytes. The first party is the sender. */
  prepare<K extends Kind>(
    parties: readonly [string, ...string[]],
    kind: K,
    payload: Payloads[K],
    expiresAtHeight: number,
    clientRef: string = newClientRef("R-"),
  ): Uint8Array {
    const builder = new TransactionBuilder(this.#chainId, parties[0]);
    let transaction = builder.build(kind, payload, { clientRef, expiresAtHeight });
    const isGovernance = kindTable[kind].keyPurpose === "GOVERNANCE";
    const keyId = isGovernance ? GOVERNANCE_KEY_ID : MEMBER_KEY_ID;
    for (const member of parties) {
      const signer = this.#signers.get(`${keyId} ${member}`);
      if (signer === undefined) throw new CodedError("NO_KEY", `no key of ${member} here`);
      transaction = sign(transaction, { member, keyId, signer });
    }
    return transactionBytes(transaction);
  }

  async expiry(): Promise<number> {
    const { height } = await this.client.call("chain.info", {});
    return Number(height) + EXPIRY_BLOCKS;
  }

  /** Submits and waits for finality. Throws NOT_FINAL or NOT_SETTLED with the outcome. */
  async settle<K extends Kind>(
    parties: readonly [string, ...string[]],
    kind: K,
    payload: Payloads[K],
  ): Promise<Settled> {
    const bytes = this.prepare(parties, kind, payload, await this.expiry());
    const started = performance.now();
    const finality = await submitAndWait(this.client, bytes, {
      waitMs: FINALITY_MS,
      ...(this.#signal === undefined ? {} : { signal: this.#signal }),
    });
    const milliseconds = performance.now() - started;
    this.#signal?.throwIfAborted();
    if (finality.status !== "committed") {
      throw new CodedError("NOT_FINAL", `${kind} ${finality.txId} is ${finality.status}`);
    }
    const { receipt } = finality;
    if (!succeeded(receipt)) {
      throw new CodedError("NOT_SETTLED", `${kind} ended as ${receipt.outcome.code}`, {
        got: receipt.outcome.code,
        ...(receipt.field === undefined ? {} : { field: receipt.field }),
      });
    }
    return { txId: finality.txId, receipt, milliseconds };
  }
}
