import type { PendingChangeJson, ResultOf } from "../../client/rpc/methods.ts";
import type { Genesis } from "../../ledger/genesis.ts";
import type { FailureCode } from "../../ledger/outcome.ts";
import type { ValidatorChange } from "../../ledger/state/validator-change.ts";
import type { Validator } from "../../ledger/state/validator-set.ts";
import {
  changed,
  churnFits,
  faultBoundOf,
  quorumOf,
  setFault,
  totalWeight,
} from "../../ledger/validator-rules.ts";
import { fromHex, utf8 } from "../../primitives/bytes.ts";
import { CodedError } from "../../primitives/errors.ts";
import { sha256 } from "../../primitives/sha256.ts";

/** A change somebody thinks of. */
export interface Idea {
  readonly action: "ADMIT" | "REMOVE" | "ROTATE";
  readonly name: string;
  /** ADMIT only. */
  readonly member?: string;
  readonly weight?: number;
}

export interface SetFacts {
  readonly validators: readonly {
    readonly name: string;
    readonly member: string;
    weight: number;
  }[];
  readonly totalWeight: number;
  readonly quorum: number;
  /** Weight that may be down or faulty. */
  readonly faultBound: number;
}

export interface PlannedChange {
  readonly action: string;
  readonly name: string;
  /** On the ledger already, or only thought of. */
  readonly proposed: boolean;
  readonly ready: boolean;
  /** Why it would not be applied with the next end of the epoch; undefined if it would. */
  readonly fault: FailureCode | undefined;
}

export interface Plan {
  readonly epoch: string;
  readonly before: SetFacts;
  readonly after: SetFacts;
  readonly changes: readonly PlannedChange[];
  /** Weight, of those who voted before, that votes on: it must reach the quorum while new keys lag. */
  readonly remainingWeight: number;
  /** Validators without any one of which the new set could not decide. */
  readonly indispensable: readonly string[];
}

/** `name:member:weight`, the weight being 1 where it is left out. Throws CodedError. */
export function parseAdmission(text: string): Idea {
  const match = /^([^:]+):([^:]+)(?::([1-9][0-9]{0,8}))?$/.exec(text);
  const [, name, member, weight] = match ?? [];
  if (name === undefined || member === undefined) {
    throw new CodedError("PLAN_FORMAT", `--admit: got ${text}, expected name:member[:weight]`, {
      field: "admit",
      got: text,
    });
  }
  return { action: "ADMIT", name, member, weight: Number(weight ?? "1") };
}

/**
 * What the next end of the epoch would make of the set, if every change that waits and every one
 * that is thought of were ready by then. By the ledger's own rules; nothing is sent.
 */
export function planOf(
  facts: ResultOf<"chain.validators">,
  genesis: Genesis,
  ideas: readonly Idea[],
): Plan {
  const roles = new Map(genesis.members.map((member) => [member.id, member.roles]));
  const isOffice = (member: string): boolean =>
    ["CENTRAL_BANK", "SOVEREIGN"].some((role) => roles.get(member)?.some((held) => held === role));
  const before = facts.validators.map(
    (validator, number): Validator => ({
      number,
      publicKey: fromHex(validator.consensusKey),
      networkKey: fromHex(validator.networkKey),
      weight: validator.weight,
      name: validator.name,
      member: validator.member,
    }),
  );
  const candidates = [
    ...facts.pending.map((change, i) => ({
      proposed: true,
      ready: change.ready,
      change: pendingChange(change, before.length + i),
    })),
    ...ideas.map((idea, i) => ({
      proposed: false,
      ready: idea.action === "REMOVE",
      change: ideaChange(idea, before.length + facts.pending.length + i, before),
    })),
  ];
  let after: readonly Validator[] = before;
  const changes = candidates.map(({ proposed, ready, change }): PlannedChange => {
    const next = changed(after, change);
    const fault = next === undefined ? unknownOf(change) : faultOf(before, next, isOffice);
    if (fault === undefined && next !== undefined) after = next;
    return { action: change.action, name: change.name, proposed, ready, fault };
  });
  const set = factsOf(after);
  return {
    epoch: facts.epoch,
    before: factsOf(before),
    after: set,
    changes,
    remainingWeight: totalWeight(after.filter((validator) => before.includes(validator))),
    indispensable: set.validators
      .filter(({ weight }) => set.totalWeight - weight < set.quorum)
      .map(({ name }) => name),
  };
}

function unknownOf({ action }: ValidatorChange): FailureCode {
  return action === "ADMIT" ? "VALIDATOR_EXISTS" : "VALIDATOR_UNKNOWN";
}

function faultOf(
  before: readonly Validator[],
  next: readonly Validator[],
  isOffice: (member: string) => boolean,
): FailureCode | undefined {
  return setFault(next, isOffice) ?? (churnFits(before, next) ? undefined : "VALIDATOR_CHURN");
}

function factsOf(validators: readonly Validator[]): SetFacts {
  const total = totalWeight(validators);
  return {
    validators: validators.map(({ name, member, weight }) => ({ name, member, weight })),
    totalWeight: total,
    quorum: quorumOf(total),
    faultBound: faultBoundOf(total),
  };
}

function pendingChange(change: PendingChangeJson, number: number): ValidatorChange {
  const { action, consensusKey, networkKey } = change;
  if (action !== "ADMIT" && action !== "REMOVE" && action !== "ROTATE") {
    throw new CodedError("PLAN_FORMAT", `unknown change ${action}`, { got: action });
  }
  return {
    ...bare(action, change.name, change.member),
    consensusKey: consensusKey === undefined ? undefined : fromHex(consensusKey),
    networkKey: networkKey === undefined ? undefined : fromHex(networkKey),
    weight: change.weight,
    number: networkKey === undefined ? undefined : number,
  };
}

function ideaChange(idea: Idea, number: number, before: readonly Validator[]): ValidatorChange {
  const { action, name, weight } = idea;
  const member = idea.member ?? before.find((held) => held.name === name)?.member ?? "";
  const change = bare(action, name, member);
  if (action === "REMOVE") return change;
  // Keys do not exist yet; that they differ from all others is what counts.
  const key = (use: string): Uint8Array => sha256(utf8(`planned ${use} key ${number}`));
  return {
    ...change,
    consensusKey: key("consensus"),
    networkKey: key("network"),
    weight: action === "ADMIT" ? weight : undefined,
    number,
  };
}

function bare(action: Idea["action"], name: string, member: string): ValidatorChange {
  return {
    action,
    name,
    member,
    consensusKey: undefined,
    networkKey: undefined,
    weight: undefined,
    number: undefined,
    timing: "EPOCH_END",
    ready: true,
    height: 0,
    txId: "00".repeat(32),
  };
}
