import { invariant, present } from "../../primitives/assert.ts";
import { Sums } from "../invariants.ts";
import type { RoomCheck } from "../room-checks/room-check.ts";
import { claimTable } from "../state/claim.ts";
import { queuePageTable } from "../state/due-queue.ts";
import type { WholeState } from "../whole-state.ts";
import { collateralTermsTable } from "./collateral-terms.ts";
import { creditQueue } from "./intraday-credit.ts";
import { creditHolder, creditTable, mandateTable } from "./intraday-record.ts";
import { lienHolder, lienTable } from "./lien-record.ts";
import { repoHolder, repoTable } from "./repo-record.ts";

/**
 * What is pledged is exactly what liens, open repos by earmark and credits hold. A repo that has
 * ended holds nothing. Every credit that is not overdue waits for the end of its day.
 */
export const collateralCheck: RoomCheck = {
  name: "collateral",
  tables: [collateralTermsTable, lienTable, repoTable, mandateTable, creditTable],
  checkWhole(whole) {
    checkPledges(whole);
    checkCredits(whole);
  },
};

function checkPledges(whole: WholeState): void {
  const sums = new Sums();
  for (const { part, account, asset, holder, amount } of whole.of(claimTable).values) {
    if (part === "PLEDGED") sums.add(`${account}/${asset}/${holder}`, amount);
  }
  for (const { id, account, isin, face } of whole.of(lienTable).values) {
    sums.add(`${account}/${isin}/${lienHolder(id)}`, -face);
  }
  for (const { repo, form, status, lots, giverSecuritiesAccount } of whole.of(repoTable).values) {
    invariant(status === "OPEN" || lots.length === 0, `state: repo ${repo} has ended`);
    if (form !== "EARMARK") continue;
    for (const { isin, face } of lots) {
      sums.add(`${giverSecuritiesAccount}/${isin}/${repoHolder(repo)}`, -face);
    }
  }
  for (const { cashAccount, securitiesAccount, lots } of whole.of(creditTable).values) {
    for (const { isin, face } of lots) {
      sums.add(`${securitiesAccount}/${isin}/${creditHolder(cashAccount)}`, -face);
    }
  }
  sums.assertZero("I5: what is pledged is held by a lien, a repo or a credit");
}

function checkCredits(whole: WholeState): void {
  const queued = new Set<string>();
  for (const { queue, entries } of whole.of(queuePageTable).values) {
    if (queue !== creditQueue.name) continue;
    for (const { id } of entries) queued.add(id);
  }
  let waiting = 0;
  for (const { cashAccount, owed, isOverdue } of whole.of(creditTable).values) {
    invariant(owed > 0n, `state: a credit of ${cashAccount} that is paid has no record`);
    present(whole.of(mandateTable).byId.get(cashAccount), `state: the mandate of ${cashAccount}`);
    invariant(queued.has(cashAccount) === !isOverdue, `state: the credit of ${cashAccount} is due`);
    if (!isOverdue) waiting += 1;
  }
  invariant(waiting === queued.size, "state: what is due is owed");
}
