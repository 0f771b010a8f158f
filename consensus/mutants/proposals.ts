import type { Mutant } from "./mutant.ts";

/** What a leader may propose and what voters must see before they notarize it. */
export const PROPOSAL_MUTANTS: readonly Mutant[] = [
  {
    name: "no-proof-for-skipped-views",
    rule: "A proposal proves each view that it skips nullified.",
    edits: [
      {
        file: "consensus/justification.ts",
        find: 'if (certificateAt(state, skipped, "nullify") === undefined) {',
        replace: 'if (certificateAt(state, skipped, "nullify")?.view === -1) {',
      },
    ],
    killedBy: [
      {
        file: "consensus/notarize.test.ts",
        test: "a skip without proof is no proposal; the sender is named and the wait goes on",
      },
    ],
  },
  {
    name: "parent-not-notarized",
    rule: "The parent of a proposal is the block that is notarized in the parent view.",
    edits: [
      {
        file: "consensus/justification.ts",
        find: '    if (parent.target?.blockDigest !== parentDigest) return { kind: "contradicted" };\n',
        replace: "",
      },
    ],
    killedBy: [
      {
        file: "consensus/notarize.test.ts",
        test: "a parent that is not the notarized one is refused",
      },
    ],
  },
  {
    name: "justification-of-another-epoch",
    rule: "Certificates of another epoch justify nothing in this one.",
    edits: [
      {
        file: "consensus/verification.ts",
        find: "  checkEpoch(certificate.epoch, state);\n  if (isKnown(state, certificate)) return [];",
        replace: "  if (isKnown(state, certificate)) return [];",
      },
      {
        file: "consensus/certificates.ts",
        find: "if (state.ended || certificate.epoch !== state.config.epoch) return true;",
        replace: "if (state.ended) return true;",
      },
    ],
    killedBy: [
      {
        file: "consensus/directed/lies.test.ts",
        test: "with a nullification of the epoch before, signed by the very same keys",
      },
    ],
  },
  {
    name: "leader-unchecked",
    rule: "A block names the leader of its view as its proposer.",
    edits: [
      {
        file: "consensus/notarize.ts",
        find: "return header.proposer === leaderAt(state, view) && fitsParent(",
        replace: "return fitsParent(",
      },
    ],
    killedBy: [
      {
        file: "consensus/notarize.test.ts",
        test: "nullifies another proposer without asking the application",
      },
    ],
  },
  {
    name: "timestamp-unchecked",
    rule: "A voter votes only for a timestamp that agrees with its own clock.",
    edits: [
      {
        file: "consensus/notarize.ts",
        find: "if (!isCopy(target) && !proposal.timely && !checkTimely(turn, proposal)) return;",
        replace: "if (proposal.timely && !checkTimely(turn, proposal)) return;",
      },
    ],
    killedBy: [
      {
        file: "consensus/notarize.test.ts",
        test: "a future one is held until it is acceptable, then voted for",
      },
      { file: "consensus/notarize.test.ts", test: "one too far in the past is skipped" },
    ],
  },
  {
    name: "future-timestamp-nullified",
    rule: "A timestamp in the future is held until it is acceptable, not voted against.",
    edits: [
      {
        file: "consensus/notarize.ts",
        find: '      startTimer(turn, "timestamp", acceptableAtMs(timestampMs, parameters));\n',
        replace:
          '      startTimer(turn, "timestamp", acceptableAtMs(timestampMs, parameters));\n      nullify(turn, "NOT_TIMELY");\n',
      },
    ],
    killedBy: [
      {
        file: "consensus/notarize.test.ts",
        test: "a future one is held until it is acceptable, then voted for",
      },
    ],
  },
  {
    name: "chain-time-stands-still",
    rule: "The timestamp of a block is above its parent's.",
    edits: [
      {
        file: "consensus/block-tree.ts",
        find: "    header.timestampMs > parent.timestampMs &&\n",
        replace: "",
      },
    ],
    killedBy: [
      {
        file: "consensus/notarize.test.ts",
        test: "nullifies a timestamp not above the parent's without asking the application",
      },
    ],
  },
  {
    name: "subjective-verdict-stops-the-node",
    rule: "A block that was untimely for this node is not bad: notarized by others it is valid.",
    edits: [
      {
        file: "consensus/notarize.ts",
        find: '      nullify(turn, "NOT_TIMELY");\n      return false;',
        replace:
          '      nullify(turn, "NOT_TIMELY");\n      addHeader(state, proposal.body.header).verdict = "bad";\n      return false;',
      },
    ],
    killedBy: [
      {
        file: "consensus/notarize.test.ts",
        test: "one too far in the past is skipped, and the block is not bad for it",
      },
    ],
  },
  {
    name: "body-not-required-to-notarize",
    rule: "Nothing is notarized before the application has the batches and has executed the block.",
    edits: [
      {
        file: "consensus/notarize.ts",
        find: '    case "asked":\n    case "orphan":\n      return;',
        replace:
          '    case "asked":\n      castVote(turn, "notarize", view, target);\n      return;\n    case "orphan":\n      return;',
      },
      {
        file: "consensus/safety-guard.ts",
        find: 'if (own.nullify !== undefined) return "NOTARIZE_AFTER_NULLIFY";\n      return isValidated(state, target) ? undefined : "NOT_VALIDATED";',
        replace:
          'if (own.nullify !== undefined) return "NOTARIZE_AFTER_NULLIFY";\n      return undefined;',
      },
    ],
    killedBy: [
      {
        file: "consensus/notarize.test.ts",
        test: "waits for the application and votes when it answers",
      },
    ],
  },
  {
    name: "body-not-required-to-finalize",
    rule: "Nothing is finalized before the application has found the block valid here.",
    edits: [
      {
        file: "consensus/finalize.ts",
        find: 'if (standing.kind !== "valid" || record.own.nullify !== undefined) continue;',
        replace: 'if (standing.kind === "missing" || record.own.nullify !== undefined) continue;',
      },
      {
        file: "consensus/safety-guard.ts",
        find: '        return "NOT_NOTARIZED";\n      }\n      return isValidated(state, target) ? undefined : "NOT_VALIDATED";',
        replace: '        return "NOT_NOTARIZED";\n      }\n      return undefined;',
      },
    ],
    killedBy: [
      {
        file: "consensus/finalize.test.ts",
        test: "late, after the view is over, when the application answers at last",
      },
    ],
  },
  {
    name: "divergence-goes-on",
    rule: "A notarized block that is bad to the own executor stops the node.",
    edits: [
      {
        file: "consensus/finalize.ts",
        find: 'case "bad":\n      halt(turn, "DIVERGENCE"',
        replace: 'case "bad":\n      if (view < 0) halt(turn, "DIVERGENCE"',
      },
    ],
    killedBy: [
      {
        file: "consensus/finalize.test.ts",
        test: "a notarized block that is bad here means divergence",
      },
    ],
  },
  {
    name: "leader-skips-unproven-views",
    rule: "A leader builds on a base only when every view between is nullified.",
    edits: [
      {
        file: "consensus/propose.ts",
        find: "    if (nullified) continue;\n",
        replace: "    if (nullified || notarization === undefined) continue;\n",
      },
      {
        file: "consensus/propose.ts",
        find: '  if (justify(state, view, target).kind !== "complete") return;\n',
        replace: "",
      },
    ],
    killedBy: [
      {
        file: "consensus/propose.test.ts",
        test: "is fetched when certificates lack, and the view is given up at T_lead",
      },
    ],
  },
  {
    name: "proposer-waits-for-the-parents-timestamp",
    rule: "The block interval is not counted from a timestamp ahead: else who stamps ahead wins.",
    edits: [
      {
        file: "consensus/timestamps.ts",
        find: "Math.min(parentTimestampMs, enteredAtMs) + minBlockIntervalMs;",
        replace: "Math.max(parentTimestampMs, enteredAtMs) + minBlockIntervalMs;",
      },
    ],
    killedBy: [
      {
        file: "consensus/timestamps.test.ts",
        test: "does not wait for a parent stamped ahead beyond one interval",
      },
    ],
  },
  {
    name: "unfinal-transactions-unbounded",
    rule: "A leader piles transactions on a bounded number of blocks that are not final.",
    edits: [
      {
        file: "consensus/propose.ts",
        find: "allowTransactions: carrying <= MAX_UNFINALIZED_WITH_TRANSACTIONS,",
        replace: "allowTransactions: carrying <= Number(MAX_UNFINALIZED_WITH_TRANSACTIONS) ** 9,",
      },
    ],
    killedBy: [
      {
        file: "consensus/propose.test.ts",
        test: "with more than eight unfinal blocks of transactions only empty ones are built",
      },
    ],
  },
  {
    name: "leader-equivocates-unseen",
    rule: "Two proposals of a leader in one view are answered with a nullify vote and reported.",
    edits: [
      {
        file: "consensus/nullify.ts",
        find: "if ((ofLeader?.notarize.length ?? 0) > 1) return",
        replace: "if ((ofLeader?.notarize.length ?? 0) > 2) return",
      },
    ],
    killedBy: [
      { file: "consensus/notarize.test.ts", test: "a second proposal proves equivocation" },
    ],
  },
];
