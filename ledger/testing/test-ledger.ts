import { invariant, present } from "../../primitives/assert.ts";
import { toHex, utf8 } from "../../primitives/bytes.ts";
import { StateTree } from "../../primitives/merkle/state-tree.ts";
import { sha256 } from "../../primitives/sha256.ts";
import { keysFor } from "../admission.ts";
import { applyBlock, type BlockResult } from "../apply-block.ts";
import type { CheckedTransaction } from "../checked-transaction.ts";
import { buildBody, type SignedTransaction, unsigned, withSignatures } from "../envelope.ts";
import type { EvidenceRecord } from "../evidence.ts";
import { chainIdOf, type Genesis, genesisEntries } from "../genesis.ts";
import type { Receipt } from "../receipt.ts";
import type { Account } from "../state/account.ts";
import { accountTable } from "../state/account.ts";
import { type Kind, kindTable, type Payloads } from "../transactions/kinds.ts";
import type { Role } from "../types.ts";
import { checkWholeState } from "../whole-state.ts";

/** 2025-11-25 10:00 in Karachi. */
export const GENESIS_TIME_MS = 1_764_046_800_000;

/** A made-up ISIN with a proper check digit. */
export const PIB = "PK0PIB003015";
export const OTHER_PIB = "PK0GIS005012";

/** PKR 100,000.00 in paisa. */
export const DENOMINATION = 10_000_000n;

/** A key for tests that verify nothing: any 32 bytes that differ from name to name. */
export function stubKey(name: string): Uint8Array {
  return sha256(utf8(`test key ${name}`));
}

function member(id: string, roles: readonly Role[]) {
  return {
    id,
    name: `${id} of the test network`,
    lei: "5493001KJTIIGC8Y1R12",
    bic: "SBPPPKKA",
    roles,
    jurisdiction: "PK",
    keys: [
      { keyId: "k1", publicKey: stubKey(`${id}/k1`), purpose: "TRANSACTION" as const },
      { keyId: "vote", publicKey: stubKey(`${id}/vote`), purpose: "GOVERNANCE" as const },
    ],
  };
}

/** Central bank, sovereign, and two custodians. Not checked by `genesisProblems`. */
export function testGenesis(changes: Partial<Genesis> = {}): Genesis {
  return {
    version: 1,
    networkName: "test",
    genesisTimeMs: GENESIS_TIME_MS,
    members: [
      member("SBP", ["CENTRAL_BANK"]),
      member("FINDIV", ["SOVEREIGN"]),
      member("HBL", ["CUSTODIAN", "PRIMARY_DEALER"]),
      member("UBL", ["CUSTODIAN"]),
    ],
    validators: [],
    programmeCapUsdCents: 200_000_000_000n,
    parameters: { maxExpiryBlocks: 20, dedupWindowBlocks: 10, epochLengthBlocks: 1_000_000 },
    ...changes,
  };
}

export interface SendOptions {
  readonly member?: string;
  readonly clientRef?: string;
  readonly expiresAtHeight?: number;
  readonly signers?: readonly string[];
  /** Of every signer; by default the one for the purpose of the kind. */
  readonly keyId?: string;
}

/** A chain in memory: blocks are applied one after the other and every state is checked whole. */
export class TestLedger {
  readonly chainId: string;
  readonly state: Map<string, Uint8Array>;
  tree: StateTree;
  height = 0;
  timestampMs = GENESIS_TIME_MS;
  /** Off for benches and long runs. */
  checksWholeState = true;
  /** Goes into the next block. */
  readonly evidence: EvidenceRecord[] = [];
  #references = 0;

  constructor(genesis: Genesis = testGenesis()) {
    this.chainId = chainIdOf(genesis);
    this.state = new Map(genesisEntries(genesis));
    this.tree = StateTree.from(this.state);
  }

  /** A transaction signed with stub signatures; the member signs unless `signers` says otherwise. */
  transaction<K extends Kind>(
    kind: K,
    payload: Payloads[K],
    options: SendOptions = {},
  ): SignedTransaction {
    const member = options.member ?? options.signers?.[0] ?? "SBP";
    this.#references += 1;
    const body = buildBody(
      {
        chainId: this.chainId,
        member,
        clientRef: options.clientRef ?? `ref-${this.#references}`,
        expiresAtHeight: options.expiresAtHeight ?? this.height + 10,
      },
      kind,
      payload,
    );
    const signatures = (options.signers ?? [member]).map((signer) => ({
      member: signer,
      keyId: options.keyId ?? (kindTable[kind].keyPurpose === "GOVERNANCE" ? "vote" : "k1"),
      signature: new Uint8Array(64).fill(7),
    }));
    // A body of one kind is a body.
    return withSignatures(unsigned(body as Parameters<typeof unsigned>[0]), signatures);
  }

  /** As a node would hand it over when every signature verified. */
  checked(transaction: SignedTransaction): CheckedTransaction {
    return {
      transaction,
      byteLength: transaction.bytes.length,
      verifiedKeys: keysFor(transaction, this.state),
    };
  }

  block(...transactions: readonly SignedTransaction[]): BlockResult {
    return this.blockOf(transactions.map((transaction) => this.checked(transaction)));
  }

  blockOf(transactions: readonly CheckedTransaction[], advanceMs = 1_000): BlockResult {
    this.height += 1;
    this.timestampMs += advanceMs;
    const { state, tree, height, timestampMs } = this;
    const result = applyBlock({
      state,
      tree,
      height,
      parentDigest: this.digestAt(height - 1),
      timestampMs,
      transactions,
      evidence: this.evidence.splice(0),
    });
    for (const [key, value] of result.changes) {
      if (value === null) state.delete(key);
      else state.set(key, value);
    }
    this.tree = result.tree;
    if (this.checksWholeState) checkWholeState(state);
    return result;
  }

  /** One transaction in a block of its own: its receipt. */
  send<K extends Kind>(kind: K, payload: Payloads[K], options: SendOptions = {}): Receipt {
    const result = this.block(this.transaction(kind, payload, options));
    return present(result.receipts[0], "receipt");
  }

  /** `send`, and it must succeed. */
  mustSend<K extends Kind>(kind: K, payload: Payloads[K], options: SendOptions = {}): Receipt {
    const receipt = this.send(kind, payload, options);
    const { code } = receipt.outcome;
    invariant(code === "SETTLED" || code === "APPLIED", `${kind} succeeds, not ${code}`);
    return receipt;
  }

  /** A made-up digest for each height; the chain id for the genesis. */
  digestAt(height: number): string {
    return height === 0 ? this.chainId : toHex(sha256(utf8(`block ${height}`)));
  }

  emptyBlocks(count: number): void {
    for (let i = 0; i < count; i++) this.block();
  }

  /** Changes an account behind the ledger's back, for states that no transaction leads to yet. */
  alterAccount(id: string, change: Partial<Account>): void {
    const account = present(accountTable.read(this.state, id), `account ${id}`);
    this.write(accountTable.entry({ ...account, ...change }));
  }

  /** Puts one entry into the state and the tree. */
  write(entry: readonly [string, Uint8Array]): void {
    this.state.set(...entry);
    this.tree = this.tree.update([entry]);
  }
}

export const PIB_TERMS = {
  type: "PIB_FIXED",
  body: {
    denomination: DENOMINATION,
    couponRateE4: 70_000,
    couponFrequency: 2,
    issueDate: "2025-08-20",
    maturityDate: "2028-08-20",
    firstCouponDate: "2026-02-20",
    dayCount: "ACT_ACT_ICMA",
  },
} as const;

function account(
  id: string,
  kind: "SGLA" | "CASH_CBDC" | "ISSUANCE",
  operator: string,
  ownership: "OWN" | "CLIENT" = "OWN",
) {
  return {
    account: id,
    kind,
    member: operator,
    investor: undefined,
    parent: undefined,
    ownership,
    window: "CONVENTIONAL",
  } as const;
}

export function sgla(id: string, operator: string, ownership: "OWN" | "CLIENT" = "OWN") {
  return account(id, "SGLA", operator, ownership);
}

export function cashAccount(id: string, operator: string) {
  return account(id, "CASH_CBDC", operator);
}

export function issuanceAccount(id: string) {
  return account(id, "ISSUANCE", "SBP");
}

/**
 * A ledger with its accounts: HBL holds SGLA-HBL and CASH-HBL with PKR 5,000,000.00, UBL the same,
 * the sovereign CASH-GOV; ISS is the issuance account; the rate is 281.5000.
 */
export function openedLedger(genesis?: Genesis): TestLedger {
  const ledger = new TestLedger(genesis);
  const both = { signers: ["SBP", "FINDIV"] };
  ledger.mustSend("open-account", issuanceAccount("ISS"), both);
  ledger.mustSend("open-account", cashAccount("CASH-GOV", "FINDIV"), both);
  for (const bank of ["HBL", "UBL"]) {
    const signers = ["SBP", bank];
    ledger.mustSend("open-account", sgla(`SGLA-${bank}`, bank), { signers });
    ledger.mustSend("open-account", cashAccount(`CASH-${bank}`, bank), { signers });
    const minted = { account: `CASH-${bank}`, amount: 500_000_000n, reserveRef: `RES-${bank}` };
    ledger.mustSend("mint-cbdc", minted);
  }
  ledger.mustSend("record-fx-rate", {
    rateE4: 2_815_000,
    effectiveFromMs: GENESIS_TIME_MS,
    reference: "SBP/FX/1",
  });
  return ledger;
}

/** An opened ledger ready to settle: PKR 10,000,000.00 of PIB issued to ISS. */
export function readyLedger(genesis?: Genesis): TestLedger {
  const ledger = openedLedger(genesis);
  const both = { signers: ["SBP", "FINDIV"] };
  ledger.mustSend("register-instrument", { isin: PIB, terms: PIB_TERMS }, both);
  const face = 100n * DENOMINATION;
  ledger.mustSend("authorise-instrument", { isin: PIB, face, mandateRef: "MANDATE-1" }, both);
  ledger.mustSend("issue", { isin: PIB, face, account: "ISS", mandateRef: "MANDATE-1" });
  return ledger;
}

/** A DvP of one denomination from the issuance account to HBL, at 95.6713 and some accrued. */
export const primaryDvp: Payloads["settle-dvp"] = {
  settlementRef: "DVP-1",
  isin: PIB,
  face: DENOMINATION,
  delivererAccount: "ISS",
  receiverAccount: "SGLA-HBL",
  payerCashAccount: "CASH-HBL",
  payeeCashAccount: "CASH-GOV",
  cleanAmount: 9_567_130n,
  accruedInterest: 23_204n,
};
