import { applyBlock } from "../../ledger/apply-block.ts";
import type { CheckedTransaction } from "../../ledger/checked-transaction.ts";
import { buildBody, type TransactionBody } from "../../ledger/envelope.ts";
import { PIB, PIB_TERMS, type TestLedger } from "../../ledger/testing/test-ledger.ts";
import { invariant } from "../../primitives/assert.ts";
import { checkedSettlements, settlementLedger, signedByAll } from "./settlement-ledger.ts";
import type { Suite, Task } from "./suite.ts";

const BLOCKS = [1, 64, 256] as const;
/** Transactions of a block of one kind. */
const OF_A_KIND = 128;

/** Whole blocks: admission, execution, events, receipts, invariants, state root. */
export const execution: Suite = {
  area: "ledger",
  open() {
    const ledger = settlementLedger();
    const settlements = BLOCKS.map((size) =>
      blockTask(ledger, `settlements=${size}`, "settlement", checkedSettlements(ledger, size)),
    );
    const kinds = bodiesByKind(ledger).map(([kind, bodies]) => {
      const signed = bodies.map((body) => ledger.checked(signedByAll(body)));
      return blockTask(ledger, `kind=${kind}`, "transaction", signed);
    });
    return { tasks: [...settlements, ...kinds] };
  },
};

function blockTask(
  ledger: TestLedger,
  name: string,
  unit: string,
  transactions: readonly CheckedTransaction[],
): Task {
  const { state, tree } = ledger;
  // Applying a block changes neither the state nor the tree that it starts from.
  const input = {
    state,
    tree,
    height: ledger.height + 1,
    timestampMs: ledger.timestampMs + 1_000,
    parentDigest: "0".repeat(64),
    evidence: [],
    transactions,
  };
  const { receipts } = applyBlock(input);
  const failed = receipts.find(({ outcome }) => !["SETTLED", "APPLIED"].includes(outcome.code));
  invariant(failed === undefined, `all of ${name} succeed, not ${failed?.outcome.code}`);
  return {
    name: `ledger.applyBlock/${name}`,
    units: transactions.length,
    unit,
    run: () => applyBlock(input),
  };
}

/** A block's worth of each kind that can stand there often. */
function bodiesByKind(ledger: TestLedger): readonly (readonly [string, TransactionBody[]])[] {
  const { chainId } = ledger;
  const of = (make: (head: Head, i: number) => TransactionBody): TransactionBody[] =>
    Array.from({ length: OF_A_KIND }, (_, i) => {
      const clientRef = `KIND-${i}`;
      return make({ chainId, member: "SBP", clientRef, expiresAtHeight: ledger.height + 10 }, i);
    });
  return [
    [
      "transfer-cbdc",
      of((head, i) =>
        buildBody({ ...head, member: "UBL" }, "transfer-cbdc", {
          fromAccount: `CASH-UBL-${i % 16}`,
          toAccount: `CASH-HBL-${i % 16}`,
          amount: 100n,
          reference: head.clientRef,
        }),
      ),
    ],
    [
      "mint-cbdc",
      of((head, i) =>
        buildBody(head, "mint-cbdc", {
          account: `CASH-UBL-${i % 16}`,
          amount: 100n,
          reserveRef: `KIND-${i}`,
        }),
      ),
    ],
    [
      "open-account",
      of((head, i) =>
        buildBody(head, "open-account", {
          account: `KIND-${i}`,
          kind: "CASH_CBDC",
          member: "UBL",
          investor: undefined,
          parent: undefined,
          ownership: "OWN",
          window: "CONVENTIONAL",
        }),
      ),
    ],
    [
      "authorise-instrument",
      of((head) =>
        buildBody(head, "authorise-instrument", {
          isin: PIB,
          face: PIB_TERMS.body.denomination,
          mandateRef: head.clientRef,
        }),
      ),
    ],
  ];
}

type Head = Parameters<typeof buildBody>[0];
