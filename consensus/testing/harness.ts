import { concatBytes, equalBytes, toHex, utf8 } from "../../primitives/bytes.ts";
import { sha256 } from "../../primitives/sha256.ts";
import { isCopy } from "../closing.ts";
import type { Effect, Report } from "../effects.ts";
import type { ConsensusEvent, TimerKind } from "../events.ts";
import { type BlockHeader, HEADER_VERSION, headerDigest } from "../header.ts";
import { leaderOf, leaderSchedule } from "../leader.ts";
import type { ConsensusMessage, StatusBody } from "../messages.ts";
import { type ConsensusParameters, LAN_PARAMETERS } from "../parameters.ts";
import { createValidatorSet, type ValidatorSet } from "../quorum.ts";
import { createState, restore } from "../restore.ts";
import type { ConsensusConfig, ConsensusState } from "../state.ts";
import { statementBytes, voteStatement } from "../statements.ts";
import { step } from "../step.ts";
import type { Anchor, Certificate, Target, Vote, VoteKind } from "../types.ts";
import { signaturesOf } from "../verification.ts";

/** Digest-like text for tests: 32 bytes of one value. */
export function digestOf(text: string): string {
  return toHex(sha256(utf8(text)));
}

export const CHAIN = digestOf("test genesis");

export const GENESIS_MS = 1_700_000_000_000;

export const GENESIS: Anchor = { height: 0, view: 0, digest: CHAIN, timestampMs: GENESIS_MS };

function publicKeyOf(index: number): Uint8Array {
  return sha256(utf8(`validator ${index}`));
}

/** Stands in for Ed25519: anybody can compute it, and the harness checks it. */
export function fakeSignature(publicKey: Uint8Array, statement: Uint8Array): Uint8Array {
  const half = sha256(concatBytes(publicKey, statement));
  return concatBytes(half, half);
}

export function validatorSet(weights: readonly number[] = [1, 1, 1, 1]): ValidatorSet {
  return createValidatorSet(
    weights.map((weight, index) => ({ publicKey: publicKeyOf(index), weight })),
  );
}

export function leaderFor(view: number, count = 4): number {
  return leaderOf(leaderSchedule(CHAIN, 0, CHAIN, count), view);
}

/** The lowest index that leads none of the views. */
export function followerOf(views: readonly number[], count = 4): number {
  for (let index = 0; index < count; index++) {
    if (views.every((view) => leaderFor(view, count) !== index)) return index;
  }
  throw new Error("every validator leads one of these views");
}

export function headerOn(
  parent: { readonly digest: string; readonly height: number; readonly timestampMs: number },
  proposer: number,
  change: Partial<BlockHeader> = {},
): BlockHeader {
  return {
    version: HEADER_VERSION,
    chainId: CHAIN,
    epoch: 0,
    height: parent.height + 1,
    parentDigest: parent.digest,
    proposer,
    timestampMs: parent.timestampMs + 100,
    batchDigests: [],
    stateRoot: digestOf("state"),
    receiptsRoot: digestOf("receipts"),
    evidence: [],
    nextValidators: undefined,
    ...change,
  };
}

/** A block with what votes say about it. */
export interface TestBlock {
  readonly view: number;
  readonly header: BlockHeader;
  readonly digest: string;
  readonly height: number;
  readonly timestampMs: number;
  readonly target: Target;
}

/** A block of `view` by the view's leader on a parent, which is an earlier block or the genesis. */
export function blockOn(
  parent: TestBlock | Anchor,
  view: number,
  change: Partial<BlockHeader> = {},
  count = 4,
): TestBlock {
  const header = headerOn(parent, leaderFor(view, count), change);
  const digest = headerDigest(header);
  const target = { parentView: parent.view, parentDigest: parent.digest, blockDigest: digest };
  return {
    view,
    header,
    digest,
    height: header.height,
    timestampMs: header.timestampMs,
    target,
  };
}

export function voteBy(
  signer: number,
  kind: VoteKind,
  view: number,
  target: Target | undefined,
  epoch = 0,
): Vote {
  const unsigned = { kind, epoch, view, target };
  const signature = fakeSignature(publicKeyOf(signer), voteStatement(CHAIN, unsigned));
  return { ...unsigned, signer, signature };
}

export function certificateBy(
  signers: readonly number[],
  kind: VoteKind,
  view: number,
  target: Target | undefined,
  epoch = 0,
): Certificate {
  const sorted = [...signers].sort((a, b) => a - b);
  return {
    kind,
    epoch,
    view,
    target,
    signers: sorted.reduce((bits, signer) => bits | (1 << signer), 0),
    signatures: sorted.map((signer) => voteBy(signer, kind, view, target, epoch).signature),
  };
}

export function proposalOf(
  block: TestBlock,
  justification: readonly Certificate[] = [],
  count = 4,
): ConsensusMessage {
  return proposalBy(leaderFor(block.view, count), block, justification);
}

/** The proposal of a block of any epoch by its leader; of a copy, if the target is one. */
export function proposalBy(
  leader: number,
  block: TestBlock,
  justification: readonly Certificate[] = [],
): ConsensusMessage {
  const key = publicKeyOf(leader);
  const { epoch } = block.header;
  const sign = (kind: "proposal" | "notarize"): Uint8Array =>
    fakeSignature(key, statementBytes(kind, CHAIN, epoch, block.view, block.target));
  return {
    type: "proposal",
    body: {
      view: block.view,
      parentView: block.target.parentView,
      header: block.header,
      proposalSignature: sign("proposal"),
      notarizeSignature: sign("notarize"),
      justification,
      closingCopy: isCopy(block.target),
    },
  };
}

export function statusOf(change: Partial<StatusBody> = {}): ConsensusMessage {
  return {
    type: "status",
    body: {
      epoch: 0,
      view: 1,
      floorView: 0,
      floorHeight: 0,
      finalization: undefined,
      clockMs: GENESIS_MS,
      incarnation: 7,
      purpose: "periodic",
      answerTo: 0,
      echoes: [],
      ...change,
    },
  };
}

type EffectOf<T extends Effect["type"]> = Extract<Effect, { type: T }>;
type MessageOf<T extends ConsensusMessage["type"]> = Extract<ConsensusMessage, { type: T }>["body"];

export interface NodeOptions {
  /** Absent for an observer. */
  readonly self?: number;
  readonly weights?: readonly number[];
  readonly parameters?: Partial<ConsensusParameters>;
  readonly anchor?: Anchor;
  /** Journal of an earlier process. */
  readonly records?: readonly Uint8Array[];
  /** Leaves the start gate closed. */
  readonly gated?: boolean;
  /** The signer does not answer by itself. */
  readonly manualSigner?: boolean;
  /** The application says "valid" to everything at once. */
  readonly validates?: boolean;
  /** Other epochs than the first. */
  readonly config?: Partial<ConsensusConfig>;
}

/**
 * One core with a signer, a verifier and a journal. Every effect since the last `clear` is kept;
 * whatever is told to the core goes through signaturesOf first.
 */
export class TestNode {
  readonly state: ConsensusState;
  readonly set: ValidatorSet;
  readonly journal: Uint8Array[];
  readonly #options: NodeOptions;
  effects: Effect[] = [];
  now = GENESIS_MS + 10;

  constructor(options: NodeOptions) {
    this.#options = options;
    this.set = validatorSet(options.weights);
    this.journal = [...(options.records ?? [])];
    const config: ConsensusConfig = {
      chainId: CHAIN,
      epoch: 0,
      validators: this.set,
      self: options.self,
      parameters: { ...LAN_PARAMETERS, ...options.parameters },
      anchor: options.anchor ?? GENESIS,
      ...options.config,
    };
    this.state =
      options.records === undefined
        ? createState(config)
        : restore(config, options.records, config.anchor);
    this.event({ type: "start", incarnation: 42 });
    if (options.gated !== true && options.self !== undefined) {
      for (const index of this.peers()) {
        const { epoch } = config;
        this.receive(
          index,
          statusOf({ epoch, purpose: "answer", answerTo: 42, clockMs: this.now }),
        );
      }
      this.effects = [];
    }
  }

  peers(): readonly number[] {
    return this.set.validators.map((_, index) => index).filter((i) => i !== this.#options.self);
  }

  /** One event, then the answers of signer and application that it caused. */
  event(event: ConsensusEvent): void {
    const effects = step(this.state, event, this.now);
    this.effects.push(...effects);
    for (const effect of effects) {
      if (effect.type === "persist") this.journal.push(...effect.records);
      if (effect.type === "sign" && this.#options.manualSigner !== true) this.sign(effect);
      if (effect.type === "validate" && this.#options.validates !== false) {
        this.event({ type: "validated", digest: effect.digest, verdict: "valid" });
      }
    }
  }

  sign(effect: EffectOf<"sign">): void {
    const key = publicKeyOf(this.#options.self ?? -1);
    const signatures = effect.statements.map((statement) => fakeSignature(key, statement));
    this.event({ type: "signed", id: effect.id, signatures });
  }

  /** A message from a peer, verified as a driver does it. */
  receive(from: number, message: ConsensusMessage): void {
    const needed = signaturesOf(message, this.set, this.state);
    if (!needed.ok) throw new Error(`refused: ${needed.code} ${needed.detail}`);
    for (const { publicKey, message: statement, signature } of needed.signatures) {
      if (!equalBytes(signature, fakeSignature(publicKey, statement))) {
        throw new Error("invalid signature");
      }
    }
    this.event({ type: "message", from, message });
  }

  vote(signer: number, kind: VoteKind, view: number, target?: Target): void {
    const { epoch } = this.state.config;
    this.receive(signer, { type: "vote", body: voteBy(signer, kind, view, target, epoch) });
  }

  certificate(certificate: Certificate, from = this.peers()[0] ?? 0): void {
    this.receive(from, { type: "certificate", body: certificate });
  }

  work(pending = true): void {
    this.event({ type: "work", pending });
  }

  /** Lets the clock reach the running timer of a kind and fires it. */
  fire(kind: TimerKind): void {
    const timer = this.state.timers.get(kind);
    if (timer?.deadlineMs === undefined) throw new Error(`timer ${kind} does not run`);
    this.now = Math.max(this.now, timer.deadlineMs);
    const { view, generation } = timer;
    const { epoch } = this.state.config;
    this.event({ type: "timerFired", timer: { kind, epoch, view, generation } });
  }

  runs(kind: TimerKind): boolean {
    return this.state.timers.get(kind)?.deadlineMs !== undefined;
  }

  clear(): void {
    this.effects = [];
  }

  all<T extends Effect["type"]>(type: T): readonly EffectOf<T>[] {
    return this.effects.filter((effect): effect is EffectOf<T> => effect.type === type);
  }

  /** Bodies of one type of message that went out, sent or broadcast. */
  sent<T extends ConsensusMessage["type"]>(type: T, to?: number): readonly MessageOf<T>[] {
    const messages: ConsensusMessage[] = [];
    for (const effect of this.effects) {
      if (effect.type === "send" && (to === undefined || effect.to === to)) {
        messages.push(effect.message);
      } else if (effect.type === "broadcast" && to === undefined) {
        messages.push(effect.message);
      }
    }
    return (
      messages
        .filter((message) => message.type === type)
        // The tag was compared: this is the body of that variant.
        .map(({ body }) => body as MessageOf<T>)
    );
  }

  /** Own votes that went out, as "kind@view"; a proposal counts as its notarize vote. */
  votesSent(): readonly string[] {
    const votes = this.sent("vote").map(({ kind, view }) => `${kind}@${view}`);
    const proposals = this.sent("proposal").map(({ view }) => `notarize@${view}`);
    return [...proposals, ...votes];
  }

  reports<T extends Report["kind"]>(kind: T): readonly Extract<Report, { kind: T }>[] {
    return this.all("report")
      .map(({ report }) => report)
      .filter((report): report is Extract<Report, { kind: T }> => report.kind === kind);
  }

  /** Notarizes and finalizes a block by the votes of `signers`. */
  finalize(block: TestBlock, signers: readonly number[] = this.peers()): void {
    this.receive(this.peers()[0] ?? 0, {
      type: "certificate",
      body: certificateBy(signers, "finalize", block.view, block.target),
    });
  }
}
