import type { RecordSchema } from "../../primitives/codec/schema.ts";
import type { Execution, Failure } from "../execution.ts";
import type { FailureCode, SuccessCode } from "../outcome.ts";
import type { KeyPurpose, Role } from "../types.ts";

/** Names of the payload's fields that hold text. */
export type TextField<P> = {
  [F in keyof P]: P[F] extends string ? F : never;
}[keyof P] &
  string;

/** Restricts a rule to payloads whose field holds one of these values. */
export interface Condition<P> {
  readonly field: TextField<P>;
  readonly in: readonly string[];
}

/**
 * One signature that a transaction needs, as data: the permission matrix is printed from it.
 * role: of any member with that role. operator-of: of the member that operates the account named
 * in the field (an account that does not exist asks for nobody: execution then fails with
 * ACCOUNT_UNKNOWN). member-in: of the member named in the field.
 * The member in the envelope always signs as well, since its client reference is consumed.
 */
export type SignerRule<P> = (
  | { readonly by: "role"; readonly role: Role }
  | { readonly by: "operator-of"; readonly field: TextField<P> }
  | { readonly by: "member-in"; readonly field: TextField<P> }
) & { readonly when?: Condition<P> };

/** Everything there is to know about one kind of transaction. */
export interface TransactionKind<K extends string, P> {
  readonly kind: K;
  /** One sentence for the manual and for `tx inspect`. */
  readonly summary: string;
  readonly payload: RecordSchema<P>;
  readonly signers: readonly SignerRule<P>[];
  /** Which of a member's keys may sign it. */
  readonly keyPurpose: KeyPurpose;
  readonly success: SuccessCode;
  /** Every code that `execute` can give, in the order in which the checks are made. */
  readonly failures: readonly FailureCode[];
  /** Checks, then writes. What it wrote before a failure is undone by the caller. */
  execute(payload: P, execution: Execution): Failure | undefined;
}

/** Keeps the literal name and the payload type of a definition. */
export function transactionKind<const K extends string, P>(
  definition: TransactionKind<K, P>,
): TransactionKind<K, P> {
  return definition;
}
