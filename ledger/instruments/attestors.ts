import { type Failure, failure } from "../execution.ts";
import type { LedgerState } from "../state/ledger-state.ts";

interface Attestors {
  readonly attestorA: string;
  readonly attestorB: string;
}

/** What else a transaction of attestors names, and what is wrong with it. */
export interface NamedPlaces {
  readonly missing?: Failure;
  readonly wrongKind?: Failure | undefined;
  readonly wrongType?: Failure | undefined;
}

/**
 * Two different members of role ATTESTOR: SAME_MEMBER_TWICE, MEMBER_UNKNOWN, what `places` finds
 * missing and of the wrong kind, MEMBER_WRONG_ROLE, and the wrong type of instrument, in that order.
 */
export function checkAttestors(
  state: LedgerState,
  { attestorA, attestorB }: Attestors,
  places: () => NamedPlaces,
): Failure | undefined {
  if (attestorA === attestorB) return failure("SAME_MEMBER_TWICE", "attestorB");
  const named = [
    ["attestorA", state.members.get(attestorA)],
    ["attestorB", state.members.get(attestorB)],
  ] as const;
  const unknown = named.find(([, member]) => member === undefined);
  if (unknown !== undefined) return failure("MEMBER_UNKNOWN", unknown[0]);
  const { missing, wrongKind, wrongType } = places();
  if (missing !== undefined) return missing;
  if (wrongKind !== undefined) return wrongKind;
  const other = named.find(([, member]) => member?.roles.includes("ATTESTOR") !== true);
  return other === undefined ? wrongType : failure("MEMBER_WRONG_ROLE", other[0]);
}
