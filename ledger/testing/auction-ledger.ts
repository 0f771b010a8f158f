import { present } from "../../primitives/assert.ts";
import { utf8 } from "../../primitives/bytes.ts";
import { sha256 } from "../../primitives/sha256.ts";
import type { AuctionTerms } from "../auctions/auction-record.ts";
import { auctionTable } from "../auctions/auction-record.ts";
import {
  type Allotment,
  allotmentTable,
  type Bid,
  type BidContent,
  bidId,
  bidTable,
  commitmentOf,
} from "../auctions/bid-record.ts";
import { type Investor, investorTable } from "../state/investor.ts";
import { openedLedger, PIB, PIB_TERMS, sgla, type TestLedger, testGenesis } from "./test-ledger.ts";

/** A ledger with an announced auction of the test PIB, and bids by short names. */

export const HOUR_MS = 60 * 60 * 1000;
export const MILLION = 100_000_000n;
export const both = { signers: ["SBP", "FINDIV"] };

/** Announced on Tuesday 25 November 2025, settled on Wednesday. */
export function testTerms(ledger: TestLedger, changes: Partial<AuctionTerms> = {}): AuctionTerms {
  return {
    auction: "PIB-3Y-1",
    isin: PIB,
    side: "SALE",
    method: "MULTIPLE_PRICE",
    targetFace: 400n * MILLION,
    step: 50n * MILLION,
    nonCompetitive: {
      capBps: 500,
      maxFace: 500n * MILLION,
      priceDecimals: 4,
      ineligible: ["BANK"],
    },
    commitUntilMs: ledger.timestampMs + HOUR_MS,
    revealUntilMs: ledger.timestampMs + 2 * HOUR_MS,
    settlementDate: "2025-11-26",
    issuanceAccount: "ISS",
    cashAccount: "CASH-GOV",
    mandateRef: "MANDATE-1",
    ...changes,
  };
}

/** HBL and UBL deal; each has PKR 1,000m. PKR 1,000m of the PIB are authorised, none issued. */
export function dealersLedger(): TestLedger {
  const genesis = testGenesis();
  const members = genesis.members.map((member) =>
    member.id === "UBL" ? { ...member, roles: ["CUSTODIAN", "PRIMARY_DEALER"] as const } : member,
  );
  const ledger = openedLedger({ ...genesis, members });
  ledger.mustSend("register-instrument", { isin: PIB, terms: PIB_TERMS }, both);
  const authorisation = { isin: PIB, face: 1_000n * MILLION, mandateRef: "MANDATE-1" };
  ledger.mustSend("authorise-instrument", authorisation, both);
  const clients = sgla("CLIENTS-HBL", "HBL", "CLIENT");
  ledger.mustSend("open-account", clients, { signers: ["SBP", "HBL"] });
  for (const bank of ["HBL", "UBL"]) {
    const mint = { account: `CASH-${bank}`, amount: 1_000n * MILLION, reserveRef: `BIG-${bank}` };
    ledger.mustSend("mint-cbdc", mint);
  }
  return ledger;
}

/** Opens an investor's account under HBL and puts the investor on record. */
export function openInvestor(
  ledger: TestLedger,
  investor: string,
  investorClass: Investor["class"],
): string {
  const account = `IPS-${investor}`;
  const opening = {
    account,
    kind: "IPS",
    member: "HBL",
    investor,
    parent: "CLIENTS-HBL",
    ownership: "CLIENT",
    window: "CONVENTIONAL",
  } as const;
  const record: Investor = {
    id: investor,
    custodian: "HBL",
    kycTier: 3,
    kycExpiry: "2027-01-01",
    residency: "R",
    class: investorClass,
    atl: true,
    scraAccount: undefined,
    nationality: "PK",
    beneficialOwnersHash: undefined,
    pep: false,
    sanctionsListVersion: 1,
    riskScore: 1,
    updatedAtHeight: 0,
  };
  ledger.write(investorTable.entry(record));
  ledger.mustSend("open-account", opening, { signers: ["SBP", "HBL"] });
  return account;
}

/** What a bank offers for its own accounts; in millions, and a price like "95.6713" as 956713. */
export function bankBid(bank: string, millions: number, priceE4: number | undefined): BidContent {
  const face = BigInt(millions) * MILLION;
  return { face, priceE4, securitiesAccount: `SGLA-${bank}`, cashAccount: `CASH-${bank}` };
}

export function saltOf(name: string): Uint8Array {
  return sha256(utf8(`salt ${name}`));
}

export interface NamedBid {
  readonly name: string;
  readonly bidder: string;
  readonly bid: BidContent;
}

export function commitment(ledger: TestLedger, auction: string, named: NamedBid): string {
  const { bidder: member, bid, name } = named;
  return commitmentOf({ chainId: ledger.chainId, auction, member, bid, salt: saltOf(name) });
}

export function commit(ledger: TestLedger, auction: string, named: NamedBid): void {
  const { bidder } = named;
  const payload = { auction, bidder, commitment: commitment(ledger, auction, named) };
  ledger.mustSend("commit-bid", payload, { member: bidder });
}

export function reveal(ledger: TestLedger, auction: string, { name, bidder, bid }: NamedBid) {
  const payload = { auction, bidder, bid, salt: saltOf(name) };
  return ledger.send("reveal-bid", payload, { member: bidder });
}

/** Empty blocks up to a moment. */
export function passTo(ledger: TestLedger, timestampMs: number): void {
  ledger.blockOf([], timestampMs - ledger.timestampMs);
}

/** Announces, commits and opens all bids, and closes: ready for the result. */
export function closedAuction(
  ledger: TestLedger,
  terms: AuctionTerms,
  bids: readonly NamedBid[],
): void {
  ledger.mustSend("announce-auction", terms);
  for (const bid of bids) commit(ledger, terms.auction, bid);
  passTo(ledger, terms.commitUntilMs);
  for (const bid of bids) reveal(ledger, terms.auction, bid);
  passTo(ledger, terms.revealUntilMs);
  ledger.mustSend("close-auction", { auction: terms.auction });
}

export function accept(ledger: TestLedger, auction: string, cutOffE4: number, millions: number) {
  const acceptance = { cutOffE4, competitiveFace: BigInt(millions) * MILLION };
  return ledger.send("auction-result", { auction, acceptance }, both);
}

export function auctionOf(ledger: TestLedger, auction: string) {
  return present(auctionTable.read(ledger.state, auction), `auction ${auction}`);
}

export function bidOf(ledger: TestLedger, auction: string, number: number): Bid {
  return present(bidTable.read(ledger.state, bidId(auction, number)), `bid ${number}`);
}

export function allotmentOf(
  ledger: TestLedger,
  auction: string,
  number: number,
): Allotment | undefined {
  return allotmentTable.read(ledger.state, bidId(auction, number));
}
