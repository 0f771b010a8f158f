import { expect, test } from "vitest";
import { MILLION } from "../testing/auction-ledger.ts";
import { collateralLedger, mandate, priced } from "../testing/collateral-ledger.ts";
import { InstructionLedger, paid } from "../testing/instruction-ledger.ts";
import { OTHER_PIB, PIB } from "../testing/test-ledger.ts";
import { CBDC } from "../types.ts";
import { creditTable } from "./intraday-record.ts";

const FACE = 50n * MILLION;
const PRICE = 48n * MILLION;
/** What the buyer has left of its own. */
const OWN = 20n * MILLION;

/** UBL sells to HBL, which has collateral but not the cash. */
function market(changes: Partial<typeof mandate> = {}, isMandated = true): InstructionLedger {
  const ledger = collateralLedger();
  if (isMandated) {
    const signers = ["HBL", "SBP"];
    ledger.mustSend("set-liquidity-mandate", { ...mandate, ...changes }, { signers });
  }
  const out = new InstructionLedger(ledger);
  const amount = out.available("CASH-HBL") - OWN;
  const away = { fromAccount: "CASH-HBL", toAccount: "CASH-GOV", amount, reference: "OUT" };
  ledger.mustSend("transfer-cbdc", away, { member: "HBL" });
  return out;
}

function trade(out: InstructionLedger, price = PRICE) {
  return out.pair(
    { quantity: FACE, account: "SGLA-UBL", counterparty: "HBL", ...paid(price, "CASH-UBL") },
    {
      quantity: FACE,
      account: "SGLA-HBL",
      counterparty: "UBL",
      ...paid(price, "CASH-HBL"),
    },
  );
}

const creditOf = (out: InstructionLedger) => creditTable.read(out.ledger.state, "CASH-HBL");

test("own funds first, then a credit for the rest", () => {
  const out = market();
  const [delivery] = trade(out);
  expect(out.status(delivery)).toBe("SETTLED");
  expect(out.available("CASH-HBL")).toBe(0n);
  expect(creditOf(out)).toMatchObject({ owed: PRICE - OWN });
  expect(out.told("creditDrawn")).toMatchObject([
    { cashAccount: "CASH-HBL", drawn: PRICE - OWN, cause: "AUTOMATIC" },
  ]);
  expect(out.available("CASH-SBP")).toBe(500n * MILLION - (PRICE - OWN));
});

test("nothing is borrowed when own funds are enough", () => {
  const out = market();
  const [delivery] = trade(out, OWN);
  expect(out.status(delivery)).toBe("SETTLED");
  expect(creditOf(out)).toBeUndefined();
});

test.each([
  ["without a mandate", () => market({}, false)],
  ["above the limit", () => market({ creditLimit: PRICE - OWN - 1n })],
  [
    "without eligible securities",
    () => {
      const out = market();
      for (const isin of [PIB, OTHER_PIB]) priced(out.ledger, isin, 950_000, 0, false);
      return out;
    },
  ],
  [
    "out of frozen securities",
    () => {
      const out = market();
      out.ledger.alterAccount("SGLA-HBL", { status: "BLOCKED_DEBIT" });
      return out;
    },
  ],
])("nothing is lent %s: the pair waits for cash", (_, prepare) => {
  const out = prepare();
  const [delivery, receipt] = trade(out);
  expect([out.status(delivery), out.status(receipt)]).toEqual(["PENDING CMON", "PENDING MONY"]);
  expect(creditOf(out)).toBeUndefined();
  expect(out.available("CASH-HBL", CBDC)).toBe(OWN);
});

test("a loan that does not bring settlement about is not made", () => {
  const out = market();
  // The seller has 100m.
  const much = { quantity: 150n * MILLION, ...paid(PRICE, "CASH-UBL") };
  const [delivery] = out.pair(
    { ...much, account: "SGLA-UBL", counterparty: "HBL" },
    { ...much, account: "SGLA-HBL", counterparty: "UBL", ...paid(PRICE, "CASH-HBL") },
  );
  expect(out.status(delivery)).toBe("PENDING LACK");
  expect(creditOf(out)).toBeUndefined();
});
