import { describe, expect, test } from "vitest";
import { guardRefusal } from "./safety-guard.ts";
import { viewAt } from "./state.ts";
import {
  blockOn,
  certificateBy,
  followerOf,
  GENESIS,
  proposalOf,
  TestNode,
} from "./testing/harness.ts";

const self = followerOf([1, 2, 3]);
const others = [0, 1, 2, 3].filter((index) => index !== self);
const first = blockOn(GENESIS, 1);

describe("what may be signed", () => {
  test("an observer, a halted node and one that has just started sign nothing", () => {
    const ask = (node: TestNode) => guardRefusal(node.state, "nullify", 1, undefined);
    expect(ask(new TestNode({}))).toBe("OBSERVER");
    expect(ask(new TestNode({ self, gated: true }))).toBe("NOT_STARTED");
    const halted = new TestNode({ self });
    expect(ask(halted)).toBeUndefined();
    halted.state.halted = { code: "AMNESIA", view: 1, detail: "" };
    expect(ask(halted)).toBe("HALTED");
  });

  test("nothing at or below the floor, nothing above the current view", () => {
    const node = new TestNode({ self });
    node.receive(others[0] ?? 0, proposalOf(first));
    node.finalize(first);
    expect(node.state.floor.view).toBe(1);
    expect(guardRefusal(node.state, "nullify", 1, undefined)).toBe("SETTLED_VIEW");
    expect(guardRefusal(node.state, "finalize", 1, first.target)).toBe("SETTLED_VIEW");
    expect(guardRefusal(node.state, "nullify", 2, undefined)).toBeUndefined();
    expect(guardRefusal(node.state, "nullify", 3, undefined)).toBe("LATER_VIEW");
  });

  test("nothing at or below the floor that only the journal remembers", () => {
    const node = new TestNode({ self });
    node.state.voteFloorView = 1;
    expect(guardRefusal(node.state, "nullify", 1, undefined)).toBe("SETTLED_VIEW");
  });

  test("a view that was not entered by a certificate is not voted in", () => {
    const node = new TestNode({ self });
    node.state.view = 4;
    expect(guardRefusal(node.state, "nullify", 4, undefined)).toBe("WITHOUT_CERTIFICATE");
  });

  test("each pair of votes in one view", () => {
    const allowed = (own: string, next: "notarize" | "nullify" | "finalize", view: number) => {
      const node = new TestNode({ self, validates: false });
      node.receive(others[0] ?? 0, proposalOf(first));
      const entry = node.state.blocks.get(first.digest);
      if (entry !== undefined) entry.verdict = "valid";
      if (view === 1 && next === "finalize") {
        node.state.views.get(1)?.votes.clear();
        viewAt(node.state, 1).certificates.notarize = certificateBy(
          others,
          "notarize",
          1,
          first.target,
        );
      }
      const target = own === "nullify" ? undefined : first.target;
      if (own === "notarize" || own === "nullify" || own === "finalize") {
        viewAt(node.state, 1).own[own] = { target, signature: undefined };
      }
      const nextTarget = next === "nullify" ? undefined : first.target;
      return guardRefusal(node.state, next, 1, nextTarget) ?? "allowed";
    };
    expect(allowed("none", "notarize", 1)).toBe("allowed");
    expect(allowed("notarize", "notarize", 1)).toBe("ALREADY_VOTED");
    expect(allowed("nullify", "notarize", 1)).toBe("NOTARIZE_AFTER_NULLIFY");
    expect(allowed("finalize", "notarize", 1)).toBe("SETTLED_VIEW");
    expect(allowed("none", "nullify", 1)).toBe("allowed");
    expect(allowed("notarize", "nullify", 1)).toBe("allowed");
    expect(allowed("nullify", "nullify", 1)).toBe("ALREADY_VOTED");
    expect(allowed("finalize", "nullify", 1)).toBe("NULLIFY_AFTER_FINALIZE");
    expect(allowed("none", "finalize", 1)).toBe("allowed");
    expect(allowed("notarize", "finalize", 1)).toBe("allowed");
    expect(allowed("nullify", "finalize", 1)).toBe("FINALIZE_AFTER_NULLIFY");
    expect(allowed("finalize", "finalize", 1)).toBe("ALREADY_VOTED");
    expect(allowed("none", "finalize", 0)).toBe("NOT_NOTARIZED");
  });

  test("a block is voted for only when the application found it valid", () => {
    const node = new TestNode({ self, validates: false });
    node.receive(others[0] ?? 0, proposalOf(first));
    expect(guardRefusal(node.state, "notarize", 1, first.target)).toBe("NOT_VALIDATED");
    node.certificate(certificateBy(others, "notarize", 1, first.target));
    expect(guardRefusal(node.state, "finalize", 1, first.target)).toBe("NOT_VALIDATED");
    const other = { ...first.target, parentDigest: first.digest };
    expect(guardRefusal(node.state, "finalize", 1, other)).toBe("NOT_NOTARIZED");
  });
});

describe("order of effects", () => {
  test("header and vote are in the journal before the signature is asked for", () => {
    const node = new TestNode({ self, manualSigner: true });
    node.receive(others[0] ?? 0, proposalOf(first));
    const kinds = node.effects.map(({ type }) => type);
    expect(kinds.indexOf("sign")).toBeGreaterThan(kinds.indexOf("persist"));
    expect(node.all("sign")).toHaveLength(1);
    expect(node.votesSent()).toEqual([]);
  });

  test("a finalize vote stands behind the notarization in the journal", () => {
    const node = new TestNode({ self, manualSigner: true });
    node.receive(others[0] ?? 0, proposalOf(first));
    node.clear();
    node.certificate(certificateBy(others, "notarize", 1, first.target));
    const kinds = node.effects.map(({ type }) => type);
    expect(kinds.filter((kind) => kind === "persist")).toHaveLength(2);
    expect(kinds.indexOf("sign")).toBeGreaterThan(kinds.lastIndexOf("persist"));
  });
});
