import type { Mutant } from "./mutant.ts";

/** What a node that is behind believes, and of whom. */
export const CATCH_UP_MUTANTS: readonly Mutant[] = [
  {
    name: "catch-up-trusts-a-claimed-height",
    rule: "A height that is only claimed starts nothing.",
    edits: [
      {
        file: "consensus/status.ts",
        find: "if (body.epoch > epoch) noteEpochClaim(turn.state, from);",
        replace:
          "if (body.epoch > epoch || body.floorHeight > state.floor.height) noteEpochClaim(state, from);",
      },
    ],
    killedBy: [
      { file: "consensus/catch-up.test.ts", test: "a height that is only claimed starts nothing" },
    ],
  },
  {
    name: "unlinked-headers-accepted",
    rule: "Headers are taken only as a chain of digests from the floor to a finalization.",
    edits: [
      {
        file: "consensus/catch-up.ts",
        find: "if (header.parentDigest !== parent || header.height !== height) return undefined;",
        replace: "if (header.height !== height) return undefined;",
      },
    ],
    killedBy: [
      {
        file: "consensus/directed/lies.test.ts",
        test: "of another block in the middle of a range that ends rightly are no chain",
      },
    ],
  },
  {
    name: "headers-without-their-finalization",
    rule: "Headers become final only when the last of them is the finalized block.",
    edits: [
      {
        file: "consensus/catch-up.ts",
        find: "  if (last.digest === blockOf(finalization)) {",
        replace: "  if (last.digest === blockOf(finalization) || fresh > 0) {",
      },
    ],
    killedBy: [
      {
        file: "consensus/catch-up.test.ts",
        test: "headers with an end before the finalized block are no chain",
      },
    ],
  },
  {
    name: "header-of-another-digest",
    rule: "A header is what its digest says: another one in its place is a fault.",
    edits: [
      {
        file: "consensus/fetch.ts",
        find: "if (headerDigest(body.header) === digest) addHeader(state, body.header);",
        replace: "if (headerDigest(body.header) !== undefined) addHeader(state, body.header);",
      },
    ],
    killedBy: [
      {
        file: "consensus/finalize.test.ts",
        test: "a block whose header never came is fetched by digest from one peer after the other",
      },
    ],
  },
  {
    name: "reply-of-another-peer-accepted",
    rule: "A reply counts only from the peer that was asked.",
    edits: [
      {
        file: "consensus/catch-up.ts",
        find: "  if (request.peer !== from) {",
        replace: "  if (request.peer !== from && from < 0) {",
      },
    ],
    killedBy: [
      {
        file: "consensus/catch-up.test.ts",
        test: "a reply from another peer than the one asked is a fault and changes nothing",
      },
    ],
  },
  {
    name: "same-peer-asked-for-ever",
    rule: "After a refusal, a silence or a lie the next peer is asked.",
    edits: [
      {
        file: "consensus/fetch.ts",
        find: "  const next = (peer + 1) % count;\n  return next === state.config.self ? (next + 1) % count : next;",
        replace: "  return peer % count === state.config.self ? (peer + 1) % count : peer % count;",
      },
    ],
    killedBy: [
      {
        file: "consensus/catch-up.test.ts",
        test: "a refusal, a silence and a lie all lead to the next peer, later each time",
      },
    ],
  },
  {
    name: "block-beside-the-floor-committed",
    rule: "A finalized block that does not descend from the floor stops the node.",
    edits: [
      {
        file: "consensus/finality.ts",
        find: '      halt(turn, "SAFETY_VIOLATION", view, detail);\n      return false;',
        replace: "      void detail;\n      continue;",
      },
    ],
    killedBy: [
      {
        file: "consensus/finalize.test.ts",
        test: "a finalized block beside the floor stops the node",
      },
    ],
  },
  {
    name: "catch-up-outruns-the-application",
    rule: "Blocks are fetched no further ahead than the application may lag.",
    edits: [
      {
        file: "consensus/catch-up.ts",
        find: "  if (state.floor.height - state.appliedHeight > MAX_UNAPPLIED_BLOCKS) return;\n",
        replace: "  void MAX_UNAPPLIED_BLOCKS;\n",
      },
    ],
    killedBy: [
      {
        file: "consensus/catch-up.test.ts",
        test: "waits for the application when it falls behind",
      },
    ],
  },
  {
    name: "epoch-claims-unbounded",
    rule: "The claims of peers that a later epoch has begun take bounded memory.",
    edits: [
      {
        file: "consensus/catch-up.ts",
        find: "  else if (claims.size < MAX_EPOCH_CLAIMS) {",
        replace: "  else if (claims.size < MAX_EPOCH_CLAIMS * 64) {",
      },
    ],
    killedBy: [
      { file: "consensus/epoch-change.test.ts", test: "claims of many peers stay bounded" },
    ],
  },
];
