import type { Mutant } from "./mutant.ts";

/** What must outlive a process, and how a new one begins. */
export const RESTART_MUTANTS: readonly Mutant[] = [
  {
    name: "certificates-not-durable",
    rule: "A certificate is in the journal before anything that rests on it leaves the node.",
    edits: [
      {
        file: "consensus/certificates.ts",
        find: '  persist(turn, [{ type: "certificate", body: certificate }]);\n',
        replace: "",
      },
    ],
    killedBy: [
      {
        file: "consensus/restart.test.ts",
        test: "a notarization formed before the crash is sent after it",
      },
      {
        file: "consensus/restart.test.ts",
        test: "a finalize vote before the crash still excludes a nullify vote after it",
      },
    ],
  },
  {
    name: "floor-not-durable",
    rule: "The floor is in the journal before the commit.",
    edits: [
      {
        file: "consensus/finality.ts",
        find: '  persist(turn, [{ type: "floor", body: { view, height, digest: tip.digest } }]);\n',
        replace: "",
      },
    ],
    killedBy: [
      {
        file: "consensus/directed/crashes.test.ts",
        test: "the floor is in the journal before the commit that rests on it",
      },
    ],
  },
  {
    name: "own-votes-not-tallied",
    rule: "Own votes count in the own tally: a broadcast never loops back to its sender.",
    edits: [{ file: "consensus/signing.ts", find: "  addOwnVote(turn, vote);\n", replace: "" }],
    killedBy: [
      { file: "consensus/directed/crashes.test.ts", test: "all crash after nullifying" },
      {
        file: "consensus/notarize.test.ts",
        test: "votes once for the first valid proposal, with the leader's vote counted",
      },
    ],
  },
  {
    name: "own-votes-not-retallied",
    rule: "After a restart own votes are signed, counted and sent again.",
    edits: [
      {
        file: "consensus/start-gate.ts",
        find: "if (own[kind] !== undefined && own[kind].signature === undefined) {",
        replace:
          "if (own[kind] === undefined) continue;\n      if (own[kind].signature !== undefined) {",
      },
    ],
    killedBy: [{ file: "consensus/directed/crashes.test.ts", test: "all crash after nullifying" }],
  },
  {
    name: "resumes-at-the-floor",
    rule: "A restarted node resumes at its highest vote and above every certificate.",
    edits: [
      {
        file: "consensus/restore.ts",
        find: "if (Object.keys(certificates).length > 0) resumed = Math.max(resumed, view + 1);",
        replace: "",
      },
    ],
    killedBy: [
      {
        file: "consensus/restart.test.ts",
        test: "resumes above the floor, at the highest own vote, above every certificate",
      },
    ],
  },
  {
    name: "start-gate-open",
    rule: "No vote after a process start before peers of quorum weight have answered.",
    edits: [
      {
        file: "consensus/start-gate.ts",
        find: "if (state.halted !== undefined || !isAnswered(state)) return;",
        replace: "if (state.halted !== undefined) return;",
      },
    ],
    killedBy: [
      {
        file: "consensus/restart.test.ts",
        test: "no vote before answers of quorum weight, self included",
      },
    ],
  },
  {
    name: "answers-to-an-earlier-start",
    rule: "Only answers to this very process start open the gate.",
    edits: [
      {
        file: "consensus/start-gate.ts",
        find: "  if (body.answerTo !== state.incarnation) return;\n",
        replace: "",
      },
    ],
    killedBy: [
      {
        file: "consensus/restart.test.ts",
        test: "answers to an earlier start and plain Status messages do not count",
      },
    ],
  },
  {
    name: "amnesia-unnoticed",
    rule: "An echoed vote that the journal lacks means that the journal is lost: no vote ever again.",
    edits: [
      {
        file: "consensus/start-gate.ts",
        find: '  halt(turn, "AMNESIA", echo.view, detail);\n',
        replace: "  void detail;\n",
      },
    ],
    killedBy: [
      { file: "consensus/restart.test.ts", test: "an echo that the journal lacks means amnesia" },
    ],
  },
  {
    name: "amnesia-hidden-by-catching-up",
    rule: "Echoes are compared with the journal as it was at the start, not with the floor of now.",
    edits: [
      {
        file: "consensus/start-gate.ts",
        find: "if (echo.view <= gate.settledView) return;",
        replace: "if (echo.view <= turn.state.floor.view) return;",
      },
    ],
    killedBy: [
      {
        file: "consensus/restart.test.ts",
        test: "catching up first does not hide that the journal is lost",
      },
    ],
  },
  {
    name: "amnesia-hidden-by-a-snapshot",
    rule: "A snapshot that the node begins with settles no view: its votes may be lost all the same.",
    edits: [
      { file: "consensus/restore.ts", find: "settledView: 0,", replace: "settledView: view," },
    ],
    killedBy: [
      {
        file: "consensus/restart.test.ts",
        test: "is the same after a rotation and a second start, before anybody has answered",
      },
    ],
  },
  {
    name: "floor-journalled-before-the-gate-opens",
    rule: "Views that a node only caught up with before its gate opened settle nothing.",
    edits: [
      {
        file: "consensus/finality.ts",
        find: 'if (state.gate.open) {\n    persist(turn, [{ type: "floor"',
        replace: '{\n    persist(turn, [{ type: "floor"',
      },
    ],
    killedBy: [
      {
        file: "consensus/restart.test.ts",
        test: "catching up before a second start does not hide that the journal is lost",
      },
    ],
  },
  {
    name: "proven-floor-not-reached-first",
    rule: "A floor that an answer proves is reached before the first vote.",
    edits: [
      {
        file: "consensus/start-gate.ts",
        find: "if (state.floor.view < gate.targetView || ",
        replace: "if (",
      },
    ],
    killedBy: [
      { file: "consensus/restart.test.ts", test: "a floor proven in an answer is reached first" },
    ],
  },
  {
    name: "journal-of-another-chain",
    rule: "Records of another chain, epoch or version bind nobody here.",
    edits: [
      {
        file: "consensus/journal.ts",
        find: "decoded.chainId === chainId && decoded.epoch === epoch;",
        replace: "decoded.epoch === epoch;",
      },
    ],
    killedBy: [
      {
        file: "consensus/restart.test.ts",
        test: "records of another chain or epoch are ignored and counted",
      },
    ],
  },
  {
    name: "contradictory-journal-accepted",
    rule: "A journal that no correct node can have written is refused.",
    edits: [
      {
        file: "consensus/restore.ts",
        find: "if (own.nullify !== undefined && own.finalize !== undefined) {",
        replace: "if (own.nullify !== undefined && own.finalize === null) {",
      },
    ],
    killedBy: [
      { file: "consensus/restart.test.ts", test: "a journal with nullify and finalize is refused" },
    ],
  },
  {
    name: "rotation-drops-own-votes",
    rule: "A new journal segment begins with every own vote above the floor.",
    edits: [
      {
        file: "consensus/restore.ts",
        find: "  entries.push(...voteEntriesOf(state, view, record.own));\n",
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
];
