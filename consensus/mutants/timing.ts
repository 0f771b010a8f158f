import type { Mutant } from "./mutant.ts";

/** Views, clocks, idleness and what goes out again when nothing moves. */
export const TIMING_MUTANTS: readonly Mutant[] = [
  {
    name: "stale-timer-accepted",
    rule: "A timer that was cancelled or replaced fires into nothing.",
    edits: [
      {
        file: "consensus/pacemaker.ts",
        find: "    running.deadlineMs !== undefined &&\n    running.generation === timer.generation &&\n    running.view === timer.view &&\n",
        replace: "",
      },
    ],
    killedBy: [
      {
        file: "consensus/pacemaker.test.ts",
        test: "one that was overtaken by a certificate fires into nothing",
      },
    ],
  },
  {
    name: "timer-of-another-epoch-accepted",
    rule: "A timer of another epoch fires into nothing.",
    edits: [
      {
        file: "consensus/pacemaker.ts",
        find: "running.view === timer.view &&\n    timer.epoch === state.config.epoch;",
        replace: "running.view === timer.view;",
      },
    ],
    killedBy: [{ file: "consensus/pacemaker.test.ts", test: "one of another epoch is ignored" }],
  },
  {
    name: "back-off-without-a-cap",
    rule: "View times grow by a bounded factor and no view lasts longer than thirty seconds.",
    edits: [
      {
        file: "consensus/limits.ts",
        find: "export const BACKOFF_CAP = 20;",
        replace: "export const BACKOFF_CAP = 2 ** 40;",
      },
    ],
    killedBy: [
      {
        file: "consensus/pacemaker.test.ts",
        test: "grows with the distance from the floor and is capped",
      },
    ],
  },
  {
    name: "woken-by-one-peer",
    rule: "One peer's vote does not wake an idle network.",
    edits: [
      {
        file: "consensus/idle.ts",
        find: "voterWeight(turn) >= state.config.validators.oneHonest",
        replace: "voterWeight(turn) > 0",
      },
    ],
    killedBy: [
      {
        file: "consensus/idle.test.ts",
        test: "is not woken by the vote of one peer, but by weight that holds an honest one",
      },
    ],
  },
  {
    name: "idle-network-runs-its-clocks",
    rule: "Without work no view timer runs and nothing but Status is sent.",
    edits: [
      {
        file: "consensus/idle.ts",
        find: "    state.pending ||\n",
        replace: "    !state.ended ||\n",
      },
    ],
    killedBy: [
      { file: "consensus/idle.test.ts", test: "sends nothing but Status, and no view timer runs" },
    ],
  },
  {
    name: "no-heartbeat",
    rule: "Chain time moves: an empty block is due after a time without any.",
    edits: [
      {
        file: "consensus/idle.ts",
        find: "    turn.now >= heartbeatDueMs(turn) ||\n",
        replace: "",
      },
    ],
    killedBy: [
      { file: "consensus/idle.test.ts", test: "is due for the leader one period after the tip" },
    ],
  },
  {
    name: "unfinished-block-is-no-work",
    rule: "A block that stays notarized and not final is work: empty blocks follow until it is.",
    edits: [{ file: "consensus/idle.ts", find: "    isUnfinished(turn) ||\n", replace: "" }],
    killedBy: [
      { file: "consensus/idle.test.ts", test: "gets two message delays before it counts as work" },
    ],
  },
  {
    name: "holes-stay-open",
    rule: "Without progress a view left behind without any certificate is voted against.",
    edits: [{ file: "consensus/standstill.ts", find: "  nullifyHoles(turn);\n", replace: "" }],
    killedBy: [
      {
        file: "consensus/standstill.test.ts",
        test: "votes against views left behind without a certificate",
      },
    ],
  },
  {
    name: "nothing-is-sent-again",
    rule: "Without progress certificates go out again: lost messages are harmless.",
    edits: [
      {
        file: "consensus/standstill.ts",
        find: '  resendCertificates(turn, "all", state.floor.view + 1);\n',
        replace: "",
      },
    ],
    killedBy: [
      {
        file: "consensus/standstill.test.ts",
        test: "while work waits and nothing becomes final, all that peers may lack goes out again",
      },
    ],
  },
  {
    name: "standstill-answered-without-end",
    rule: "A peer that says it is stuck gets a large answer once in a while, not each time.",
    edits: [
      {
        file: "consensus/standstill.ts",
        find: "now - last < MIN_ANSWER_INTERVAL_MS) return false;",
        replace: "now < last) return false;",
      },
    ],
    killedBy: [
      {
        file: "consensus/standstill.test.ts",
        test: "is answered by whoever is further, also without own work, but not too often",
      },
    ],
  },
];
