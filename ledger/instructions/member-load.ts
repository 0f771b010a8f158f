import { type Infer, record, uint } from "../../primitives/codec/schema.ts";
import type { LedgerState } from "../state/ledger-state.ts";
import { Table } from "../state/table.ts";
import { memberId } from "../types.ts";

/**
 * Instructions that one member may have alive: a quarter of what the queues hold, so that no member
 * fills them alone.
 */
export const MAX_LIVE_PER_MEMBER = 16_384;

/** How many instructions of a member are alive; without any there is no record. */
const schema = record({ member: memberId, live: uint(MAX_LIVE_PER_MEMBER) });
export type MemberLoad = Infer<typeof schema>;

export const memberLoadTable = new Table<MemberLoad>({
  name: "instruction-load",
  schema,
  idOf: ({ member }) => member,
  remember: true,
});

/** Counts a new instruction; false when the member has as many as it may. */
export function addLoad(state: LedgerState, member: string): boolean {
  const loads = state.of(memberLoadTable);
  const live = loads.get(member)?.live ?? 0;
  if (live >= MAX_LIVE_PER_MEMBER) return false;
  loads.put({ member, live: live + 1 });
  return true;
}

/** One of the member's instructions has become final. */
export function dropLoad(state: LedgerState, member: string): void {
  const loads = state.of(memberLoadTable);
  const live = loads.get(member)?.live ?? 0;
  if (live <= 1) loads.remove(member);
  else loads.put({ member, live: live - 1 });
}
