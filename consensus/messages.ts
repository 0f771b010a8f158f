import { decode, encode } from "../primitives/codec/codec.ts";
import type { DecodeLimits } from "../primitives/codec/message-pack-scan.ts";
import {
  bool,
  counter,
  fixedBytes,
  hash,
  list,
  oneOf,
  optional,
  record,
  uint,
  union,
} from "../primitives/codec/schema.ts";
import { certificateSchema, voteSchema } from "./certificate.ts";
import { type Evidence, evidenceSchema } from "./evidence.ts";
import { type BlockHeader, headerSchema } from "./header.ts";
import {
  MAX_BLOCKS_PER_REPLY,
  MAX_CERTIFICATES_PER_REPLY,
  MAX_ECHOED_VOTES,
  MAX_JUSTIFICATION,
} from "./limits.ts";
import type { Certificate, Target, Vote } from "./types.ts";

/**
 * A leader's block for one view. The header gives epoch, parent digest and, hashed, the block's
 * digest. Both signatures are the leader's: over the proposal and over its own notarize statement.
 */
export interface ProposalBody {
  readonly view: number;
  readonly parentView: number;
  readonly header: BlockHeader;
  readonly proposalSignature: Uint8Array;
  readonly notarizeSignature: Uint8Array;
  /**
   * Notarization or finalization of the parent and nullifications of every view skipped. Nothing
   * for a parent in view 0, where the epoch begins: every node starts with that block's finality.
   */
  readonly justification: readonly Certificate[];
  /**
   * The block closes the epoch, is notarized in `parentView` already and is put to the vote once
   * more because its finalization did not come: it stands on itself. See proposalTarget.
   */
  readonly closingCopy: boolean;
}

/**
 * What a proposal puts to the vote. `digest` is that of its header. A copy of the closing block has
 * this block as parent and as block, so that no height is used twice.
 */
export function proposalTarget(body: ProposalBody, digest: string): Target {
  const parentDigest = body.closingCopy ? digest : body.header.parentDigest;
  return { parentView: body.parentView, parentDigest, blockDigest: digest };
}

/**
 * Why a Status is sent. `starting`: the sender has just started and votes only after answers of
 * quorum weight. `standstill`: nothing becomes final, send what I lack. `answer`: reply to one of
 * these two. `periodic`: none of it.
 */
export type StatusPurpose = "periodic" | "starting" | "standstill" | "answer";

export interface StatusBody {
  readonly epoch: number;
  readonly view: number;
  readonly floorView: number;
  /** A claim; nothing is decided by it. */
  readonly floorHeight: number;
  /** Of the floor; absent at genesis, of the epoch before while nothing of this one is final. */
  readonly finalization: Certificate | undefined;
  /** Wall clock of the sender, ms. */
  readonly clockMs: number;
  /** Which process start of the sender this is. */
  readonly incarnation: number;
  readonly purpose: StatusPurpose;
  /** In an answer: the incarnation of the peer that is answered; otherwise 0. */
  readonly answerTo: number;
  /** In an answer: the newest votes, one a kind, that the receiver of this Status once signed. */
  readonly echoes: readonly Vote[];
}

/** Why a request is not served; every request gets a reply. */
export type RefusalCode = "UNKNOWN" | "NOT_AVAILABLE" | "BUSY" | "RANGE";

export interface GetBlocksBody {
  readonly requestId: number;
  readonly fromHeight: number;
  /** 1 to MAX_BLOCKS_PER_REPLY. */
  readonly count: number;
}

/**
 * Headers fromHeight, fromHeight + 1, … and a finalization. The responder truncates so that the
 * last header is the finalized block, and no block is of a later epoch than the first: the block
 * that closes its epoch is always the last, with its finalization of that epoch. Where the first finalization at or above fromHeight lies
 * beyond `count` headers, it sends `count` headers and that finalization; the requester goes on
 * from there and believes nothing before the chain reaches the finalized block.
 */
export interface BlocksBody {
  readonly requestId: number;
  readonly headers: readonly BlockHeader[];
  readonly finalization: Certificate | undefined;
  readonly refusal: RefusalCode | undefined;
}

export interface HeaderBody {
  readonly requestId: number;
  readonly header: BlockHeader | undefined;
  readonly refusal: RefusalCode | undefined;
}

export interface CertificatesBody {
  readonly requestId: number;
  readonly certificates: readonly Certificate[];
  readonly refusal: RefusalCode | undefined;
}

/** Everything that two consensus cores say to one another. */
export type ConsensusMessage =
  | { readonly type: "proposal"; readonly body: ProposalBody }
  | { readonly type: "vote"; readonly body: Vote }
  | { readonly type: "certificate"; readonly body: Certificate }
  | { readonly type: "status"; readonly body: StatusBody }
  | { readonly type: "getBlocks"; readonly body: GetBlocksBody }
  | { readonly type: "blocks"; readonly body: BlocksBody }
  | {
      readonly type: "getHeader";
      readonly body: { readonly requestId: number; readonly digest: string };
    }
  | { readonly type: "header"; readonly body: HeaderBody }
  | {
      readonly type: "getCertificates";
      readonly body: {
        readonly requestId: number;
        readonly epoch: number;
        readonly fromView: number;
      };
    }
  | { readonly type: "certificates"; readonly body: CertificatesBody }
  | { readonly type: "evidence"; readonly body: Evidence };

const refusal = optional(oneOf(["UNKNOWN", "NOT_AVAILABLE", "BUSY", "RANGE"]));

/** Tags follow this order: only ever append. */
export const messageSchema = union({
  proposal: record({
    view: counter,
    parentView: counter,
    header: headerSchema,
    proposalSignature: fixedBytes(64),
    notarizeSignature: fixedBytes(64),
    justification: list(certificateSchema, MAX_JUSTIFICATION),
    closingCopy: bool,
  }),
  vote: voteSchema,
  certificate: certificateSchema,
  status: record({
    epoch: counter,
    view: counter,
    floorView: counter,
    floorHeight: counter,
    finalization: optional(certificateSchema),
    clockMs: counter,
    incarnation: counter,
    purpose: oneOf(["periodic", "starting", "standstill", "answer"]),
    answerTo: counter,
    echoes: list(voteSchema, MAX_ECHOED_VOTES),
  }),
  getBlocks: record({
    requestId: counter,
    fromHeight: counter,
    count: uint(MAX_BLOCKS_PER_REPLY),
  }),
  blocks: record({
    requestId: counter,
    headers: list(headerSchema, MAX_BLOCKS_PER_REPLY),
    finalization: optional(certificateSchema),
    refusal,
  }),
  getHeader: record({ requestId: counter, digest: hash }),
  header: record({ requestId: counter, header: optional(headerSchema), refusal }),
  getCertificates: record({ requestId: counter, epoch: counter, fromView: counter }),
  certificates: record({
    requestId: counter,
    certificates: list(certificateSchema, MAX_CERTIFICATES_PER_REPLY),
    refusal,
  }),
  evidence: evidenceSchema,
});

/** 193 certificates of 25 signatures are 340 KB, 64 headers of 64 batches 288 KB. */
export const MESSAGE_LIMITS: DecodeLimits = {
  maxBytes: 512 * 1024,
  maxDepth: 8,
  maxElements: 16_384,
};

export function encodeMessage(message: ConsensusMessage): Uint8Array {
  return encode(messageSchema, message, "message");
}

/** Throws CodecError on bytes that are not the canonical form of a message. */
export function decodeMessage(bytes: Uint8Array): ConsensusMessage {
  return decode(messageSchema, bytes, MESSAGE_LIMITS, "message");
}
