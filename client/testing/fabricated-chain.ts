import { certificateSchema } from "../../consensus/certificate.ts";
import { type BlockHeader, headerDigest, headerSchema } from "../../consensus/header.ts";
import { voteStatement } from "../../consensus/statements.ts";
import type { Certificate, VoteKind } from "../../consensus/types.ts";
import type { Genesis } from "../../ledger/genesis.ts";
import { type Validator, validatorSetHash } from "../../ledger/state/validator-set.ts";
import { present } from "../../primitives/assert.ts";
import { toHex } from "../../primitives/bytes.ts";
import { encode } from "../../primitives/codec/codec.ts";
import { portableSigner, type Signer } from "../../primitives/ed25519/signer.ts";
import { stateProofSchema } from "../../primitives/merkle/state-proof.ts";
import { StateTree } from "../../primitives/merkle/state-tree.ts";
import { type GenesisPin, pinOf } from "../genesis-pin.ts";
import { toBase64 } from "../rpc/base64.ts";
import type { EpochEndJson, ProofJson } from "../rpc/methods.ts";

/** Test support: a chain of headers and certificates made with the validators' own keys. */

export function testSigner(number: number): Signer {
  return portableSigner(new Uint8Array(32).fill(number));
}

/** A genesis with four validators of equal weight; its members matter to no proof. */
export function testGenesis(signers: readonly Signer[], networkName = "test"): Genesis {
  return {
    version: 1,
    networkName,
    genesisTimeMs: 1_700_000_000_000,
    members: [],
    validators: signers.map((signer, i) => ({
      name: `v${i}`,
      member: "SBP",
      consensusKey: signer.publicKey,
      networkKey: signer.publicKey,
      weight: 1,
    })),
    programmeCapUsdCents: 100n,
    parameters: { maxExpiryBlocks: 100, dedupWindowBlocks: 100, epochLengthBlocks: 1_000 },
  };
}

function registryOf(signers: readonly Signer[]): readonly Omit<Validator, "number">[] {
  return signers.map(({ publicKey }, i) => ({
    publicKey,
    networkKey: publicKey,
    weight: 1,
    name: `v${i}`,
    member: "SBP",
  }));
}

export interface FabricatedBlock {
  readonly header: BlockHeader;
  readonly headerBytes: Uint8Array;
  readonly digest: string;
  readonly tree: StateTree;
  /** State by key, as of this block. */
  readonly state: ReadonlyMap<string, Uint8Array>;
}

/** What a forged certificate may differ in. */
export interface CertificateChange {
  readonly signerIndexes?: readonly number[];
  readonly kind?: VoteKind;
  readonly epoch?: number;
  readonly blockDigest?: string;
  readonly chainId?: string;
  readonly keys?: readonly Signer[];
}

export class FabricatedChain {
  /** Of each epoch. */
  readonly signersOf: (readonly Signer[])[] = [[1, 2, 3, 4].map(testSigner)];
  readonly pin: GenesisPin;
  readonly blocks: FabricatedBlock[] = [];

  constructor(networkName?: string) {
    this.pin = pinOf(testGenesis(this.signers, networkName));
  }

  /** Of the current epoch. */
  get signers(): readonly Signer[] {
    return present(this.signersOf.at(-1), "signers");
  }

  get head(): FabricatedBlock | undefined {
    return this.blocks.at(-1);
  }

  get height(): number {
    return this.blocks.length;
  }

  block(height: number): FabricatedBlock {
    return present(this.blocks[height - 1], `block ${height}`);
  }

  /** Adds a block that changes the state; null deletes. */
  append(
    changes: Iterable<readonly [string, Uint8Array | null]> = [],
    nextSigners?: readonly Signer[],
  ): FabricatedBlock {
    const parent = this.head;
    const list = [...changes];
    const tree = (parent?.tree ?? StateTree.empty).update(list);
    const state = new Map(parent?.state);
    for (const [key, value] of list) {
      if (value === null) state.delete(key);
      else state.set(key, value);
    }
    const height = this.height + 1;
    const header: BlockHeader = {
      version: 1,
      chainId: this.pin.chainId,
      epoch: this.signersOf.length - 1,
      height,
      parentDigest: parent?.digest ?? this.pin.chainId,
      proposer: height % 4,
      timestampMs: 1_700_000_000_000 + 1_000 * height,
      batchDigests: [],
      stateRoot: tree.root,
      receiptsRoot: "00".repeat(32),
      evidence: [],
      nextValidators:
        nextSigners === undefined ? undefined : validatorSetHash(registryOf(nextSigners)),
    };
    const headerBytes = encode(headerSchema, header, "header");
    const block = { header, headerBytes, digest: headerDigest(header), tree, state };
    this.blocks.push(block);
    if (nextSigners !== undefined) this.signersOf.push(nextSigners);
    return block;
  }

  /** How an epoch ended. */
  epochEnd(epoch: number, change: CertificateChange = {}): EpochEndJson {
    const isEnd = ({ header }: FabricatedBlock): boolean =>
      header.epoch === epoch && header.nextValidators !== undefined;
    const block = present(this.blocks.find(isEnd), `end of epoch ${epoch}`);
    return {
      epoch: String(epoch),
      header: toBase64(block.headerBytes),
      commit: toBase64(this.certificateBytes(block, change)),
      validators: registryOf(present(this.signersOf[epoch + 1], "next signers")).map(
        ({ publicKey, networkKey, ...rest }) => ({
          ...rest,
          consensusKey: toHex(publicKey),
          networkKey: toHex(networkKey),
        }),
      ),
    };
  }

  certificate(block: FabricatedBlock, change: CertificateChange = {}): Certificate {
    const indexes = change.signerIndexes ?? [0, 1, 2];
    const vote = {
      kind: change.kind ?? "finalize",
      epoch: change.epoch ?? block.header.epoch,
      view: block.header.height,
      target: {
        parentView: block.header.height - 1,
        parentDigest: block.header.parentDigest,
        blockDigest: change.blockDigest ?? block.digest,
      },
    };
    const statement = voteStatement(change.chainId ?? this.pin.chainId, vote);
    const keys = change.keys ?? present(this.signersOf[block.header.epoch], "signers");
    return {
      ...vote,
      signers: indexes.reduce((bits, index) => bits | (1 << index), 0),
      signatures: indexes.map((index) => present(keys[index], "signer").sign(statement)),
    };
  }

  certificateBytes(block: FabricatedBlock, change?: CertificateChange): Uint8Array {
    return encode(certificateSchema, this.certificate(block, change), "certificate");
  }

  /** A proof of a key at `height`, certified at `certifiedAt` or at the same height. */
  proof(
    key: string,
    height: number,
    certifiedAt = height,
    change: CertificateChange = {},
  ): ProofJson {
    const block = this.block(height);
    const value = block.state.get(key);
    const descendants = this.blocks.slice(height, certifiedAt);
    return {
      height: String(height),
      key,
      value: value === undefined ? null : toBase64(value),
      path: toBase64(encode(stateProofSchema, block.tree.prove(key), "path")),
      header: toBase64(block.headerBytes),
      descendants: descendants.map((each) => toBase64(each.headerBytes)),
      commit: toBase64(this.certificateBytes(this.block(certifiedAt), change)),
    };
  }
}
