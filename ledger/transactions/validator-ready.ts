import { counter, fixedBytes, hash, type Infer, record } from "../../primitives/codec/schema.ts";
import { verifyOracle } from "../../primitives/ed25519/criterion.ts";
import { type Execution, type Failure, failure } from "../execution.ts";
import { readyStatement } from "../ready-statement.ts";
import type { LedgerState } from "../state/ledger-state.ts";
import { memberId } from "../types.ts";
import { transactionKind } from "./transaction-kind.ts";

const payload = record({
  /** Name of the validator that joins or rotates its keys, and its operator. */
  name: memberId,
  member: memberId,
  epoch: counter,
  /** A block among the checkpoints that its node has applied. */
  height: counter,
  blockDigest: hash,
  /** Ed25519 by the consensus key that will vote, over the statement of ready-statement.ts. */
  signature: fixedBytes(64),
});
type Payload = Infer<typeof payload>;

/**
 * The inner signature is verified here, by the portable criterion: that keeps the ledger a function
 * of the transaction alone. It takes some 1.6 ms, so a block does only a few of them (see
 * MAX_KEY_CHECKS_PER_BLOCK), and only for a change that waits and a checkpoint that fits.
 */
export const validatorReady = transactionKind({
  kind: "validator-ready",
  summary: "Shows that the node of a new validator key follows the chain and may vote.",
  payload,
  signers: [{ by: "member-in", field: "member" }],
  keyPurpose: "TRANSACTION",
  success: "APPLIED",
  failures: [
    "MEMBER_UNKNOWN",
    "CHANGE_UNKNOWN",
    "CHANGE_READY",
    "READY_STALE",
    "KEY_CHECKS_SPENT",
    "READY_SIGNATURE",
  ],
  execute,
});

function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { name, member, epoch, height, blockDigest } = payload;
  const { state } = execution;
  if (state.members.get(member) === undefined) return failure("MEMBER_UNKNOWN", "member");
  const change = state.pendingChanges.find((waiting) => waiting.name === name);
  if (change === undefined || change.action === "REMOVE" || change.member !== member) {
    return failure("CHANGE_UNKNOWN", "name");
  }
  if (change.ready) return failure("CHANGE_READY", "name");
  if (epoch !== state.currentEpoch.epoch) return failure("READY_STALE", "epoch");
  if (!isCheckpoint(state, height, blockDigest)) return failure("READY_STALE", "blockDigest");
  const key =
    change.consensusKey ?? state.validators.find((known) => known.name === name)?.publicKey;
  // Its validator was removed by an epoch that closed since: nothing can come of the change.
  if (key === undefined) return failure("CHANGE_UNKNOWN", "name");
  if (!execution.takeKeyCheck()) return failure("KEY_CHECKS_SPENT", "signature");
  const { chainId } = state.chain;
  const statement = readyStatement({ chainId, epoch, height, blockDigest });
  if (!verifyOracle(key, statement, payload.signature)) {
    return failure("READY_SIGNATURE", "signature");
  }
  const ready = { ...change, ready: true };
  state.validatorChanges.put({
    changes: state.pendingChanges.map((waiting) => (waiting === change ? ready : waiting)),
  });
  execution.emit({ type: "validatorReady", body: { name, member, epoch } });
  return undefined;
}

/** A block of this epoch, or the one that closed the epoch before. */
function isCheckpoint(state: LedgerState, height: number, digest: string): boolean {
  const kept = state.checkpointLists.get("")?.blocks ?? [];
  return (
    height >= state.currentEpoch.startHeight - 1 &&
    kept.some((block) => block.height === height && block.digest === digest)
  );
}
