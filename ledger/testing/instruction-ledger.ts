import { present } from "../../primitives/assert.ts";
import type { BlockResult } from "../apply-block.ts";
import type { LedgerEvent } from "../events.ts";
import {
  type Instruction,
  instructionIdOf,
  instructionTable,
} from "../instructions/instruction-record.ts";
import { balanceOf } from "../queries.ts";
import type { Receipt } from "../receipt.ts";
import { claimTable } from "../state/claim.ts";
import type { Payloads } from "../transactions/kinds.ts";
import { CBDC } from "../types.ts";
import {
  cashAccount,
  DENOMINATION,
  PIB,
  primaryDvp,
  readyLedger,
  type SendOptions,
  sgla,
  type TestLedger,
} from "./test-ledger.ts";

export type Instruct = Payloads["instruct"];

/** The test ledger starts on Tuesday 25 November 2025 at 10:00 in Karachi. */
export const TODAY = "2025-11-25";
export const TOMORROW = "2025-11-26";

/** HBL delivers one denomination to UBL for PKR 95,000.00. */
export const delivery: Instruct = {
  reference: "D-1",
  movement: "DELI",
  payment: "APMT",
  model: "DVP_1",
  asset: PIB,
  quantity: DENOMINATION,
  account: "SGLA-HBL",
  cash: { asset: CBDC, amount: 9_500_000n, account: "CASH-HBL" },
  tradeDate: TODAY,
  settlementDate: TODAY,
  counterparty: "UBL",
  commonId: undefined,
  client: undefined,
  counterpartyClient: undefined,
  conditions: [],
  couponCondition: undefined,
  priority: 4,
  minimumLot: undefined,
  pool: undefined,
  after: undefined,
  conditionOwner: undefined,
  hold: false,
  reserve: false,
  late: false,
};

/** What UBL instructs against `delivery`. */
export const receipt: Instruct = {
  ...delivery,
  reference: "R-1",
  movement: "RECE",
  account: "SGLA-UBL",
  cash: { asset: CBDC, amount: 9_500_000n, account: "CASH-UBL" },
  counterparty: "HBL",
};

export const free = { payment: "FREE", cash: undefined } as const;

/** A cash leg like the delivery's, for another amount. */
export function paid(amount: bigint, account: string) {
  return { cash: { asset: CBDC, amount, account } };
}

/** HBL holds ten denominations and PKR 4,043,286.70 of coins, UBL PKR 5,000,000.00. */
export function instructionLedger(): InstructionLedger {
  const ledger = readyLedger();
  const face = 10n * DENOMINATION;
  ledger.mustSend("settle-dvp", { ...primaryDvp, face }, { signers: ["SBP", "HBL"] });
  return new InstructionLedger(ledger);
}

/** A test ledger with the verbs of settlement instructions. */
export class InstructionLedger {
  readonly ledger: TestLedger;
  /** Of all blocks applied through this object. */
  readonly events: LedgerEvent[] = [];

  constructor(ledger: TestLedger) {
    this.ledger = ledger;
  }

  /** A block of instructions, each signed by the operator of its account. */
  block(...payloads: readonly Instruct[]): BlockResult {
    const transactions = payloads.map((payload) => this.transaction(payload));
    return this.kept(this.ledger.block(...transactions));
  }

  transaction(payload: Instruct, options: SendOptions = {}) {
    const signer = signerOf(payload.account);
    return this.ledger.transaction("instruct", payload, { signers: [signer], ...options });
  }

  instruct(payload: Instruct, options: SendOptions = {}): Receipt {
    const result = this.kept(this.ledger.block(this.transaction(payload, options)));
    return present(result.receipts[0], "receipt");
  }

  /** The id of an instruction that must be accepted. */
  enter(payload: Instruct, options: SendOptions = {}): string {
    const { outcome, txId, field } = this.instruct(payload, options);
    if (outcome.code !== "APPLIED") throw new Error(`instruct: ${outcome.code} ${field ?? ""}`);
    return instructionIdOf(txId);
  }

  /** Both sides in one block: their ids. */
  pair(
    deliveryChange: Partial<Instruct> = {},
    receiptChange: Partial<Instruct> = {},
  ): readonly [string, string] {
    const result = this.block({ ...delivery, ...deliveryChange }, { ...receipt, ...receiptChange });
    const ids = result.receipts.map(({ outcome, txId, field }) => {
      if (outcome.code !== "APPLIED") throw new Error(`instruct: ${outcome.code} ${field ?? ""}`);
      return instructionIdOf(txId);
    });
    return [present(ids[0], "delivery"), present(ids[1], "receipt")];
  }

  modify(
    instruction: string,
    requester: string,
    action: Payloads["modify-instruction"]["action"],
    change: Partial<Payloads["modify-instruction"]> = {},
    options: SendOptions = {},
  ): string {
    const payload = {
      instruction,
      requester,
      action,
      quantity: undefined,
      priority: undefined,
      ...change,
    };
    const signed = { signers: [requester], ...options };
    const transaction = this.ledger.transaction("modify-instruction", payload, signed);
    const result = this.kept(this.ledger.block(transaction));
    return present(result.receipts[0], "receipt").outcome.code;
  }

  cancel(
    instruction: string,
    requester: string,
    change: Partial<Payloads["cancel-instruction"]> = {},
  ): string {
    const payload = {
      instruction,
      requester,
      authority: "PARTY" as const,
      cause: undefined,
      reason: undefined,
      ...change,
    };
    const signers = [requester];
    const transaction = this.ledger.transaction("cancel-instruction", payload, { signers });
    const result = this.kept(this.ledger.block(transaction));
    return present(result.receipts[0], "receipt").outcome.code;
  }

  /** An empty block so much later. */
  later(advanceMs: number): BlockResult {
    return this.kept(this.ledger.blockOf([], advanceMs));
  }

  minutes(count: number): BlockResult {
    return this.later(count * 60_000);
  }

  /** An empty block at that time in Karachi, "YYYY-MM-DD" and "HH:MM". */
  at(date: string, time: string): BlockResult {
    return this.later(Date.parse(`${date}T${time}:00+05:00`) - this.ledger.timestampMs);
  }

  of(id: string): Instruction {
    return present(instructionTable.read(this.ledger.state, id), `instruction ${id}`);
  }

  /** State and reason in one word, as in "PENDING LACK". */
  status(id: string): string {
    const { state, reason } = this.of(id);
    return reason === undefined ? state : `${state} ${reason}`;
  }

  available(account: string, asset: string = CBDC): bigint {
    return balanceOf(this.ledger.state, account, asset)?.available ?? 0n;
  }

  total(account: string, asset: string = CBDC): bigint {
    return balanceOf(this.ledger.state, account, asset)?.total ?? 0n;
  }

  reserved(account: string, asset: string, id: string): bigint {
    const claim = claimTable.read(this.ledger.state, `RESERVED/${account}/${asset}/${id}`);
    return claim?.amount ?? 0n;
  }

  /** Events of one type, of all blocks so far. */
  told<T extends LedgerEvent["type"]>(type: T) {
    return this.events.flatMap((event) =>
      event.type === type ? [event.body as Extract<LedgerEvent, { type: T }>["body"]] : [],
    );
  }

  mint(account: string, amount: bigint): void {
    const reserveRef = `MINT-${this.ledger.height}`;
    this.kept(
      this.ledger.block(this.ledger.transaction("mint-cbdc", { account, amount, reserveRef })),
    );
  }

  openSgla(id: string, operator: string): void {
    const signers = ["SBP", operator];
    this.ledger.mustSend("open-account", sgla(id, operator, "CLIENT"), { signers });
  }

  openCash(id: string, operator: string): void {
    this.ledger.mustSend("open-account", cashAccount(id, operator), {
      signers: ["SBP", operator],
    });
  }

  kept(result: BlockResult): BlockResult {
    this.events.push(...result.events.map(({ event }) => event));
    return result;
  }
}

function signerOf(account: string): string {
  if (account === "ISS") return "SBP";
  return account.includes("UBL") ? "UBL" : "HBL";
}
