import { invariant } from "../../primitives/assert.ts";
import type { BlockResult } from "../apply-block.ts";
import { businessDateOf } from "../business-date.ts";
import { type LedgerEvent, NO_TRANSACTION } from "../events.ts";
import type { Execution } from "../execution.ts";
import type { Genesis } from "../genesis.ts";
import type { InstrumentTerms } from "../state/instrument.ts";
import { LedgerState } from "../state/ledger-state.ts";
import { cashAccount, openedLedger, sgla, type TestLedger, testGenesis } from "./test-ledger.ts";

const DAY_MS = 24 * 60 * 60 * 1_000;
const both = { signers: ["SBP", "FINDIV"] };

export const MTB_ISIN = "PK0MTB084015";
export const PIB_ISIN = "PK0PIB003015";
export const GIS_ISIN = "PK0GIS005012";

/** The test network with two attestors and a commodity. */
export function attestedGenesis(): Genesis {
  const genesis = testGenesis();
  const [central] = genesis.members;
  invariant(central !== undefined, "the test network has members");
  const attestors = ["ASSAY1", "ASSAY2"].map((id, i) => ({
    ...central,
    id,
    roles: ["ATTESTOR"] as const,
    keys: central.keys.map((key) => ({
      ...key,
      publicKey: key.publicKey.map((byte) => byte ^ (i + 1)),
    })),
  }));
  return { ...genesis, members: [...genesis.members, ...attestors] };
}

/**
 * `openedLedger` with a tax account and the sovereign's cash account as the funding account. It
 * starts on Tuesday, 2025-11-25, at 10:00 in Karachi.
 */
export function servedLedger(genesis?: Genesis): TestLedger {
  const ledger = openedLedger(genesis);
  const tax = { ...cashAccount("TAX", "FINDIV"), kind: "TAX" } as const;
  ledger.mustSend("open-account", tax, both);
  const accounts = { fundingAccount: "CASH-GOV", taxAccount: "TAX" };
  ledger.mustSend("set-service-accounts", accounts, both);
  return ledger;
}

/** Money for an account, out of a reserve that is used once. */
export function mint(ledger: TestLedger, account: string, amount: bigint): void {
  ledger.mustSend("mint-cbdc", { account, amount, reserveRef: `R-${ledger.height}` });
}

/** Registers, authorises and issues to the ISSUANCE account. */
export function issueUnits(
  ledger: TestLedger,
  isin: string,
  terms: InstrumentTerms,
  face: bigint,
): void {
  ledger.mustSend("register-instrument", { isin, terms }, both);
  ledger.mustSend("authorise-instrument", { isin, face, mandateRef: "M" }, both);
  ledger.mustSend("issue", { isin, face, account: "ISS", mandateRef: "M" });
}

/** A sale out of the ISSUANCE account. */
export function sell(
  ledger: TestLedger,
  bank: string,
  sale: { readonly isin: string; readonly face: bigint; readonly cost: bigint },
  account = `SGLA-${bank}`,
): void {
  ledger.mustSend(
    "settle-dvp",
    {
      settlementRef: `S-${ledger.height}`,
      isin: sale.isin,
      face: sale.face,
      delivererAccount: "ISS",
      receiverAccount: account,
      payerCashAccount: `CASH-${bank}`,
      payeeCashAccount: "CASH-GOV",
      cleanAmount: sale.cost,
      accruedInterest: 0n,
    },
    { signers: ["SBP", bank] },
  );
}

/** An investor's account at HBL, under a client SGLA that is opened with the first one. */
export function openInvestorAccount(ledger: TestLedger, account: string, investor: string): void {
  if (!ledger.state.has("account/SGLA-HBL-C")) {
    const client = sgla("SGLA-HBL-C", "HBL", "CLIENT");
    ledger.mustSend("open-account", client, { signers: ["SBP", "HBL"] });
  }
  ledger.mustSend(
    "open-account",
    {
      account,
      kind: "IPS",
      member: "HBL",
      investor,
      parent: "SGLA-HBL-C",
      ownership: "CLIENT",
      window: "CONVENTIONAL",
    },
    { signers: ["HBL"] },
  );
}

/** A block at 10:00 on that day, without transactions. */
export function blockOn(ledger: TestLedger, date: string): BlockResult {
  const days = (Date.parse(`${date}T05:00:00Z`) - ledger.timestampMs) / DAY_MS;
  invariant(days > 0, `${date} lies ahead`);
  return ledger.blockOf([], Math.round(days * DAY_MS));
}

type EventOf<T extends LedgerEvent["type"]> = Extract<LedgerEvent, { readonly type: T }>;

/** The bodies of all events of one type, in their order. */
export function eventsOf<T extends LedgerEvent["type"]>(
  result: BlockResult,
  type: T,
): readonly EventOf<T>["body"][] {
  const found = result.events.map(({ event }) => event).filter((event) => event.type === type);
  const bodies: readonly unknown[] = found.map(({ body }) => body);
  // Each belongs to an event of the type that was asked for.
  return bodies as readonly EventOf<T>["body"][];
}

/** Runs ledger code on the state outside of any block: for what no transaction leads to quickly. */
export function alter(ledger: TestLedger, run: (execution: Execution) => void): void {
  const state = new LedgerState(ledger.state);
  const { height, timestampMs } = ledger;
  run({
    state,
    height,
    timestampMs,
    businessDate: businessDateOf(timestampMs),
    txId: NO_TRANSACTION,
    emit: () => undefined,
    takeKeyCheck: () => false,
  });
  state.commit();
  const changes = state.changes();
  for (const [key, value] of changes) {
    if (value === null) ledger.state.delete(key);
    else ledger.state.set(key, value);
  }
  ledger.tree = ledger.tree.update(changes);
}
