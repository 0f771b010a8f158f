import type { Mutant } from "./mutant.ts";

/** What a node may sign, and what it must remember of it. */
export const SIGNING_MUTANTS: readonly Mutant[] = [
  {
    name: "finalize-after-nullify",
    rule: "Whoever voted to nullify a view never votes to finalize in it.",
    edits: [
      {
        file: "consensus/safety-guard.ts",
        find: 'if (own.nullify !== undefined) return "FINALIZE_AFTER_NULLIFY";',
        replace: "",
      },
      {
        file: "consensus/finalize.ts",
        find: 'if (standing.kind !== "valid" || record.own.nullify !== undefined) continue;',
        replace: 'if (standing.kind !== "valid") continue;',
      },
    ],
    killedBy: [
      {
        file: "consensus/finalize.test.ts",
        test: "never after an own nullify vote, also when asked again and again",
      },
    ],
  },
  {
    name: "nullify-after-finalize",
    rule: "Whoever voted to finalize in a view never votes to nullify it.",
    edits: [
      {
        file: "consensus/safety-guard.ts",
        find: 'return own.finalize === undefined ? undefined : "NULLIFY_AFTER_FINALIZE";',
        replace: "return undefined;",
      },
    ],
    killedBy: [
      {
        file: "consensus/directed/crashes.test.ts",
        test: "nullify after a finalize vote of the process before",
      },
    ],
  },
  {
    name: "notarize-after-nullify",
    rule: "Whoever voted to nullify a view notarizes nothing in it.",
    edits: [
      {
        file: "consensus/safety-guard.ts",
        find: 'if (own.nullify !== undefined) return "NOTARIZE_AFTER_NULLIFY";',
        replace: "",
      },
      {
        file: "consensus/notarize.ts",
        find: "if (record.own.notarize !== undefined || record.own.nullify !== undefined) return;",
        replace: "if (record.own.notarize !== undefined) return;",
      },
    ],
    killedBy: [{ file: "consensus/notarize.test.ts", test: "nothing after an own nullify vote" }],
  },
  {
    name: "two-notarize-votes",
    rule: "At most one vote of a kind in a view, also across a restart.",
    edits: [
      {
        file: "consensus/safety-guard.ts",
        find: 'if (own[kind] !== undefined) return "ALREADY_VOTED";',
        replace: "",
      },
    ],
    killedBy: [{ file: "consensus/safety-guard.test.ts", test: "each pair of votes in one view" }],
  },
  {
    name: "vote-at-or-below-the-floor",
    rule: "Nothing at or below the floor is signed: what was signed there is forgotten.",
    edits: [
      {
        file: "consensus/safety-guard.ts",
        find: 'if (view <= state.floor.view || view <= state.voteFloorView) return "SETTLED_VIEW";',
        replace: "",
      },
    ],
    killedBy: [
      {
        file: "consensus/safety-guard.test.ts",
        test: "nothing at or below the floor, nothing above the current view",
      },
    ],
  },
  {
    name: "vote-below-the-journals-floor",
    rule: "Nothing is signed below the floor that only the journal remembers after a restart.",
    edits: [
      {
        file: "consensus/safety-guard.ts",
        find: "if (view <= state.floor.view || view <= state.voteFloorView) return",
        replace: "if (view <= state.floor.view) return",
      },
      {
        file: "consensus/start-gate.ts",
        find: "|| state.floor.view < state.voteFloorView) return;",
        replace: ") return;",
      },
    ],
    killedBy: [
      {
        file: "consensus/restart.test.ts",
        test: "a floor that only the journal remembers is reached before any vote",
      },
    ],
  },
  {
    name: "vote-in-a-view-not-entered",
    rule: "A view is voted in only when a certificate of the view before it is held.",
    edits: [
      {
        file: "consensus/safety-guard.ts",
        find: 'if (view === state.view && !viewIsEntered(state, view)) return "WITHOUT_CERTIFICATE";',
        replace: "",
      },
    ],
    killedBy: [
      {
        file: "consensus/safety-guard.test.ts",
        test: "a view that was not entered by a certificate is not voted in",
      },
    ],
  },
  {
    name: "votes-not-durable",
    rule: "A vote is in the journal before it is signed, so that no restart forgets it.",
    edits: [
      {
        file: "consensus/safety-guard.ts",
        find: '  persist(turn, [{ type: "vote", body: { kind, epoch: state.config.epoch, view, target } }]);\n',
        replace: "",
      },
    ],
    killedBy: [
      {
        file: "consensus/directed/crashes.test.ts",
        test: "finalize after a nullify vote of the process before",
      },
      {
        file: "consensus/restart.test.ts",
        test: "own votes are signed again, counted and sent; no second one is made",
      },
    ],
  },
  {
    name: "signature-before-record",
    rule: "The signature is asked for after the vote's record, never before.",
    edits: [
      {
        file: "consensus/safety-guard.ts",
        find: '  persist(turn, [{ type: "vote", body: { kind, epoch: state.config.epoch, view, target } }]);\n  requestSignature(turn, kind, view);\n',
        replace:
          '  requestSignature(turn, kind, view);\n  persist(turn, [{ type: "vote", body: { kind, epoch: state.config.epoch, view, target } }]);\n',
      },
    ],
    killedBy: [
      {
        file: "consensus/safety-guard.test.ts",
        test: "a finalize vote stands behind the notarization in the journal",
      },
    ],
  },
  {
    name: "voted-header-not-durable",
    rule: "The header that a vote names is in the journal before the vote.",
    edits: [
      {
        file: "consensus/safety-guard.ts",
        find: "  if (target !== undefined) makeHeaderDurable(turn, target.blockDigest);\n",
        replace: "",
      },
    ],
    killedBy: [
      {
        file: "consensus/restart.test.ts",
        test: "restores the same promises and drops what is settled",
      },
    ],
  },
  {
    name: "halted-node-votes",
    rule: "A node that was stopped never votes again with its key.",
    edits: [
      {
        file: "consensus/safety-guard.ts",
        find: 'if (state.halted !== undefined) return "HALTED";',
        replace: "",
      },
      {
        file: "consensus/idle.ts",
        find: "state.config.self !== undefined && state.halted === undefined && state.gate.open",
        replace: "state.config.self !== undefined && state.gate.open",
      },
    ],
    killedBy: [
      { file: "consensus/directed/crashes.test.ts", test: "a halted node asks for no signature" },
    ],
  },
  {
    name: "vote-after-the-epoch",
    rule: "Nothing of an epoch is signed once its closing block is final.",
    edits: [
      {
        file: "consensus/safety-guard.ts",
        find: 'if (state.ended) return "EPOCH_ENDED";',
        replace: "",
      },
      {
        file: "consensus/idle.ts",
        find: "state.gate.open && !state.ended",
        replace: "state.gate.open",
      },
    ],
    killedBy: [
      {
        file: "consensus/epoch-end.test.ts",
        test: "nothing is signed any more, and no view clock runs",
      },
    ],
  },
  {
    name: "foreign-own-vote-unnoticed",
    rule: "A vote of the own key that the journal lacks stops the node: another process signs.",
    edits: [
      {
        file: "consensus/safety-guard.ts",
        find: "if (own !== undefined && sameTarget(own.target, target)) return;",
        replace: "if (own === undefined || sameTarget(own.target, target)) return;",
      },
    ],
    killedBy: [{ file: "consensus/restart.test.ts", test: "stops the votes" }],
  },
];
