import type { RpcClient } from "../../client/rpc-client.ts";
import { sign, transactionBytes } from "../../client/signing.ts";
import { TransactionBuilder } from "../../client/transaction-builder.ts";
import { submitAndWait } from "../../client/wait.ts";
import type { Kind, Payloads } from "../../ledger/transactions/kinds.ts";
import { CBDC } from "../../ledger/types.ts";
import { MEMBER_KEY_ID } from "../../node/local-network/institutions.ts";
import type { LocalNetwork } from "../../node/local-network/network-files.ts";
import type { Signer } from "../../primitives/ed25519/signer.ts";
import { CodedError } from "../../primitives/errors.ts";
import { readPassphrase, unlockKeyFile } from "../../primitives/keystore.ts";
import { nativeSigner } from "../../primitives/native/sodium.ts";
import { type Balances, balanceKey } from "./oracle.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { JournalEntry, Movement } from "./transaction-journal.ts";

/** Made up, with a right check digit. */
export const BOND = "PK0PIB003015";
/** PKR 100,000 in paisa. */
const DENOMINATION = 10_000_000n;
/** Price and accrued interest of one denomination, paisa; illustrative. */
const CLEAN = 9_567_130n;
const ACCRUED = 23_204n;
/** What each account begins with: a random walk of one unit a step does not get near its end. */
const HOLDING = 1_000n;
const COINS = 3n * HOLDING * DENOMINATION;
const MANDATE = "MANDATE/CHAOS/1";
/** PKR per USD times 10^4, illustrative. */
const FX_RATE_E4 = 2_815_000;
const CUSTODIANS = ["CUSTODIAN-A", "CUSTODIAN-B"] as const;
const ACCOUNTS_EACH = 4;
const SETUP_WAIT_MS = 60_000;
/** Blocks a set-up transaction may wait for. */
const SETUP_EXPIRY = 3_000;
/**
 * Blocks a transaction of the load may wait for: some ten seconds at full speed, so that a run sees
 * transactions expire, and stalls, in which no block is made, use none of it up.
 */
const LOAD_EXPIRY = 100;
/** One transfer in this many asks for more than there is: the ledger must refuse it. */
const OVERDRAFT_ONE_IN = 40;

type Parties = readonly [string, ...string[]];
type Unsent = Omit<JournalEntry, "acknowledgedBy" | "resent">;

/** Two custodians, one bond and coins, and transactions between them that are easy to add up. */
export class ChaosMarket {
  readonly #chainId: string;
  readonly #signers: ReadonlyMap<string, Signer>;
  readonly #random: SeededRandom;
  #made = 0;

  private constructor(chainId: string, signers: ReadonlyMap<string, Signer>, random: SeededRandom) {
    this.#chainId = chainId;
    this.#signers = signers;
    this.#random = random;
  }

  /** Every account that ever holds anything. */
  static accounts(): readonly string[] {
    const own = CUSTODIANS.flatMap((custodian) =>
      Array.from({ length: ACCOUNTS_EACH }, (_, i) => [
        cashOf(custodian, i),
        bondsOf(custodian, i),
      ]),
    );
    return ["SBP-ISSUANCE", "FINDIV-CASH", ...own.flat()];
  }

  static async open(
    network: LocalNetwork,
    client: RpcClient,
    random: SeededRandom,
  ): Promise<ChaosMarket> {
    const passphrase = await readPassphrase({ file: network.passphraseFile });
    const signers = new Map<string, Signer>();
    for (const [id, file] of Object.entries(network.memberKeys)) {
      const { seed } = await unlockKeyFile(file, passphrase, "member");
      signers.set(id, nativeSigner(seed));
    }
    const market = new ChaosMarket(network.chainId, signers, random);
    await market.#setUp(client);
    return market;
  }

  /** The next transaction of the load, with what it will move. */
  next(head: number): Unsent {
    const expiresAtHeight = head + LOAD_EXPIRY;
    return this.#random.unit() < 0.5
      ? this.#settlement(expiresAtHeight)
      : this.#transfer(expiresAtHeight);
  }

  #transfer(expiresAtHeight: number): Unsent {
    const [payer, payee] = this.#random.shuffled(CUSTODIANS);
    const fromAccount = cashOf(payer, this.#place());
    const toAccount = cashOf(payee, this.#place());
    const isOverdraft = this.#random.between(1, OVERDRAFT_ONE_IN) === 1;
    const amount = isOverdraft ? COINS * 1_000n : BigInt(this.#random.between(1, 1_000_000));
    const payload = { fromAccount, toAccount, amount, reference: this.#reference() };
    const made = this.#prepare([required(payer)], "transfer-cbdc", payload, expiresAtHeight);
    const movements = isOverdraft ? [] : moved(CBDC, fromAccount, toAccount, amount);
    return { ...made, movements, expected: isOverdraft ? "INSUFFICIENT_CASH" : "SETTLED" };
  }

  #settlement(expiresAtHeight: number): Unsent {
    const [buyer, seller] = this.#random.shuffled(CUSTODIANS);
    const payload = {
      settlementRef: this.#reference(),
      isin: BOND,
      face: DENOMINATION,
      delivererAccount: bondsOf(seller, this.#place()),
      receiverAccount: bondsOf(buyer, this.#place()),
      payerCashAccount: cashOf(buyer, this.#place()),
      payeeCashAccount: cashOf(seller, this.#place()),
      cleanAmount: CLEAN,
      accruedInterest: ACCRUED,
    };
    const parties = [required(buyer), required(seller)] as const;
    const made = this.#prepare(parties, "settle-dvp", payload, expiresAtHeight);
    const { delivererAccount, receiverAccount, payerCashAccount, payeeCashAccount } = payload;
    const movements = [
      ...moved(BOND, delivererAccount, receiverAccount, DENOMINATION),
      ...moved(CBDC, payerCashAccount, payeeCashAccount, CLEAN + ACCRUED),
    ];
    return { ...made, movements, expected: "SETTLED" };
  }

  #place(): number {
    return this.#random.between(0, ACCOUNTS_EACH - 1);
  }

  #reference(): string {
    this.#made += 1;
    return `CHAOS-${this.#made}`;
  }

  #prepare<K extends Kind>(
    parties: Parties,
    kind: K,
    payload: Payloads[K],
    expiresAtHeight: number,
    clientRef = `C-${this.#made}`,
  ): Omit<Unsent, "movements" | "expected"> {
    const builder = new TransactionBuilder(this.#chainId, parties[0]);
    let transaction = builder.build(kind, payload, { clientRef, expiresAtHeight });
    for (const member of parties) {
      const signer = this.#signers.get(member);
      if (signer === undefined) throw new CodedError("NO_KEY", `no key of ${member} here`);
      transaction = sign(transaction, { member, keyId: MEMBER_KEY_ID, signer });
    }
    return { txId: transaction.txId, kind, bytes: transactionBytes(transaction), expiresAtHeight };
  }

  async #settle<K extends Kind>(
    client: RpcClient,
    parties: Parties,
    kind: K,
    payload: Payloads[K],
  ): Promise<void> {
    this.#made += 1;
    const clientRef = `S-${this.#made}`;
    const { height } = await client.call("chain.info", {});
    const expiresAt = Number(height) + SETUP_EXPIRY;
    const { bytes } = this.#prepare(parties, kind, payload, expiresAt, clientRef);
    const finality = await submitAndWait(client, bytes, { waitMs: SETUP_WAIT_MS });
    const code = finality.status === "committed" ? finality.receipt.outcome.code : finality.status;
    if (code !== "SETTLED" && code !== "APPLIED") {
      throw new CodedError("SETUP_FAILED", `${kind} ended as ${code}`);
    }
  }

  async #setUp(client: RpcClient): Promise<void> {
    const own = {
      investor: undefined,
      parent: undefined,
      ownership: "OWN",
      window: "CONVENTIONAL",
    } as const;
    const open = (
      member: string,
      account: string,
      kind: "SGLA" | "CASH_CBDC" | "ISSUANCE",
      signers: Parties = ["SBP", member],
    ): Promise<void> =>
      this.#settle(client, signers, "open-account", { account, kind, member, ...own });
    const places = CUSTODIANS.flatMap((custodian) =>
      Array.from({ length: ACCOUNTS_EACH }, (_, i) => ({
        custodian,
        cash: cashOf(custodian, i),
        bonds: bondsOf(custodian, i),
      })),
    );
    await Promise.all([
      open("SBP", "SBP-ISSUANCE", "ISSUANCE", ["SBP", "FINDIV"]),
      open("FINDIV", "FINDIV-CASH", "CASH_CBDC"),
      ...places.map(({ custodian, cash }) => open(custodian, cash, "CASH_CBDC")),
      ...places.map(({ custodian, bonds }) => open(custodian, bonds, "SGLA")),
    ]);
    await this.#issueBond(client, BigInt(places.length));
    await Promise.all(
      places.map(async ({ custodian, cash, bonds }) => {
        const reserveRef = `RESERVE/${cash}`;
        await this.#settle(client, ["SBP"], "mint-cbdc", {
          account: cash,
          amount: COINS,
          reserveRef,
        });
        await this.#settle(client, [custodian, "SBP"], "settle-dvp", {
          settlementRef: `PRIMARY-${bonds}`,
          isin: BOND,
          face: HOLDING * DENOMINATION,
          delivererAccount: "SBP-ISSUANCE",
          receiverAccount: bonds,
          payerCashAccount: cash,
          payeeCashAccount: "FINDIV-CASH",
          cleanAmount: HOLDING * CLEAN,
          accruedInterest: HOLDING * ACCRUED,
        });
      }),
    );
  }

  async #issueBond(client: RpcClient, places: bigint): Promise<void> {
    await this.#settle(client, ["SBP", "FINDIV"], "register-instrument", {
      isin: BOND,
      terms: {
        type: "PIB_FIXED",
        body: {
          denomination: DENOMINATION,
          couponRateE4: 70_000,
          couponFrequency: 2,
          issueDate: "2020-08-20",
          maturityDate: "2120-08-20",
          firstCouponDate: "2021-02-20",
          dayCount: "ACT_ACT_ICMA",
        },
      },
    });
    const authorised = { isin: BOND, face: HOLDING * DENOMINATION * places, mandateRef: MANDATE };
    await this.#settle(client, ["FINDIV", "SBP"], "authorise-instrument", authorised);
    const { blockTime } = await client.call("chain.info", {});
    await this.#settle(client, ["SBP"], "record-fx-rate", {
      rateE4: FX_RATE_E4,
      effectiveFromMs: Number(blockTime),
      reference: "ILLUSTRATIVE",
    });
    await this.#settle(client, ["SBP"], "issue", { ...authorised, account: "SBP-ISSUANCE" });
  }
}

/** What the ledger must hold after the set-up, whatever a node says. */
export function openingBalances(): Balances {
  const balances = new Map<string, bigint>();
  const price = HOLDING * (CLEAN + ACCRUED);
  for (const custodian of CUSTODIANS) {
    for (let i = 0; i < ACCOUNTS_EACH; i++) {
      balances.set(balanceKey(cashOf(custodian, i), CBDC), COINS - price);
      balances.set(balanceKey(bondsOf(custodian, i), BOND), HOLDING * DENOMINATION);
    }
  }
  const places = BigInt(CUSTODIANS.length * ACCOUNTS_EACH);
  balances.set(balanceKey("FINDIV-CASH", CBDC), places * price);
  return balances;
}

function moved(asset: string, from: string, to: string, amount: bigint): readonly Movement[] {
  return [
    { account: from, asset, change: -amount },
    { account: to, asset, change: amount },
  ];
}

function required(custodian: string | undefined): string {
  if (custodian === undefined) throw new CodedError("NO_CUSTODIAN", "there are two custodians");
  return custodian;
}

function bondsOf(custodian: string | undefined, i: number): string {
  return `${required(custodian)}-SGLA-${i}`;
}

function cashOf(custodian: string | undefined, i: number): string {
  return `${required(custodian)}-CASH-${i}`;
}
