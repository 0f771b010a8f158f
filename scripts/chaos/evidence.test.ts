import { expect, test } from "vitest";
import { type Collected, isOneMoment } from "./evidence.ts";

function collected(height: number, isOfOneHead = true): Collected {
  const head = { height, stateRoot: `root ${height}` };
  const nothing = { blocks: [], executions: [], transactions: new Map(), balances: new Map() };
  const evidence = { node: "a", head, lacksUpTo: 0, ...nothing, outstanding: new Map() };
  return { evidence, next: { height, cursor: "c" }, isOfOneHead };
}

test("evidence is of one moment when every node stood still at the same height", () => {
  expect(isOneMoment([collected(7), collected(7)])).toBe(true);
  // A block came between the questions to two nodes, or during those to one.
  expect(isOneMoment([collected(7), collected(8)])).toBe(false);
  expect(isOneMoment([collected(7), collected(7, false)])).toBe(false);
  // Nodes that stand still at one height are compared by the oracle, whatever they show.
  const fork = {
    ...collected(7),
    evidence: { ...collected(7).evidence, head: { height: 7, stateRoot: "x" } },
  };
  expect(isOneMoment([collected(7), fork])).toBe(true);
});
