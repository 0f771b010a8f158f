import type { RpcClient } from "../../client/rpc-client.ts";
import type { SignedTransaction } from "../../ledger/envelope.ts";
import { invariant } from "../../primitives/assert.ts";
import type { Parties } from "./parties.ts";

/** Made up, with a right check digit. */
const ISIN = "PK0PIB003015";
/** PKR 100,000 in paisa. */
const DENOMINATION = 10_000_000n;
/** A settlement moves one denomination at 95.6713 and some accrued interest, paisa. */
const CLEAN = 9_567_130n;
const ACCRUED = 23_204n;
/** Denominations and coins that every account starts with: it may deliver often in a row. */
const HOLDING = 1_000n;
const COINS = 3n * HOLDING * DENOMINATION;
const MANDATE = "MANDATE/BENCH/1";
/** PKR per USD times 10^4, illustrative. */
const FX_RATE_E4 = 2_815_000;

const CUSTODIANS = ["CUSTODIAN-A", "CUSTODIAN-B"] as const;
type Custodian = (typeof CUSTODIANS)[number];

const OWN = {
  investor: undefined,
  parent: undefined,
  ownership: "OWN",
  window: "CONVENTIONAL",
} as const;

/** What is settled: DvP with two signatures, coin transfers with one, or both in turn. */
export const MIXES = ["dvp", "transfer", "half"] as const;
export type Mix = (typeof MIXES)[number];

/** Signatures of one transaction of each mix, on average. */
export const SIGNATURES: Readonly<Record<Mix, number>> = { dvp: 2, transfer: 1, half: 1.5 };

/**
 * Two custodians with `accounts` securities and coin accounts each, all of them filled, and one
 * bond with a maturity far off. Everything is set up through the public RPC.
 */
export class Market {
  readonly #accounts: number;
  #next = 0;
  /** Ids of the primary settlements of the set-up: the ledger counts them as well. */
  readonly primaryTxIds: readonly string[];

  private constructor(accounts: number, primaryTxIds: readonly string[]) {
    this.#accounts = accounts;
    this.primaryTxIds = primaryTxIds;
  }

  static async open(client: RpcClient, parties: Parties, accounts: number): Promise<Market> {
    invariant(accounts >= 1, "custodians have accounts");
    await openAccounts(client, parties, accounts);
    await issueBond(client, parties, accounts);
    const places = CUSTODIANS.flatMap((custodian) =>
      Array.from({ length: accounts }, (_, i) => ({ custodian, i })),
    );
    await Promise.all(
      places.map(({ custodian, i }) =>
        parties.settle(client, ["SBP"], "mint-cbdc", {
          account: cashOf(custodian, i),
          amount: COINS,
          reserveRef: `RESERVE/${custodian}/${i}`,
        }),
      ),
    );
    const primaryTxIds = await Promise.all(
      places.map(({ custodian, i }) =>
        parties.settle(client, [custodian, "SBP"], "settle-dvp", {
          settlementRef: `PRIMARY-${custodian}-${i}`,
          isin: ISIN,
          face: HOLDING * DENOMINATION,
          delivererAccount: "SBP-ISSUANCE",
          receiverAccount: securitiesOf(custodian, i),
          payerCashAccount: cashOf(custodian, i),
          payeeCashAccount: "FINDIV-CASH",
          cleanAmount: HOLDING * CLEAN,
          accruedInterest: HOLDING * ACCRUED,
        }),
      ),
    );
    return new Market(accounts, primaryTxIds);
  }

  /** The next transactions of the run, signed. */
  take(
    parties: Parties,
    count: number,
    mix: Mix,
    expiresAtHeight: number,
  ): readonly SignedTransaction[] {
    const first = this.#next;
    this.#next += count;
    return Array.from({ length: count }, (_, i) => {
      const n = first + i;
      const isTransfer = mix === "transfer" || (mix === "half" && n % 2 === 1);
      return isTransfer
        ? this.#transfer(parties, n, expiresAtHeight)
        : this.#settlement(parties, n, expiresAtHeight);
    });
  }

  /** Coins from one custodian to the other; they take turns. */
  #transfer(parties: Parties, n: number, expiresAtHeight: number): SignedTransaction {
    const round = Math.floor(n / this.#accounts);
    const own = n % this.#accounts;
    const [from, to] = round % 2 === 0 ? CUSTODIANS : ([CUSTODIANS[1], CUSTODIANS[0]] as const);
    const payload = {
      fromAccount: cashOf(from, own),
      toAccount: cashOf(to, (own + Math.floor(round / 2)) % this.#accounts),
      amount: CLEAN,
      reference: `BENCH-${n}`,
    };
    return parties.prepare([from], "transfer-cbdc", payload, expiresAtHeight);
  }

  /**
   * The DvP of place `n` in the run. The custodians take turns as seller round by round, so
   * balances stay near where they began however long a run is.
   */
  #settlement(parties: Parties, n: number, expiresAtHeight: number): SignedTransaction {
    const round = Math.floor(n / this.#accounts);
    const own = n % this.#accounts;
    const other = (own + Math.floor(round / 2)) % this.#accounts;
    const forward = round % 2 === 0;
    const [seller, buyer] = forward ? CUSTODIANS : CUSTODIANS.toReversed();
    invariant(seller !== undefined && buyer !== undefined, "there are two custodians");
    const [sellersPlace, buyersPlace] = forward ? [own, other] : [other, own];
    const payload = {
      settlementRef: `BENCH-${n}`,
      isin: ISIN,
      face: DENOMINATION,
      delivererAccount: securitiesOf(seller, sellersPlace),
      receiverAccount: securitiesOf(buyer, buyersPlace),
      payerCashAccount: cashOf(buyer, buyersPlace),
      payeeCashAccount: cashOf(seller, sellersPlace),
      cleanAmount: CLEAN,
      accruedInterest: ACCRUED,
    };
    return parties.prepare([buyer, seller], "settle-dvp", payload, expiresAtHeight);
  }
}

function securitiesOf(custodian: Custodian, i: number): string {
  return `${custodian}-SGLA-${i}`;
}

function cashOf(custodian: Custodian, i: number): string {
  return `${custodian}-CASH-${i}`;
}

async function openAccounts(client: RpcClient, parties: Parties, count: number): Promise<void> {
  const open = (
    member: string,
    account: string,
    kind: "SGLA" | "CASH_CBDC" | "ISSUANCE",
    signers: readonly [string, string] = ["SBP", member],
  ): Promise<string> => {
    const payload = { account, kind, member, ...OWN };
    return parties.settle(client, signers, "open-account", payload);
  };
  const custodians = CUSTODIANS.flatMap((custodian) =>
    Array.from({ length: count }, (_, i) => [
      open(custodian, securitiesOf(custodian, i), "SGLA"),
      open(custodian, cashOf(custodian, i), "CASH_CBDC"),
    ]),
  );
  await Promise.all([
    open("SBP", "SBP-ISSUANCE", "ISSUANCE", ["SBP", "FINDIV"]),
    open("FINDIV", "FINDIV-CASH", "CASH_CBDC"),
    ...custodians.flat(),
  ]);
}

async function issueBond(client: RpcClient, parties: Parties, accounts: number): Promise<void> {
  const face = HOLDING * DENOMINATION * BigInt(CUSTODIANS.length * accounts);
  await parties.settle(client, ["SBP", "FINDIV"], "register-instrument", {
    isin: ISIN,
    terms: {
      type: "PIB_FIXED",
      body: {
        denomination: DENOMINATION,
        couponRateE4: 70_000,
        couponFrequency: 2,
        issueDate: "2020-08-20",
        maturityDate: "2050-08-20",
        firstCouponDate: "2021-02-20",
        dayCount: "ACT_ACT_ICMA",
      },
    },
  });
  const authorised = { isin: ISIN, face, mandateRef: MANDATE };
  await parties.settle(client, ["FINDIV", "SBP"], "authorise-instrument", authorised);
  const { blockTime } = await client.call("chain.info", {});
  await parties.settle(client, ["SBP"], "record-fx-rate", {
    rateE4: FX_RATE_E4,
    effectiveFromMs: Number(blockTime),
    reference: "ILLUSTRATIVE",
  });
  await parties.settle(client, ["SBP"], "issue", { ...authorised, account: "SBP-ISSUANCE" });
}
