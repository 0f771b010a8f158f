import { describe, expect, test } from "vitest";
import type { ConsensusMessage } from "./messages.ts";
import {
  blockOn,
  certificateBy,
  digestOf,
  followerOf,
  GENESIS,
  leaderFor,
  proposalOf,
  statusOf,
  TestNode,
  voteBy,
} from "./testing/harness.ts";
import { signaturesOf } from "./verification.ts";

const self = followerOf([1, 2]);
const others = [0, 1, 2, 3].filter((index) => index !== self);
const [peer = 0, second = 0] = others;
const first = blockOn(GENESIS, 1);

/** A refusal code, or how many signatures are to be checked. */
function judge(node: TestNode, message: ConsensusMessage): string | number {
  const verdict = signaturesOf(message, node.set, node.state);
  return verdict.ok ? verdict.signatures.length : verdict.code;
}

const vote = (change: object): ConsensusMessage => ({
  type: "vote",
  body: { ...voteBy(peer, "notarize", 1, first.target), ...change },
});

const certificate = (change: object): ConsensusMessage => ({
  type: "certificate",
  body: { ...certificateBy(others, "notarize", 1, first.target), ...change },
});

describe("votes", () => {
  test.each([
    [{}, 1],
    [{ epoch: 1 }, "OTHER_EPOCH"],
    [{ view: 0 }, "STALE"],
    [{ view: 65 }, 1],
    [{ view: 66 }, "AHEAD"],
    [{ view: Number.MAX_SAFE_INTEGER }, "AHEAD"],
    [{ signer: 4 }, "UNKNOWN_SIGNER"],
    [{ target: undefined }, "TARGET_PRESENCE"],
    [{ kind: "nullify" }, "TARGET_PRESENCE"],
    [{ target: { ...first.target, parentView: 1 } }, "TARGET_ORDER"],
  ])("with %j: %s", (change, verdict) => {
    expect(judge(new TestNode({ self }), vote(change))).toBe(verdict);
  });

  test("the signature covers chain, epoch, view and target", () => {
    const { state, set } = new TestNode({ self });
    const verdict = signaturesOf(vote({}), set, state);
    const moved = signaturesOf(vote({ view: 2 }), set, state);
    expect(verdict.ok && moved.ok && verdict.signatures[0]?.message).not.toEqual(
      moved.ok && moved.signatures[0]?.message,
    );
  });
});

describe("certificates", () => {
  const { signatures } = certificateBy(others, "notarize", 1, first.target);
  const bits = others.reduce((sum, index) => sum | (1 << index), 0);
  const two = (1 << peer) | (1 << second);

  test.each([
    [{}, 3],
    [{ view: 1_000_000 }, 3],
    [{ view: 2 ** 53 - 1 }, "AHEAD"],
    [{ epoch: 2 }, "OTHER_EPOCH"],
    [{ signers: bits | 16 }, "UNKNOWN_SIGNER"],
    [{ signatures: signatures.slice(1) }, "SIGNATURE_COUNT"],
    [{ signatures: [...signatures, ...signatures] }, "SIGNATURE_COUNT"],
    [{ signers: two, signatures: signatures.slice(1) }, "BELOW_QUORUM"],
    [{ signers: 0, signatures: [] }, "BELOW_QUORUM"],
    [{ target: undefined }, "TARGET_PRESENCE"],
    [{ view: 0, target: { ...first.target, parentView: 0 } }, "VIEW_ZERO"],
  ])("with %j: %s", (change, verdict) => {
    const message = certificate(change);
    const node = new TestNode({ self });
    if ("view" in change && change.view === 0) {
      // View 0 is the genesis floor's own: settled, whatever it says.
      expect(judge(node, message)).not.toBe(3);
    } else expect(judge(node, message)).toBe(verdict);
  });

  test("one that is held is not checked again, whoever signed it; a rival is", () => {
    const node = new TestNode({ self });
    node.certificate(certificateBy(others, "nullify", 1, undefined));
    const again = certificateBy([self, peer, second], "nullify", 1, undefined);
    expect(judge(node, { type: "certificate", body: again })).toBe("STALE");
    node.certificate(certificateBy(others, "notarize", 1, first.target));
    const rival = blockOn(GENESIS, 1, { stateRoot: digestOf("rival") });
    expect(judge(node, certificate({ target: rival.target }))).toBe(3);
  });

  test("weight decides, not the number of signers", () => {
    const node = new TestNode({ weights: [3, 3, 2, 2, 1] });
    const by = (signers: readonly number[]) =>
      judge(node, { type: "certificate", body: certificateBy(signers, "nullify", 1, undefined) });
    expect(by([0, 1, 2])).toBe(3);
    expect(by([1, 2, 3])).toBe("BELOW_QUORUM");
    expect(by([1, 2, 3, 4])).toBe(4);
  });
});

describe("proposals", () => {
  const skip = (view: number) => certificateBy(others, "nullify", view, undefined);
  const second2 = blockOn(first, 3);
  const parent = certificateBy(others, "notarize", 1, first.target);

  test("need both signatures of the view's leader and those of the justification", () => {
    const node = new TestNode({ self });
    expect(judge(node, proposalOf(first))).toBe(2);
    expect(judge(node, proposalOf(second2, [parent, skip(2)]))).toBe(8);
    node.certificate(parent);
    expect(judge(node, proposalOf(second2, [parent, skip(2)]))).toBe(5);
  });

  test.each([
    ["the parent twice", [parent, parent, skip(2)]],
    ["a view below the parent", [certificateBy(others, "nullify", 1, undefined), parent]],
    ["the view itself", [parent, skip(2), skip(3)]],
    ["a notarization where a nullification belongs", [parent, { ...parent, view: 2 }]],
  ])("%s has no place in a justification", (_, justification) => {
    expect(judge(new TestNode({ self }), proposalOf(second2, justification))).toBe(
      "JUSTIFICATION_RANGE",
    );
  });

  test.each([
    [{ version: 2 }, "WRONG_VERSION"],
    [{ chainId: digestOf("elsewhere") }, "WRONG_CHAIN"],
    [{ epoch: 1 }, "OTHER_EPOCH"],
  ])("of a header with %j: %s", (change, code) => {
    expect(judge(new TestNode({ self }), proposalOf(blockOn(GENESIS, 1, change)))).toBe(code);
  });

  test("outside the window are refused before any signature work", () => {
    const node = new TestNode({ self });
    expect(judge(node, proposalOf(blockOn(GENESIS, 66)))).toBe("AHEAD");
    node.receive(leaderFor(1), proposalOf(first));
    node.finalize(first);
    expect(judge(node, proposalOf(first))).toBe("STALE");
  });
});

describe("replies and status", () => {
  test("a reply to no request of ours is refused", () => {
    const node = new TestNode({ self });
    const refusal = "UNKNOWN" as const;
    const body = { requestId: 1, refusal };
    expect(judge(node, { type: "header", body: { ...body, header: undefined } })).toBe(
      "UNSOLICITED",
    );
    expect(judge(node, { type: "certificates", body: { ...body, certificates: [] } })).toBe(
      "UNSOLICITED",
    );
    expect(
      judge(node, { type: "blocks", body: { ...body, headers: [], finalization: undefined } }),
    ).toBe("UNSOLICITED");
  });

  test("the finalization of a status is verified once; another kind has no place there", () => {
    const node = new TestNode({ self });
    const finalization = certificateBy(others, "finalize", 1, first.target);
    expect(judge(node, statusOf())).toBe(0);
    expect(judge(node, statusOf({ finalization }))).toBe(3);
    node.certificate(finalization);
    expect(judge(node, statusOf({ finalization }))).toBe(0);
    const wrong = certificateBy(others, "notarize", 1, first.target);
    expect(judge(node, statusOf({ finalization: wrong }))).toBe("WRONG_KIND");
  });

  test("echoes in an answer to this start are verified and must be ours", () => {
    const node = new TestNode({ self, gated: true });
    const answer = (signer: number, answerTo: number) =>
      judge(
        node,
        statusOf({
          purpose: "answer",
          answerTo,
          echoes: [voteBy(signer, "nullify", 1, undefined)],
        }),
      );
    expect(answer(self, 42)).toBe(1);
    expect(answer(peer, 42)).toBe("ECHO_OF_ANOTHER");
    expect(answer(peer, 41)).toBe(0);
  });
});
