import { expect, test } from "vitest";
import { openedLedger, TestLedger } from "../testing/test-ledger.ts";
import { reserveReferenceTable } from "./reserve-reference.ts";

/** Max35Text admits spaces and slashes: a reference of any member must never stop the network. */
test("a client reference with a space is remembered, and told from its neighbours", () => {
  const ledger = new TestLedger();
  const rate = { rateE4: 2_815_000, effectiveFromMs: 1, reference: "A B" };
  for (const clientRef of ["a b", "a  b", "a/b", "a-b"]) {
    const payload = { ...rate, effectiveFromMs: rate.effectiveFromMs + ledger.height };
    expect(ledger.send("record-fx-rate", payload, { clientRef }).outcome.code).toBe("APPLIED");
  }
  const again = ledger.send("record-fx-rate", rate, { clientRef: "a b" });
  expect(again.outcome.code).toBe("IDEMPOTENCY_CONFLICT");
});

test("a reserve reference with a space backs one minting", () => {
  const ledger = openedLedger();
  const mint = { account: "CASH-HBL", amount: 1n, reserveRef: "RTGS 2025 11 25" };
  ledger.mustSend("mint-cbdc", mint);
  expect(ledger.send("mint-cbdc", mint).outcome.code).toBe("RESERVE_REFERENCE_USED");
  expect(reserveReferenceTable.read(ledger.state, mint.reserveRef)?.amount).toBe(1n);
  expect(ledger.state.has("reserve-reference/RTGS~2025~11~25")).toBe(true);
});
