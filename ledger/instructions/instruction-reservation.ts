import { invariant } from "../../primitives/assert.ts";
import { claimedBy, release, reserve } from "../claims.ts";
import type { Execution, Failure } from "../execution.ts";
import type { Instruction } from "./instruction-record.ts";

/** The claim under which an instruction's own side sets units aside; nothing for a free receipt. */
export function outgoingOf({ movement, account, asset, cash }: Instruction) {
  if (movement === "DELI") return { account, asset };
  return cash === undefined ? undefined : { account: cash.account, asset: cash.asset };
}

/** Gives back what is set aside for an instruction; gives how much that was. */
export function releaseReserved(execution: Execution, instruction: Instruction): bigint {
  const outgoing = instruction.reserves ? outgoingOf(instruction) : undefined;
  if (outgoing === undefined) return 0n;
  const claim = { ...outgoing, holder: instruction.id, field: "instruction" };
  const amount = claimedBy(execution, "RESERVED", claim);
  if (amount === 0n) return 0n;
  const failed = release(execution, { ...claim, amount });
  invariant(failed === undefined, `what is reserved for ${instruction.id} can be released`);
  return amount;
}

/** Sets aside what an instruction's own side still has to give. Fails for want of units. */
export function reserveFor(
  execution: Execution,
  instruction: Instruction,
  amount: bigint,
): Failure | undefined {
  const outgoing = outgoingOf(instruction);
  if (outgoing === undefined || amount === 0n) return undefined;
  const field = instruction.movement === "DELI" ? "account" : "cash.account";
  return reserve(execution, { ...outgoing, holder: instruction.id, amount, field });
}
