import { invariant, present } from "../../primitives/assert.ts";
import type { LedgerEvent } from "../events.ts";
import { Sums } from "../invariants.ts";
import type { RoomCheck } from "../room-checks/room-check.ts";
import type { LedgerState } from "../state/ledger-state.ts";
import {
  evidenceHashOf,
  type NetMovement,
  nettingClockTable,
  nettingCycleTable,
} from "./cycle-record.ts";
import { nettingPolicyTable } from "./netting-policy.ts";

/**
 * Cycles are numbered without a gap. The events of a cycle give its hash, and its net vector is what
 * the postings of the same transition add up to.
 */
export const nettingCheck: RoomCheck = {
  name: "netting",
  tables: [nettingPolicyTable, nettingCycleTable, nettingClockTable],
  checkBlock(state, events) {
    for (const group of events) checkEvidence(state, group);
  },
  checkWhole(whole) {
    const cycles = whole.of(nettingCycleTable).byId.size;
    const counted = whole.of(nettingClockTable).byId.get("")?.cycles ?? 0;
    invariant(cycles === counted, "state: every netting cycle is on record");
  },
};

function checkEvidence(state: LedgerState, group: readonly LedgerEvent[]): void {
  const settledCycle = group.find((event) => event.type === "nettingCycleSettled");
  if (settledCycle?.type !== "nettingCycleSettled") return;
  const { number, height, model, evidenceHash } = settledCycle.body;
  const settled: string[] = [];
  const net: NetMovement[] = [];
  const sums = new Sums();
  for (const event of group) {
    if (event.type === "nettingSetPage") settled.push(...event.body.pairs);
    else if (event.type === "nettingVectorPage") net.push(...event.body.movements);
    else if (event.type === "posting") {
      const { account, asset, direction, amount } = event.body;
      sums.add(`${account}/${asset}`, direction === "CREDIT" ? amount : -amount);
    }
  }
  for (const { account, asset, direction, amount } of net) {
    sums.add(`${account}/${asset}`, direction === "IN" ? -amount : amount);
  }
  sums.assertZero("I4: the net vector is what the set moved");
  const hash = evidenceHashOf({ number, height, model, settled, net });
  invariant(hash === evidenceHash, `I4: the events of cycle ${number} give its hash`);
  const id = nettingCycleTable.idOf(settledCycle.body);
  const kept = present(state.of(nettingCycleTable).get(id), `cycle ${number}`);
  invariant(kept.evidenceHash === hash, `I4: cycle ${number} is on record`);
}
