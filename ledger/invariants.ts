import { invariant } from "../primitives/assert.ts";
import {
  type LedgerEvent,
  type Posting,
  type PostingReason,
  type SettlementFinal,
  supplyReasons,
} from "./events.ts";
import type {
  InstructionPartlySettled,
  InstructionSettled,
} from "./instructions/instruction-events.ts";
import { type Balance, balanceId } from "./state/balance.ts";
import { type Claim, type ClaimPart, claimTable } from "./state/claim.ts";
import type { LedgerState } from "./state/ledger-state.ts";
import type { Programme } from "./state/programme.ts";
import { type ProgrammeRelease, programmeReleaseTable } from "./state/programme-release.ts";
import type { RecordChange } from "./state/record-cache.ts";
import { outstandingOf, type Supply } from "./state/supply.ts";
import type { Tranche } from "./state/tranche.ts";
import { CBDC, isCash } from "./types.ts";

/**
 * The accounting identities that hold after every block. They are checked by induction: they hold
 * for the genesis, and each block's changes keep them. The events of the block are a second,
 * independent record of what moved, and the two must agree.
 *
 * I1 per asset, the sum of all totals is issued - redeemed; and the postings of an account are
 *    exactly the change of its balance.
 * I2 no part of a balance is below zero, and the total is the sum of the parts.
 * I3 issued <= authorised and redeemed <= issued per asset; the programme's use is at most its cap
 *    and the sum of its tranches' US cents less what redemptions gave back; the face of an asset's
 *    tranches is what was issued.
 * I4 in a settlement, debits equal credits per asset, and both legs move in full.
 * I5 what is reserved, pledged and blocked on a balance is the sum of the live claims for it.
 *
 * Rooms add their own through room-checks/registry.ts.
 */
export interface BlockChanges {
  readonly balances: readonly RecordChange<Balance>[];
  readonly supplies: readonly RecordChange<Supply>[];
  readonly programmes: readonly RecordChange<Programme>[];
  readonly tranches: readonly RecordChange<Tranche>[];
  readonly releases: readonly RecordChange<ProgrammeRelease>[];
  readonly claims: readonly RecordChange<Claim>[];
  /** Events of each executed transaction and of each item of a block step. */
  readonly events: readonly (readonly LedgerEvent[])[];
}

/** What the block changed, as far as the invariants speak of it. */
export function changesOf(
  state: LedgerState,
  events: readonly (readonly LedgerEvent[])[],
): BlockChanges {
  return {
    balances: state.balances.changed(),
    supplies: state.supplies.changed(),
    programmes: state.programmes.changed(),
    tranches: state.tranches.changed(),
    releases: state.of(programmeReleaseTable).changed(),
    claims: state.of(claimTable).changed(),
    events,
  };
}

/** Throws InvariantError: the node must stop. */
export function assertBlockInvariants(changes: BlockChanges): void {
  for (const { after } of changes.balances) if (after !== undefined) assertBalance(after);
  assertConservation(changes);
  assertPostingsMatchBalances(changes);
  for (const { after } of changes.supplies) if (after !== undefined) assertSupply(after);
  for (const { after } of changes.programmes) if (after !== undefined) assertProgramme(after);
  assertTranches(changes);
  for (const events of changes.events) assertSettlements(events);
  assertClaims(changes);
}

/** I2. */
export function assertBalance(balance: Balance): void {
  const { account, asset, total, available, reserved, pledged, blocked } = balance;
  const parts = [available, reserved, pledged, blocked];
  const id = balanceId(account, asset);
  invariant(
    parts.every((part) => part >= 0n),
    `I2: no part of ${id} is below zero`,
  );
  invariant(
    total === available + reserved + pledged + blocked,
    `I2: the total of ${id} is the sum of its parts`,
  );
  invariant(total > 0n, `I2: ${id} has no record when it is empty`);
}

/** I3 for one asset. */
export function assertSupply(supply: Supply): void {
  const { asset, authorised, issued, redeemed } = supply;
  invariant((authorised === undefined) === isCash(asset), `I3: ${asset} has an authorised face`);
  invariant(authorised === undefined || issued <= authorised, `I3: ${asset} issued <= authorised`);
  invariant(redeemed <= issued, `I3: ${asset} redeemed <= issued`);
}

/** I3 for the programme. */
export function assertProgramme({ usedUsdCents, capUsdCents }: Programme): void {
  invariant(usedUsdCents <= capUsdCents, "I3: the programme's use is at most its cap");
}

/** Sums by key; a sum of zero leaves no entry, so that an empty map means that all agree. */
export class Sums {
  readonly #sums = new Map<string, bigint>();

  add(key: string, value: bigint): void {
    const sum = (this.#sums.get(key) ?? 0n) + value;
    if (sum === 0n) this.#sums.delete(key);
    else this.#sums.set(key, sum);
  }

  assertZero(law: string): void {
    for (const [key, sum] of this.#sums) invariant(false, `${law}: ${key} is off by ${sum}`);
  }
}

/** I1: balances move with supply. */
function assertConservation({ balances, supplies }: BlockChanges): void {
  const sums = new Sums();
  for (const { before, after } of balances) {
    if (before !== undefined) sums.add(before.asset, -before.total);
    if (after !== undefined) sums.add(after.asset, after.total);
  }
  for (const { before, after } of supplies) {
    if (before !== undefined) sums.add(before.asset, outstandingOf(before));
    if (after !== undefined) sums.add(after.asset, -outstandingOf(after));
  }
  sums.assertZero("I1: the sum of all totals is issued - redeemed");
}

/** I1: statements add up to balances. */
function assertPostingsMatchBalances({ balances, events }: BlockChanges): void {
  const sums = new Sums();
  for (const { id, before, after } of balances) {
    sums.add(id, (before?.total ?? 0n) - (after?.total ?? 0n));
  }
  for (const list of events) {
    for (const event of list) {
      if (event.type !== "posting") continue;
      const { account, asset } = event.body;
      sums.add(balanceId(account, asset), signedAmount(event.body));
    }
  }
  sums.assertZero("I1: postings are the change of the balance");
}

function signedAmount({ direction, amount }: Posting): bigint {
  return direction === "CREDIT" ? amount : -amount;
}

/** I3: tranches account for what was issued and for what the programme has used. */
function assertTranches({ tranches, supplies, programmes, releases }: BlockChanges): void {
  const sums = new Sums();
  for (const { before, after } of tranches) {
    invariant(before === undefined || after === undefined, "I3: a tranche is written once");
    for (const [tranche, sign] of [[before, -1n] as const, [after, 1n] as const]) {
      if (tranche === undefined) continue;
      sums.add("programme", sign * tranche.usdCents);
      sums.add(tranche.isin, sign * tranche.face);
    }
  }
  for (const { before, after } of releases) {
    const [was, is] = [before?.releasedUsdCents ?? 0n, after?.releasedUsdCents ?? 0n];
    invariant(is >= was, "I3: what the programme got back is not taken again");
    sums.add("programme", was - is);
  }
  for (const { before, after } of programmes) {
    sums.add("programme", (before?.usedUsdCents ?? 0n) - (after?.usedUsdCents ?? 0n));
  }
  for (const { before, after } of supplies) {
    const asset = after?.asset ?? before?.asset ?? "";
    if (!isCash(asset)) sums.add(asset, (before?.issued ?? 0n) - (after?.issued ?? 0n));
  }
  sums.assertZero("I3: tranches are what was issued and used");
}

/** I4 over the events of one transaction. */
export function assertSettlements(events: readonly LedgerEvent[]): void {
  const moved = new Sums();
  const legs = new Sums();
  for (const event of events) {
    if (event.type === "posting") {
      const { account, asset, reason, direction, amount } = event.body;
      if (!supplyReasons.has(reason)) moved.add(asset, signedAmount(event.body));
      if (isLeg(reason)) legs.add(`${direction} ${account} ${asset}`, amount);
    } else if (event.type === "settlementFinal") {
      subtractLegs(legs, event.body);
    } else if (
      (event.type === "instructionSettled" || event.type === "instructionPartlySettled") &&
      // The receiver's confirmation tells of the same two legs.
      event.body.movement === "DELI"
    ) {
      subtractInstructed(legs, event.body);
    }
  }
  moved.assertZero("I4: debits equal credits");
  legs.assertZero("I4: both legs move in full");
}

/** Reasons of postings that a settlement accounts for. */
function isLeg(reason: PostingReason): boolean {
  return reason.startsWith("DVP_") || reason.startsWith("INSTRUCTED_");
}

function subtractInstructed(
  legs: Sums,
  settled: InstructionSettled | InstructionPartlySettled,
): void {
  const { asset, quantity, cashAsset, cashAmount } = settled;
  legs.add(`DEBIT ${settled.delivererAccount} ${asset}`, -quantity);
  legs.add(`CREDIT ${settled.receiverAccount} ${asset}`, -quantity);
  if (cashAsset === undefined || cashAmount === undefined) return;
  legs.add(`DEBIT ${settled.payerCashAccount ?? ""} ${cashAsset}`, -cashAmount);
  legs.add(`CREDIT ${settled.payeeCashAccount ?? ""} ${cashAsset}`, -cashAmount);
}

function subtractLegs(legs: Sums, settlement: SettlementFinal): void {
  const { isin, face, cleanAmount, accruedInterest } = settlement;
  const cash = cleanAmount + accruedInterest;
  legs.add(`DEBIT ${settlement.delivererAccount} ${isin}`, -face);
  legs.add(`CREDIT ${settlement.receiverAccount} ${isin}`, -face);
  legs.add(`DEBIT ${settlement.payerCashAccount} ${CBDC}`, -cash);
  legs.add(`CREDIT ${settlement.payeeCashAccount} ${CBDC}`, -cash);
}

/** I5. */
function assertClaims({ balances, claims }: BlockChanges): void {
  if (claims.length === 0 && balances.every(sameClaims)) return;
  const sums = new Sums();
  for (const { before, after } of balances) {
    if (before !== undefined) addParts(sums, before, -1n);
    if (after !== undefined) addParts(sums, after, 1n);
  }
  for (const { before, after } of claims) {
    if (before !== undefined) addClaim(sums, before, 1n);
    if (after !== undefined) addClaim(sums, after, -1n);
  }
  sums.assertZero(CLAIMS_LAW);
}

export const CLAIMS_LAW = "I5: each part of a balance is the sum of its live claims";

/** Most balances of a block: only what is available has moved. */
function sameClaims({ before, after }: RecordChange<Balance>): boolean {
  return (
    (before?.reserved ?? 0n) === (after?.reserved ?? 0n) &&
    (before?.pledged ?? 0n) === (after?.pledged ?? 0n) &&
    (before?.blocked ?? 0n) === (after?.blocked ?? 0n)
  );
}

export function addParts(sums: Sums, balance: Balance, sign: bigint): void {
  const add = (part: ClaimPart, value: bigint): void => {
    sums.add(`${part} ${balance.account}/${balance.asset}`, sign * value);
  };
  add("RESERVED", balance.reserved);
  add("PLEDGED", balance.pledged);
  add("BLOCKED", balance.blocked);
}

export function addClaim(sums: Sums, claim: Claim, sign: bigint): void {
  sums.add(`${claim.part} ${claim.account}/${claim.asset}`, sign * claim.amount);
}
