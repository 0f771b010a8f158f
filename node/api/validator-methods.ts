import { toBase64 } from "../../client/rpc/base64.ts";
import { RpcRefusal } from "../../client/rpc/errors.ts";
import { RPC_LIMITS } from "../../client/rpc/limits.ts";
import type {
  ParamsOf,
  PendingChangeJson,
  ResultOf,
  ValidatorJson,
} from "../../client/rpc/methods.ts";
import type { RegisteredValidator } from "../../consensus/validator-registry.ts";
import { currentEpochOf, pendingChangesOf, setOfHash } from "../../ledger/closing.ts";
import { parametersOf } from "../../ledger/queries.ts";
import { checkpointsTable } from "../../ledger/state/checkpoints.ts";
import type { ValidatorChange } from "../../ledger/state/validator-change.ts";
import { epochId, epochTable } from "../../ledger/state/validator-set.ts";
import { faultBoundOf, quorumOf, totalWeight } from "../../ledger/validator-rules.ts";
import { toHex } from "../../primitives/bytes.ts";
import type { CallContext } from "./call-context.ts";

export function getValidators(
  context: CallContext,
  params: ParamsOf<"chain.validators">,
): ResultOf<"chain.validators"> {
  const { head, reader } = context.ports.state.atHead();
  const current = currentEpochOf(reader);
  const wanted = params.epoch === undefined ? current.epoch : Number(params.epoch);
  const epoch = epochTable.read(reader, epochId(wanted));
  if (epoch === undefined) throw new RpcRefusal("NOT_FOUND", { field: "epoch" });
  const members = setOfHash(reader, epoch.setHash);
  const total = totalWeight(members);
  const isCurrent = epoch.epoch === current.epoch;
  const checkpoint = checkpointsTable.read(reader, "")?.blocks.at(-1);
  return {
    height: String(head.height),
    epoch: String(epoch.epoch),
    startHeight: String(epoch.startHeight),
    epochLengthBlocks: String(parametersOf(reader).epochLengthBlocks),
    setHash: epoch.setHash,
    validators: members.map(validatorJson),
    totalWeight: total,
    quorum: quorumOf(total),
    faultBound: faultBoundOf(total),
    pending: isCurrent ? pendingChangesOf(reader).map(changeJson) : [],
    ...(isCurrent && checkpoint !== undefined
      ? { checkpoint: { height: String(checkpoint.height), digest: checkpoint.digest } }
      : {}),
  };
}

export function getEpochs(
  context: CallContext,
  params: ParamsOf<"chain.epochs">,
): ResultOf<"chain.epochs"> {
  const { reader } = context.ports.state.atHead();
  const from = Number(params.from ?? "0");
  const limit = params.limit ?? RPC_LIMITS.maxEpochEnds;
  const ends = context.ports.chain.epochEnds(from, limit);
  return {
    epoch: String(currentEpochOf(reader).epoch),
    ends: ends.map(({ epoch, header, finalization, validators }) => ({
      epoch: String(epoch),
      header: toBase64(header),
      commit: toBase64(finalization),
      validators: validators.map(validatorJson),
    })),
  };
}

function validatorJson(validator: RegisteredValidator): ValidatorJson {
  const { name, member, weight, publicKey, networkKey } = validator;
  const keys = { consensusKey: toHex(publicKey), networkKey: toHex(networkKey) };
  return { name, member, weight, ...keys };
}

function changeJson(change: ValidatorChange): PendingChangeJson {
  const { action, name, member, weight, consensusKey, networkKey } = change;
  const { timing, ready, height, txId } = change;
  return {
    action,
    name,
    member,
    ...(weight === undefined ? {} : { weight }),
    ...(consensusKey === undefined ? {} : { consensusKey: toHex(consensusKey) }),
    ...(networkKey === undefined ? {} : { networkKey: toHex(networkKey) }),
    timing,
    ready,
    height: String(height),
    txId,
  };
}
