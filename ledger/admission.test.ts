import { describe, expect, test } from "vitest";
import { admit, checkAdmission, keysFor, resultOf } from "./admission.ts";
import { buildBody, unsigned, withSignatures } from "./envelope.ts";
import { memberOf } from "./queries.ts";
import { LedgerState } from "./state/ledger-state.ts";
import { memberTable } from "./state/member.ts";
import { readyLedger, stubKey, type TestLedger } from "./testing/test-ledger.ts";

const transfer = {
  fromAccount: "CASH-HBL",
  toAccount: "CASH-UBL",
  amount: 100n,
  reference: "E2E",
};
const mint = { account: "CASH-HBL", amount: 1n, reserveRef: "R" };

function alterMember(ledger: TestLedger, id: string, change: object): void {
  const member = memberOf(ledger.state, id);
  if (member === undefined) throw new Error(`member ${id}`);
  ledger.write(memberTable.entry({ ...member, ...change }));
}

/** The refusal at ingress and in a block: they must agree. */
function refusalOf(ledger: TestLedger, transaction: ReturnType<TestLedger["transaction"]>) {
  const checked = ledger.checked(transaction);
  const { state } = ledger;
  const atIngress = checkAdmission(transaction, state, ledger.height + 1, checked.verifiedKeys);
  const [receipt] = ledger.blockOf([checked]).receipts;
  if (atIngress.ok) {
    expect(receipt?.executed).toBe(true);
    return undefined;
  }
  expect(receipt).toMatchObject({
    executed: false,
    outcome: atIngress.outcome,
    field: atIngress.field,
    first: atIngress.first,
    eventCount: 0,
  });
  return atIngress;
}

describe("signers", () => {
  test("TX_WRONG_CHAIN", () => {
    const ledger = readyLedger();
    const body = buildBody(
      { chainId: "00".repeat(32), member: "HBL", clientRef: "a", expiresAtHeight: 20 },
      "transfer-cbdc",
      transfer,
    );
    expect(refusalOf(ledger, unsigned(body))?.code).toBe("TX_WRONG_CHAIN");
  });

  test("TX_UNKNOWN_SIGNER: member, signing member, key, purpose of the key", () => {
    const ledger = readyLedger();
    const base = () => ledger.transaction("transfer-cbdc", transfer, { signers: ["HBL"] });
    const signature = new Uint8Array(64);
    const cases = [
      [ledger.transaction("transfer-cbdc", transfer, { member: "NOBODY" }), "body.member"],
      [withSignatures(base(), [{ member: "ZZ", keyId: "k1", signature }]), "signatures[1]"],
      [withSignatures(base(), [{ member: "HBL", keyId: "k9", signature }]), "signatures[1]"],
      [withSignatures(base(), [{ member: "HBL", keyId: "vote", signature }]), "signatures[1]"],
    ] as const;
    for (const [transaction, field] of cases) {
      expect(refusalOf(ledger, transaction)).toMatchObject({ code: "TX_UNKNOWN_SIGNER", field });
    }
  });

  test("TX_BAD_SIGNATURE: not verified, or verified under a key that is not the registered one", () => {
    const ledger = readyLedger();
    const transaction = ledger.transaction("transfer-cbdc", transfer, { member: "HBL" });
    for (const key of [undefined, stubKey("someone else")]) {
      const checked = { ...ledger.checked(transaction), verifiedKeys: [key] };
      const [receipt] = ledger.blockOf([checked]).receipts;
      expect(receipt).toMatchObject({ executed: false, field: "signatures[0]" });
      expect(receipt?.outcome.code).toBe("TX_BAD_SIGNATURE");
    }
    // Not verified yet: everything else is looked at.
    expect(checkAdmission(transaction, ledger.state, ledger.height + 1)).toEqual({ ok: true });
  });

  test("keysFor gives the registered key of each signature", () => {
    const ledger = readyLedger();
    const transaction = ledger.transaction("mint-cbdc", mint, { signers: ["SBP", "NOBODY"] });
    expect(keysFor(transaction, ledger.state)).toEqual([undefined, stubKey("SBP/k1")]);
  });

  test("MEMBER_SUSPENDED", () => {
    const ledger = readyLedger();
    alterMember(ledger, "HBL", { suspended: true });
    const transaction = ledger.transaction("transfer-cbdc", transfer, { member: "HBL" });
    expect(refusalOf(ledger, transaction)?.code).toBe("MEMBER_SUSPENDED");
  });

  test("TX_MISSING_SIGNER: the envelope's member, a role, an operator", () => {
    const ledger = readyLedger();
    const cases = [
      [ledger.transaction("mint-cbdc", mint, { member: "HBL", signers: ["SBP"] }), "member HBL"],
      [ledger.transaction("mint-cbdc", mint, { member: "HBL" }), "role CENTRAL_BANK"],
      [ledger.transaction("transfer-cbdc", transfer, { member: "UBL" }), "operator of fromAccount"],
    ] as const;
    for (const [transaction, field] of cases) {
      expect(refusalOf(ledger, transaction)).toMatchObject({ code: "TX_MISSING_SIGNER", field });
    }
  });

  test("a key changed inside a block counts from the next block on", () => {
    const ledger = readyLedger();
    const transaction = ledger.transaction("transfer-cbdc", transfer, { member: "HBL" });
    const state = new LedgerState(ledger.state);
    const member = state.members.get("HBL");
    if (member === undefined) throw new Error("HBL");
    const rotated = [{ keyId: "k1", publicKey: stubKey("new"), purpose: "TRANSACTION" as const }];
    state.members.put({ ...member, keys: rotated });
    state.commit();
    const height = ledger.height + 1;
    expect(admit(transaction, state, height, [stubKey("HBL/k1")])).toEqual({ ok: true });
    expect(admit(transaction, state, height, [stubKey("new")])).toMatchObject({
      code: "TX_BAD_SIGNATURE",
    });
  });
});

describe("expiry", () => {
  test("the last height is the last, and the look-ahead is bounded", () => {
    const ledger = readyLedger();
    const next = ledger.height + 1;
    const at = (expiresAtHeight: number) =>
      checkAdmission(
        ledger.transaction("mint-cbdc", mint, { expiresAtHeight }),
        ledger.state,
        next,
      );
    expect(at(next)).toEqual({ ok: true });
    expect(at(next - 1)).toMatchObject({ code: "TX_EXPIRED", field: "body.expiresAtHeight" });
    expect(at(next + 20)).toEqual({ ok: true });
    expect(at(next + 21)).toMatchObject({ code: "TX_EXPIRY_TOO_FAR" });
  });

  test("a block skips an expired transaction with a receipt, and the reference stays free", () => {
    const ledger = readyLedger();
    const late = { clientRef: "late", expiresAtHeight: ledger.height };
    const transaction = ledger.transaction("mint-cbdc", mint, late);
    expect(refusalOf(ledger, transaction)?.code).toBe("TX_EXPIRED");
    expect(ledger.send("mint-cbdc", mint, { clientRef: "late" }).outcome.code).toBe("APPLIED");
  });
});

describe("idempotency", () => {
  test("the same body again: the first result, in the same block and later", () => {
    const ledger = readyLedger();
    const transaction = ledger.transaction("mint-cbdc", mint, { expiresAtHeight: 20 });
    const result = ledger.block(transaction, transaction);
    expect(result.receipts.map(({ outcome }) => outcome.code)).toEqual(["APPLIED", "DUPLICATE"]);
    const first = result.receipts[1]?.first;
    expect(first).toMatchObject({ txId: transaction.txId, height: ledger.height, index: 0 });
    expect(first?.outcome.code).toBe("APPLIED");
    expect(refusalOf(ledger, transaction)).toMatchObject({ code: "DUPLICATE", first });
  });

  test("other signatures on the same body are the same transaction", () => {
    const ledger = readyLedger();
    const transaction = ledger.transaction("transfer-cbdc", transfer, { member: "HBL" });
    ledger.block(transaction);
    const extra = { member: "UBL", keyId: "k1", signature: new Uint8Array(64) };
    expect(refusalOf(ledger, withSignatures(transaction, [extra]))?.code).toBe("DUPLICATE");
  });

  test("a client that rebuilds after a timeout gets a conflict with the stored id, not a second effect", () => {
    const ledger = readyLedger();
    const options = { member: "HBL", clientRef: "order-1" };
    const first = ledger.transaction("transfer-cbdc", transfer, options);
    const rebuilt = ledger.transaction("transfer-cbdc", transfer, {
      ...options,
      expiresAtHeight: ledger.height + 15,
    });
    const { receipts } = ledger.block(first, rebuilt);
    expect(receipts.map(({ outcome }) => outcome.code)).toEqual([
      "SETTLED",
      "IDEMPOTENCY_CONFLICT",
    ]);
    expect(receipts[1]?.first?.txId).toBe(first.txId);
  });

  test("references of two members do not meet", () => {
    const ledger = readyLedger();
    const back = { ...transfer, fromAccount: "CASH-UBL", toAccount: "CASH-HBL" };
    ledger.mustSend("transfer-cbdc", transfer, { member: "HBL", clientRef: "same" });
    ledger.mustSend("transfer-cbdc", back, { member: "UBL", clientRef: "same" });
  });

  test("a transaction that failed for lack of funds fails again after funding: it was executed", () => {
    const ledger = readyLedger();
    const much = { ...transfer, amount: 900_000_000n };
    const transaction = ledger.transaction("transfer-cbdc", much, { member: "HBL" });
    expect(ledger.block(transaction).receipts[0]?.outcome.code).toBe("INSUFFICIENT_CASH");
    ledger.mustSend("mint-cbdc", { ...mint, amount: 900_000_000n });
    const again = refusalOf(ledger, transaction);
    expect(again?.code).toBe("DUPLICATE");
    expect(again?.first?.outcome.code).toBe("INSUFFICIENT_CASH");
    expect(resultOf(ledger.state, "HBL", transaction.body.clientRef)?.outcome.code).toBe(
      "INSUFFICIENT_CASH",
    );
  });

  test("a refused or failed transaction never holds up later ones of its member", () => {
    const ledger = readyLedger();
    const send = (amount: bigint, options: object) =>
      ledger.transaction("transfer-cbdc", { ...transfer, amount }, { member: "HBL", ...options });
    const { receipts } = ledger.block(
      send(1n, { expiresAtHeight: 1 }),
      send(900_000_000n, {}),
      send(2n, { signers: ["UBL"] }),
      send(3n, {}),
    );
    expect(receipts.map(({ outcome }) => outcome.code)).toEqual([
      "TX_EXPIRED",
      "INSUFFICIENT_CASH",
      "TX_MISSING_SIGNER",
      "SETTLED",
    ]);
  });
});

describe("remembering and pruning", () => {
  test("the result answers until expiresAtHeight + dedupWindow, then the bytes are expired", () => {
    const ledger = readyLedger();
    const expiresAtHeight = ledger.height + 3;
    const transaction = ledger.transaction("mint-cbdc", mint, { expiresAtHeight });
    ledger.block(transaction);
    const last = expiresAtHeight + 10;
    const at = (height: number) => checkAdmission(transaction, ledger.state, height);
    expect(at(expiresAtHeight + 1)).toMatchObject({ code: "DUPLICATE" });
    expect(at(last)).toMatchObject({ code: "DUPLICATE" });
    expect(at(last + 1)).toMatchObject({ code: "TX_EXPIRED" });
  });

  test("a forgotten reference can be used again, before and after its entry is removed", () => {
    const ledger = readyLedger();
    const options = { clientRef: "again", expiresAtHeight: ledger.height + 1 };
    ledger.block(ledger.transaction("mint-cbdc", mint, options));
    const executedAt = ledger.height;
    ledger.emptyBlocks(11);
    // Forgotten, but its page is pruned only when no entry of that height can live: 20 + 10 + 1.
    expect(ledger.state.has("dedupe/SBP/again")).toBe(true);
    const second = { ...mint, reserveRef: "R2" };
    ledger.mustSend("mint-cbdc", second, { clientRef: "again" });
    const reusedAt = ledger.height;
    while (ledger.height < executedAt + 31) ledger.emptyBlocks(1);
    // The old page is gone; the entry belongs to the younger page.
    expect(ledger.state.has("dedupe/SBP/again")).toBe(true);
    while (ledger.height < reusedAt + 31) ledger.emptyBlocks(1);
    expect(ledger.state.has("dedupe/SBP/again")).toBe(false);
  });

  test("an idle chain forgets everything and its state stops growing", () => {
    const ledger = readyLedger();
    ledger.emptyBlocks(40);
    const keys = [...ledger.state.keys()].filter((key) => key.startsWith("dedupe"));
    expect(keys).toEqual(["dedupe-cursor"]);
    const { size } = ledger.state;
    ledger.emptyBlocks(5);
    expect(ledger.state.size).toBe(size);
  });

  test("the work of one block is bounded: a burst is pruned over several blocks", () => {
    const ledger = readyLedger();
    ledger.checksWholeState = false;
    const burst = Array.from({ length: 1_500 }, () =>
      ledger.transaction("transfer-cbdc", { ...transfer, amount: 1n }, { member: "HBL" }),
    );
    ledger.block(...burst);
    const burstAt = ledger.height;
    const remembered = () =>
      [...ledger.state.keys()].filter((key) => key.startsWith("dedupe/HBL/")).length;
    while (ledger.height < burstAt + 30) ledger.emptyBlocks(1);
    expect(remembered()).toBe(1_500);
    const counts = [];
    for (let i = 0; i < 4; i++) {
      ledger.emptyBlocks(1);
      counts.push(remembered());
    }
    expect(counts).toEqual([988, 476, 0, 0]);
  });
});
