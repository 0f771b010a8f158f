import { applyBlock } from "../../ledger/apply-block.ts";
import { invariant } from "../../primitives/assert.ts";
import { checkedSettlements, settlementLedger } from "./settlement-ledger.ts";
import type { Suite, Task } from "./suite.ts";

const BLOCKS = [1, 64, 256] as const;

/** Whole blocks of settlements: admission, both legs, events, receipts, invariants, state root. */
export const execution: Suite = {
  area: "ledger",
  open() {
    const ledger = settlementLedger();
    const { state, tree } = ledger;
    const place = {
      height: ledger.height + 1,
      timestampMs: ledger.timestampMs + 1_000,
      parentDigest: "0".repeat(64),
      evidence: [],
    };
    const task = (size: number): Task => {
      // Applying a block changes neither the state nor the tree that it starts from.
      const input = { state, tree, ...place, transactions: checkedSettlements(ledger, size) };
      const { receipts } = applyBlock(input);
      const settled = receipts.filter(({ outcome }) => outcome.code === "SETTLED").length;
      invariant(settled === size, `all of the block settles, not ${settled} of ${size}`);
      return {
        name: `ledger.applyBlock/settlements=${size}`,
        units: size,
        unit: "settlement",
        run: () => applyBlock(input),
      };
    };
    return { tasks: BLOCKS.map(task) };
  },
};
