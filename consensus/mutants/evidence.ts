import type { Mutant } from "./mutant.ts";

/** Proofs that a validator contradicted itself. */
export const EVIDENCE_MUTANTS: readonly Mutant[] = [
  {
    name: "evidence-signatures-unchecked",
    rule: "Evidence convicts only with both signatures of its signer.",
    edits: [
      {
        file: "consensus/verification.ts",
        find: 'return signatures ?? refuse("UNKNOWN_SIGNER"',
        replace: 'return signatures?.slice(2) ?? refuse("UNKNOWN_SIGNER"',
      },
    ],
    killedBy: [{ file: "consensus/evidence-pool.test.ts", test: "needs both signatures" }],
  },
  {
    name: "consistent-statements-convict",
    rule: "Only statements that exclude one another are evidence: notarize and nullify are legal.",
    edits: [
      {
        file: "consensus/evidence.ts",
        find: 'return first.kind === "nullify" && second.kind === "finalize";',
        replace: 'return first.kind === "nullify" || second.kind === "nullify";',
      },
    ],
    killedBy: [
      { file: "consensus/evidence.test.ts", test: "notarize and nullify: EVIDENCE_CONSISTENT" },
    ],
  },
  {
    name: "legal-votes-reported",
    rule: "A nullify vote after a notarize vote is no contradiction.",
    edits: [
      {
        file: "consensus/evidence-pool.ts",
        find: "  const finalize = votes.finalize[0];\n",
        replace: "  const finalize = votes.finalize[0] ?? votes.notarize[0];\n",
      },
    ],
    killedBy: [{ file: "consensus/tally.test.ts", test: "notarize and nullify, which is legal" }],
  },
  {
    name: "equivocation-forgotten-by-a-restart",
    rule: "The first proposal is journalled, so that equivocation is seen across a restart.",
    edits: [
      {
        file: "consensus/notarize.ts",
        find: '  if (proposals.length === 0) persist(turn, [{ type: "witness", body: vote }]);\n',
        replace: "",
      },
    ],
    killedBy: [
      {
        file: "consensus/restart.test.ts",
        test: "own votes are signed again, counted and sent; no second one is made",
      },
    ],
  },
  {
    name: "evidence-taken-twice",
    rule: "One proof for each signer and epoch is kept and passed on.",
    edits: [
      {
        file: "consensus/evidence-pool.ts",
        find: "return state.evidence.has(keyOf(evidence));",
        replace: "return state.evidence.get(keyOf(evidence))?.settled === true;",
      },
    ],
    killedBy: [
      {
        file: "consensus/evidence-pool.test.ts",
        test: "is taken once: journalled, reported, passed on, and work",
      },
    ],
  },
  {
    name: "settled-evidence-offered-again",
    rule: "Evidence that a final block holds is not put into another one.",
    edits: [
      {
        file: "consensus/finality.ts",
        find: "  settleEvidence(\n    turn,\n    blocks.map(({ header }) => header),\n  );\n",
        replace: "",
      },
    ],
    killedBy: [
      {
        file: "consensus/evidence-pool.test.ts",
        test: "what the application puts in is settled when the block is final",
      },
    ],
  },
  {
    name: "evidence-out-of-order",
    rule: "A header holds evidence in the one order and none twice, or it is bad.",
    edits: [
      {
        file: "consensus/block-tree.ts",
        find: "    isSortedEvidence(header.evidence) &&\n",
        replace: "",
      },
    ],
    killedBy: [
      { file: "consensus/evidence-pool.test.ts", test: "out of order makes it bad" },
      { file: "consensus/evidence-pool.test.ts", test: "twice makes it bad" },
    ],
  },
];
