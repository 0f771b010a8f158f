import { toHex } from "../../primitives/bytes.ts";
import {
  fixedBytes,
  type Infer,
  oneOf,
  optional,
  record,
  uint,
} from "../../primitives/codec/schema.ts";
import { checkRegistrableKey } from "../../primitives/ed25519/criterion.ts";
import { CodedError } from "../../primitives/errors.ts";
import { type Execution, type Failure, failure } from "../execution.ts";
import { MAX_PENDING_CHANGES, MAX_TOTAL_WEIGHT, MAX_VALIDATOR_NUMBER } from "../limits.ts";
import type { keyUses } from "../state/key-use.ts";
import type { LedgerState } from "../state/ledger-state.ts";
import { changeTiming, type ValidatorChange, validatorActions } from "../state/validator-change.ts";
import type { Validator } from "../state/validator-set.ts";
import { memberId } from "../types.ts";
import { changeFault } from "../validator-rules.ts";
import { transactionKind } from "./transaction-kind.ts";

const payload = record({
  /** WITHDRAW takes back a change that still waits. */
  action: oneOf([...validatorActions, "WITHDRAW"]),
  /** Name of the validator. */
  name: memberId,
  /** The member that operates it, or will. */
  member: memberId,
  /** ADMIT: both. ROTATE: one or both. */
  consensusKey: optional(fixedBytes(32)),
  networkKey: optional(fixedBytes(32)),
  /** ADMIT only. */
  weight: optional(uint(MAX_TOTAL_WEIGHT)),
  timing: changeTiming,
});
type Payload = Infer<typeof payload>;

/**
 * The change waits for a closing block; one that brings a key, until that key has said that it is
 * ready. It is checked here as if it were the only one, and once more, together with the others,
 * when the epoch closes.
 */
export const changeValidators = transactionKind({
  kind: "change-validators",
  summary: "Proposes to admit or remove a validator or to rotate its keys, or takes that back.",
  payload,
  signers: [
    { by: "role", role: "SOVEREIGN" },
    { by: "role", role: "CENTRAL_BANK" },
    { by: "member-in", field: "member", when: { field: "action", in: ["ADMIT", "ROTATE"] } },
  ],
  keyPurpose: "GOVERNANCE",
  success: "APPLIED",
  failures: [
    "TERMS_INVALID",
    "MEMBER_UNKNOWN",
    "VALIDATOR_UNKNOWN",
    "CHANGE_UNKNOWN",
    "VALIDATOR_EXISTS",
    "CHANGE_PENDING",
    "VALIDATOR_KEY_USED",
    "VALIDATORS_TOO_FEW",
    "VALIDATORS_TOO_MANY",
    "VALIDATOR_TOO_HEAVY",
    "SOVEREIGN_CONTROL",
    "VALIDATOR_CHURN",
    "LIMIT_REACHED",
    "KEY_CHECKS_SPENT",
    "VALIDATOR_KEY_INVALID",
  ],
  execute,
});

function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { state } = execution;
  const shape = checkShape(payload);
  if (shape !== undefined) return shape;
  if (state.members.get(payload.member) === undefined) return failure("MEMBER_UNKNOWN", "member");
  const { action, name, member } = payload;
  if (action === "WITHDRAW") return withdraw(payload, execution);
  const known = state.validators.find((validator) => validator.name === name);
  const found = checkName(payload, known, state);
  if (found !== undefined) return found;
  for (const field of ["consensusKey", "networkKey"] as const) {
    const key = payload[field];
    if (key !== undefined && state.keyUses.get(toHex(key)) !== undefined) {
      return failure("VALIDATOR_KEY_USED", field);
    }
  }
  const number = payload.networkKey === undefined ? undefined : state.currentEpoch.nextNumber;
  const { consensusKey, networkKey, weight, timing } = payload;
  const change: ValidatorChange = {
    action,
    name,
    member,
    consensusKey,
    networkKey,
    weight,
    number,
    timing,
    ready: action === "REMOVE",
    height: execution.height,
    txId: execution.txId,
  };
  const isOffice = (id: string): boolean => {
    const roles = state.members.get(id)?.roles ?? [];
    return roles.includes("CENTRAL_BANK") || roles.includes("SOVEREIGN");
  };
  const fault = changeFault(state.validators, change, isOffice);
  if (fault !== undefined) return failure(fault, "name");
  const isFull = state.pendingChanges.length >= MAX_PENDING_CHANGES;
  if (isFull || (number ?? 0) > MAX_VALIDATOR_NUMBER) return failure("LIMIT_REACHED", "name");
  return checkKeys(payload, execution) ?? propose(change, execution);
}

/** Which fields an action has. */
function checkShape(payload: Payload): Failure | undefined {
  const { action, consensusKey, networkKey, weight } = payload;
  const isAdmission = action === "ADMIT";
  if (isAdmission ? (weight ?? 0) === 0 : weight !== undefined) {
    return failure("TERMS_INVALID", "weight");
  }
  const keys = [consensusKey, networkKey].filter((key) => key !== undefined).length;
  const needed = isAdmission ? keys === 2 : action === "ROTATE" ? keys > 0 : keys === 0;
  if (!needed)
    return failure("TERMS_INVALID", consensusKey === undefined ? "consensusKey" : "networkKey");
  const isTwice =
    consensusKey !== undefined &&
    networkKey !== undefined &&
    toHex(consensusKey) === toHex(networkKey);
  return isTwice ? failure("TERMS_INVALID", "networkKey") : undefined;
}

function checkName(
  { action, name, member }: Payload,
  known: Validator | undefined,
  state: LedgerState,
): Failure | undefined {
  if (action !== "ADMIT") {
    if (known === undefined) return failure("VALIDATOR_UNKNOWN", "name");
    if (known.member !== member) return failure("VALIDATOR_UNKNOWN", "member");
  } else if (known !== undefined) {
    return failure("VALIDATOR_EXISTS", "name");
  }
  const isPending = state.pendingChanges.some((change) => change.name === name);
  return isPending ? failure("CHANGE_PENDING", "name") : undefined;
}

function withdraw({ name, member }: Payload, execution: Execution): Failure | undefined {
  const { state } = execution;
  const change = state.pendingChanges.find((waiting) => waiting.name === name);
  if (change?.member !== member) return failure("CHANGE_UNKNOWN", "name");
  state.validatorChanges.put({
    changes: state.pendingChanges.filter((waiting) => waiting !== change),
  });
  execution.emit({
    type: "validatorChangeWithdrawn",
    body: { action: change.action, name, member },
  });
  return undefined;
}

function checkKeys(payload: Payload, execution: Execution): Failure | undefined {
  for (const field of ["consensusKey", "networkKey"] as const) {
    const key = payload[field];
    if (key === undefined) continue;
    if (!execution.takeKeyCheck()) return failure("KEY_CHECKS_SPENT", field);
    try {
      checkRegistrableKey(key);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      return failure("VALIDATOR_KEY_INVALID", field);
    }
  }
  return undefined;
}

function propose(change: ValidatorChange, execution: Execution): undefined {
  const { state } = execution;
  const { action, name, member, consensusKey, networkKey, number, timing } = change;
  const register = (key: Uint8Array | undefined, use: (typeof keyUses)[number]): void => {
    if (key !== undefined) state.keyUses.put({ publicKey: key, use, holder: name });
  };
  register(consensusKey, "CONSENSUS");
  register(networkKey, "NETWORK");
  if (number !== undefined) {
    state.currentEpochs.put({ ...state.currentEpoch, nextNumber: number + 1 });
  }
  state.validatorChanges.put({ changes: [...state.pendingChanges, change] });
  execution.emit({ type: "validatorChangeProposed", body: { action, name, member, timing } });
  return undefined;
}
