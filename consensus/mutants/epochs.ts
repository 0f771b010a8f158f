import type { Mutant } from "./mutant.ts";

/** The end of an epoch, the copies of its closing block, and the start of the next. */
export const EPOCH_MUTANTS: readonly Mutant[] = [
  {
    name: "closing-block-executed-twice",
    rule: "A copy of the closing block is not executed again: the state after it is that after it.",
    edits: [
      {
        file: "consensus/notarize.ts",
        find: "  const standing = settleBlock(turn, digest, view);\n  switch",
        replace:
          '  if (isCopy(target)) addHeader(state, header).verdict = "unknown";\n  const standing = settleBlock(turn, digest, view);\n  switch',
      },
    ],
    killedBy: [
      {
        file: "consensus/epoch-end.test.ts",
        test: "is not executed again, and its block is committed once",
      },
    ],
  },
  {
    name: "closing-copy-keeps-the-headers-parent",
    rule: "A copy of the closing block stands on the closing block, not on its parent.",
    edits: [
      {
        file: "consensus/messages.ts",
        find: "const parentDigest = body.closingCopy ? digest : body.header.parentDigest;",
        replace: "const { parentDigest } = body.header;",
      },
      {
        file: "consensus/propose.ts",
        find: 'castVote(turn, "notarize", view, copyTarget(base.view, block.digest));',
        replace:
          'const { blockDigest } = copyTarget(base.view, block.digest);\n    const parentDigest = block.header?.parentDigest ?? blockDigest;\n    castVote(turn, "notarize", view, { parentView: base.view, parentDigest, blockDigest });',
      },
    ],
    killedBy: [
      {
        file: "consensus/epoch-end.test.ts",
        test: "of the view after the closing block proposes its copy, and builds nothing",
      },
    ],
  },
  {
    name: "copy-of-any-block",
    rule: "Only a block that closes its epoch may be put to the vote once more.",
    edits: [
      {
        file: "consensus/notarize.ts",
        find: "if (isCopy(target)) return closesEpoch(state.config, header);",
        replace: "if (isCopy(target)) return header.epoch === state.config.epoch;",
      },
    ],
    killedBy: [
      {
        file: "consensus/epoch-end.test.ts",
        test: "a copy of a block that does not close its epoch is bad",
      },
    ],
  },
  {
    name: "block-on-the-closing-block",
    rule: "Nothing but its copy stands on the closing block.",
    edits: [
      {
        file: "consensus/block-tree.ts",
        find: "    !closesEpoch(config, parent.header) &&\n",
        replace: "",
      },
    ],
    killedBy: [
      {
        file: "consensus/epoch-end.test.ts",
        test: "as an ordinary block is bad, whether it closes or not",
      },
    ],
  },
  {
    name: "epoch-does-not-end",
    rule: "The finalization of the closing block, or of a copy, ends the epoch.",
    edits: [
      {
        file: "consensus/finality.ts",
        find: "  if (closesEpoch(state.config, tip.header)) endEpoch(turn, tip, finalization);\n",
        replace: "",
      },
    ],
    killedBy: [
      { file: "consensus/epoch-end.test.ts", test: "follows the commit of the closing block" },
    ],
  },
  {
    name: "floors-compared-without-the-epoch",
    rule: "Floors are compared by epoch first: a view of the last epoch is none to wait for.",
    edits: [
      {
        file: "consensus/start-gate.ts",
        find: "if (body.finalization?.epoch === state.config.epoch) {",
        replace: "if (body.finalization !== undefined) {",
      },
    ],
    killedBy: [
      {
        file: "consensus/epoch-change.test.ts",
        test: "the gate waits for no floor of the epoch before",
      },
    ],
  },
  {
    name: "finality-of-another-epoch-read",
    rule: "A finalization of another epoch moves neither view nor floor.",
    edits: [
      {
        file: "consensus/certificates.ts",
        find: "if (state.ended || certificate.epoch !== state.config.epoch) return true;",
        replace: "if (state.ended) return true;",
      },
    ],
    killedBy: [
      {
        file: "consensus/epoch-change.test.ts",
        test: "its finality of another epoch is never read",
      },
    ],
  },
  {
    name: "gate-open-over-a-restart",
    rule: "Only a core of an epoch that began in this very process may vote unasked.",
    edits: [
      {
        file: "consensus/finality.ts",
        find: 'const startGate = state.gate.open && state.halted === undefined ? "open" : "closed";',
        replace: 'const startGate = state.halted === undefined ? "open" : "closed";',
      },
    ],
    killedBy: [
      {
        file: "consensus/epoch-end.test.ts",
        test: "is found again after a crash before the closing block was applied",
      },
    ],
  },
  {
    name: "halt-forgotten-in-the-next-epoch",
    rule: "A key that must not vote any more stays so in the next epoch.",
    edits: [
      { file: "consensus/restore.ts", find: "  state.halted ??= config.halt;\n", replace: "" },
    ],
    killedBy: [
      {
        file: "consensus/epoch-change.test.ts",
        test: "a halt is handed on, journalled, and ends votes also after a restart",
      },
    ],
  },
];
