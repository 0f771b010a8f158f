import { describe, expect, test } from "vitest";
import { pendingChangesOf } from "../closing.ts";
import { ValidatorLedger, validatorSigner } from "../testing/validator-ledger.ts";

describe("a new key's statement", () => {
  test("makes its change ready, once", () => {
    const ledger = new ValidatorLedger();
    ledger.change(ledger.admission("hbl-2", "SBP"));
    const payload = ledger.readyPayload("hbl-2", "SBP");
    const result = ledger.block(ledger.transaction("validator-ready", payload));
    expect(result.events.map(({ event }) => event)).toEqual([
      { type: "validatorReady", body: { name: "hbl-2", member: "SBP", epoch: 0 } },
    ]);
    expect(pendingChangesOf(ledger.state)).toMatchObject([{ name: "hbl-2", ready: true }]);
    expect(ledger.ready("hbl-2", "SBP")).toBe("CHANGE_READY");
  });

  test("is its operator's to send, for a change that waits", () => {
    const ledger = new ValidatorLedger();
    expect(ledger.ready("sbp-9", "SBP")).toBe("CHANGE_UNKNOWN");
    ledger.change(ledger.admission("sbp-9"));
    expect(ledger.ready("sbp-9", "HBL")).toBe("CHANGE_UNKNOWN");
    const payload = ledger.readyPayload("sbp-9", "SBP");
    const other = ledger.send("validator-ready", payload, { signers: ["HBL"] });
    expect([other.outcome.code, other.field]).toEqual(["TX_MISSING_SIGNER", "member in member"]);
    const unknown = ledger.send("validator-ready", { ...payload, member: "NOBODY" });
    expect(unknown.outcome.code).toBe("MEMBER_UNKNOWN");
  });

  test("is signed by the key that will vote", () => {
    const ledger = new ValidatorLedger();
    ledger.change(ledger.admission("sbp-9"));
    expect(ledger.ready("sbp-9", "SBP", validatorSigner("sbp-9 network"))).toBe("READY_SIGNATURE");
    ledger.closeEpoch();
    ledger.change(ledger.rotation("sbp-1", "SBP", 1, { consensusKey: undefined }));
    // Only the network key is new: the consensus key as it stands speaks for it.
    expect(ledger.ready("sbp-1", "SBP", validatorSigner("sbp-1 consensus 1"))).toBe(
      "READY_SIGNATURE",
    );
    expect(ledger.ready("sbp-1", "SBP")).toBe("APPLIED");
  });

  test("names this chain, this epoch and a block that the ledger remembers", () => {
    const ledger = new ValidatorLedger(undefined, 400);
    ledger.change(ledger.admission("sbp-9"));
    const genesisClaim = ledger.claim();
    expect(genesisClaim).toMatchObject({ height: 0, blockDigest: ledger.chainId });
    const code = (claim: Partial<typeof genesisClaim>) => {
      const signer = validatorSigner("sbp-9 consensus");
      const payload = ledger.readyPayload("sbp-9", "SBP", signer, { ...ledger.claim(), ...claim });
      return ledger.send("validator-ready", payload).outcome.code;
    };
    ledger.emptyBlocks(20);
    expect(ledger.claim()).toMatchObject({ height: 16, blockDigest: ledger.digestAt(16) });
    expect(code({ chainId: "ab".repeat(32) })).toBe("READY_SIGNATURE");
    expect(code({ epoch: 1 })).toBe("READY_STALE");
    expect(code({ blockDigest: ledger.digestAt(17) })).toBe("READY_STALE");
    expect(code({ height: 17, blockDigest: ledger.digestAt(17) })).toBe("READY_STALE");
    ledger.emptyBlocks(8 * 16);
    expect(code(genesisClaim)).toBe("READY_STALE");
    expect(code({})).toBe("APPLIED");
  });

  test("of an earlier epoch does not count, and names a block of this one", () => {
    const ledger = new ValidatorLedger();
    ledger.change(ledger.admission("sbp-9"));
    const old = ledger.claim();
    ledger.closeEpoch();
    ledger.block();
    const send = (claim: typeof old) =>
      ledger.send(
        "validator-ready",
        ledger.readyPayload("sbp-9", "SBP", validatorSigner("sbp-9 consensus"), claim),
      ).outcome.code;
    expect(send(old)).toBe("READY_STALE");
    expect(send({ ...old, epoch: 1 })).toBe("READY_STALE");
    // The block that closed the epoch before.
    expect(ledger.claim()).toMatchObject({ epoch: 1, height: 10 });
    expect(send(ledger.claim())).toBe("APPLIED");
  });

  test("does not make a block verify without end", () => {
    const ledger = new ValidatorLedger();
    ledger.change(ledger.admission("sbp-9"));
    const wrong = ledger.readyPayload("sbp-9", "SBP", validatorSigner("another"));
    const transactions = Array.from({ length: 20 }, () =>
      ledger.transaction("validator-ready", wrong),
    );
    const codes = ledger.block(...transactions).receipts.map(({ outcome }) => outcome.code);
    expect(codes).toEqual([
      ...Array<string>(16).fill("READY_SIGNATURE"),
      ...Array<string>(4).fill("KEY_CHECKS_SPENT"),
    ]);
  });
});
