import type { Mutant } from "./mutant.ts";

/** Whose votes count, how often, and from which weight on. */
export const QUORUM_MUTANTS: readonly Mutant[] = [
  {
    name: "quorum-2f",
    rule: "A quorum weighs more than two thirds: of any two, an honest signer is in both.",
    edits: [
      {
        file: "consensus/quorum.ts",
        find: "quorum: Math.floor((2 * total) / 3) + 1,",
        replace: "quorum: Math.floor((2 * total) / 3),",
      },
      {
        file: "consensus/quorum.ts",
        find: '  invariant(2 * set.quorum > total + set.faultBound, "two quorums share honest weight");\n',
        replace: "",
      },
    ],
    killedBy: [
      {
        file: "consensus/quorum.test.ts",
        test: "for every total weight two quorums share honest weight",
      },
      {
        file: "consensus/tally.test.ts",
        test: "count each signer once, however often its vote comes",
      },
    ],
  },
  {
    name: "certificate-from-too-few-votes",
    rule: "Votes make a certificate only from the weight of a quorum on.",
    edits: [
      {
        file: "consensus/tally.ts",
        find: "if (weight < state.config.validators.quorum) return;",
        replace: "if (weight < state.config.validators.quorum - 1) return;",
      },
    ],
    killedBy: [
      {
        file: "consensus/tally.test.ts",
        test: "count each signer once, however often its vote comes",
      },
    ],
  },
  {
    name: "light-certificate-accepted",
    rule: "A certificate whose signers weigh less than a quorum is refused.",
    edits: [
      {
        file: "consensus/certificate.ts",
        find: "if (weightOfBitmap(set, certificate.signers) < set.quorum) {",
        replace: "if (checks.length < Math.floor((2 * set.validators.length) / 3) + 1) {",
      },
    ],
    killedBy: [
      { file: "consensus/verification.test.ts", test: "weight decides, not the number of signers" },
    ],
  },
  {
    name: "surplus-signatures-accepted",
    rule: "A certificate carries exactly one signature for each signer that it names.",
    edits: [
      {
        file: "consensus/certificate.ts",
        find: "if (certificate.signatures.length !== checks.length) {",
        replace: "if (certificate.signatures.length < checks.length) {",
      },
    ],
    killedBy: [{ file: "consensus/verification.test.ts", test: ": SIGNATURE_COUNT" }],
  },
  {
    name: "duplicate-signer-counted-twice",
    rule: "Each signer counts once, however often its vote comes.",
    edits: [
      {
        file: "consensus/tally.ts",
        find: "  if (slot.some((known) => sameTarget(known.target, vote.target))) return false;\n",
        replace: "",
      },
      {
        file: "consensus/tally.ts",
        find: "    const vote = votes[kind].find((candidate) => sameTarget(candidate.target, target));\n    if (vote !== undefined) found.push(vote);",
        replace:
          "    found.push(...votes[kind].filter((candidate) => sameTarget(candidate.target, target)));",
      },
    ],
    killedBy: [
      {
        file: "consensus/tally.test.ts",
        test: "count each signer once, however often its vote comes",
      },
    ],
  },
  {
    name: "votes-for-rivals-counted-together",
    rule: "Votes for different blocks make no certificate together.",
    edits: [
      {
        file: "consensus/tally.ts",
        find: "votes[kind].find((candidate) => sameTarget(candidate.target, target));",
        replace: "votes[kind].at(0);",
      },
    ],
    killedBy: [
      {
        file: "consensus/directed/lies.test.ts",
        test: "for two blocks of one view are no quorum for either",
      },
    ],
  },
  {
    name: "foreign-chain-id-accepted",
    rule: "A header of another chain is refused before any signature is looked at.",
    edits: [
      {
        file: "consensus/verification.ts",
        find: '  if (header.chainId !== chainId) refuse("WRONG_CHAIN", "header of another chain");\n',
        replace: "",
      },
      {
        file: "consensus/block-tree.ts",
        find: "    header.chainId === config.chainId &&\n",
        replace: "",
      },
    ],
    killedBy: [{ file: "consensus/verification.test.ts", test: ": WRONG_CHAIN" }],
  },
  {
    name: "statement-without-the-chain",
    rule: "Signed bytes name the chain, so that no signature of another chain counts here.",
    edits: [
      {
        file: "consensus/statements.ts",
        find: ".put(fromHex(chainId))",
        replace: ".put(new Uint8Array(chainId.length / 2))",
      },
    ],
    killedBy: [
      {
        file: "consensus/statements.test.ts",
        test: "kinds, chains, epochs, views and targets all change the bytes",
      },
    ],
  },
  {
    name: "statement-without-the-epoch",
    rule: "Signed bytes name the epoch, so that no signature of another epoch counts here.",
    edits: [{ file: "consensus/statements.ts", find: ".u64(epoch)", replace: ".u64(0)" }],
    killedBy: [
      {
        file: "consensus/statements.test.ts",
        test: "kinds, chains, epochs, views and targets all change the bytes",
      },
    ],
  },
  {
    name: "relayed-nullify-vote-unverified",
    rule: "A vote that is relayed is verified before it counts for anything, amplification included.",
    edits: [
      {
        file: "consensus/verification.ts",
        find: "      return [ofVote(message.body, context)];",
        replace:
          '      return message.body.kind === "nullify" ? [] : [ofVote(message.body, context)];',
      },
    ],
    killedBy: [
      {
        file: "consensus/directed/lies.test.ts",
        test: "relayed nullify votes in the names of others amplify nothing",
      },
    ],
  },
  {
    name: "amplified-by-one-peer",
    rule: "Only weight that holds an honest signer makes others nullify with it.",
    edits: [
      {
        file: "consensus/nullify.ts",
        find: "if (nullifyWeight(state, view) >= state.config.validators.oneHonest) return",
        replace: "if (nullifyWeight(state, view) > 0) return",
      },
    ],
    killedBy: [
      {
        file: "consensus/nullify.test.ts",
        test: "with weight that holds an honest signer, and not before",
      },
    ],
  },
  {
    name: "no-amplification",
    rule: "Nullify votes of weight that holds an honest signer are followed at once.",
    edits: [
      {
        file: "consensus/nullify.ts",
        find: "if (nullifyWeight(state, view) >= state.config.validators.oneHonest) return",
        replace: "if (nullifyWeight(state, view) >= state.config.validators.quorum) return",
      },
    ],
    killedBy: [
      {
        file: "consensus/nullify.test.ts",
        test: "with weight that holds an honest signer, and not before",
      },
    ],
  },
  {
    name: "contradictory-certificates-accepted",
    rule: "Certificates that exclude one another stop the node and raise the alarm.",
    edits: [
      {
        file: "consensus/certificates.ts",
        find: "  if (contradicted !== undefined) {\n    const { first, second } = contradicted;",
        replace:
          "  if (contradicted?.first?.epoch === -1) {\n    const { first, second } = contradicted;",
      },
    ],
    killedBy: [
      {
        file: "consensus/finalize.test.ts",
        test: "raise the alarm and nothing is signed any more",
      },
    ],
  },
  {
    name: "far-future-votes-kept",
    rule: "Votes are kept for a bounded window of views above the current one.",
    edits: [
      {
        file: "consensus/verification.ts",
        find: 'if (view > state.view + VOTE_WINDOW) refuse("AHEAD"',
        replace: 'if (view > MAX_VIEW) refuse("AHEAD"',
      },
      {
        file: "consensus/tally.ts",
        find: "view <= state.floor.view || view > state.view + VOTE_WINDOW) return false;",
        replace: "view <= state.floor.view) return false;",
      },
    ],
    killedBy: [
      { file: "consensus/tally.test.ts", test: "memory of votes is bounded by the window" },
    ],
  },
  {
    name: "unbounded-equivocation",
    rule: "Of one signer, kind and view two votes are kept: a second one proves, a third only fills.",
    edits: [
      {
        file: "consensus/tally.ts",
        find: "  if (slot.length >= MAX_VOTES_PER_SLOT) return false;\n  slot.push(vote);\n  rememberNewest",
        replace: "  slot.push(vote);\n  rememberNewest",
      },
    ],
    killedBy: [
      {
        file: "consensus/tally.test.ts",
        test: "an equivocator counts on both sides and is kept to two votes a kind",
      },
    ],
  },
];
