import { describe, expect, test } from "vitest";
import { checkAdmission } from "../admission.ts";
import { pendingChangesOf } from "../closing.ts";
import { stubKey } from "../testing/test-ledger.ts";
import { keyOf, ValidatorLedger } from "../testing/validator-ledger.ts";

/** Seven of equal weight: F is 2. */
const SEVEN = ["sbp-1", "sbp-2", "sbp-3", "fin-1", "fin-2"]
  .map((name) => ({ name, member: name.startsWith("sbp") ? "SBP" : "FINDIV" }))
  .concat([
    { name: "hbl-1", member: "HBL" },
    { name: "ubl-1", member: "UBL" },
  ]);

describe("a proposed change", () => {
  test("waits in the order of proposal, and says so", () => {
    const ledger = new ValidatorLedger(SEVEN);
    const change = ledger.admission("sbp-9");
    const signers = ["SBP", "FINDIV"];
    const result = ledger.block(ledger.transaction("change-validators", change, { signers }));
    expect(result.events.map(({ event }) => event)).toEqual([
      {
        type: "validatorChangeProposed",
        body: { action: "ADMIT", name: "sbp-9", member: "SBP", timing: "EPOCH_END" },
      },
    ]);
    expect(ledger.outcome(ledger.removal("hbl-1", "HBL"))).toBe("APPLIED");
    expect(pendingChangesOf(ledger.state)).toMatchObject([
      { action: "ADMIT", name: "sbp-9", number: 7, ready: false, height: 1 },
      { action: "REMOVE", name: "hbl-1", number: undefined, ready: true, height: 2 },
    ]);
    expect(ledger.names).toHaveLength(7);
  });

  test("is signed by sovereign and central bank, and by the operator of a new key", () => {
    const ledger = new ValidatorLedger();
    const missing = (change: Parameters<typeof ledger.outcome>[0], signers: string[]) => {
      const transaction = ledger.transaction("change-validators", change, { signers });
      const { receipts } = ledger.block(transaction);
      return [receipts[0]?.outcome.code, receipts[0]?.field];
    };
    const admission = ledger.admission("hbl-9", "HBL");
    expect(missing(admission, ["FINDIV", "HBL"])).toEqual([
      "TX_MISSING_SIGNER",
      "role CENTRAL_BANK",
    ]);
    expect(missing(admission, ["SBP", "HBL"])).toEqual(["TX_MISSING_SIGNER", "role SOVEREIGN"]);
    expect(missing(admission, ["SBP", "FINDIV"])).toEqual([
      "TX_MISSING_SIGNER",
      "member in member",
    ]);
    const rotation = ledger.rotation("hbl-1", "HBL", 1);
    expect(missing(rotation, ["SBP", "FINDIV"])).toEqual(["TX_MISSING_SIGNER", "member in member"]);
    // A removal is not the removed one's to sign.
    const seven = new ValidatorLedger(SEVEN);
    const removal = seven.transaction("change-validators", seven.removal("hbl-1", "HBL"), {
      signers: ["SBP", "FINDIV"],
    });
    expect(checkAdmission(removal, seven.state, 1)).toEqual({ ok: true });
    expect(seven.block(removal).receipts[0]?.outcome.code).toBe("APPLIED");
  });

  test("takes a governance key", () => {
    const ledger = new ValidatorLedger();
    const options = { signers: ["SBP", "FINDIV"], keyId: "k1" };
    const receipt = ledger.send("change-validators", ledger.admission("sbp-9"), options);
    expect(receipt.outcome.code).toBe("TX_UNKNOWN_SIGNER");
  });

  test.each([
    ["an admission without weight", { weight: undefined }, "weight"],
    ["an admission of no weight", { weight: 0 }, "weight"],
    ["an admission without a key", { consensusKey: undefined }, "consensusKey"],
    ["an admission without a network key", { networkKey: undefined }, "networkKey"],
    ["one key for both", { networkKey: keyOf("sbp-9 consensus") }, "networkKey"],
    ["a removal with keys", { action: "REMOVE" as const, weight: undefined }, "networkKey"],
    ["a rotation with a weight", { action: "ROTATE" as const, name: "sbp-1" }, "weight"],
    [
      "a rotation of nothing",
      {
        action: "ROTATE" as const,
        consensusKey: undefined,
        networkKey: undefined,
        weight: undefined,
      },
      "consensusKey",
    ],
  ])("%s has the wrong form", (_, fault, field) => {
    const ledger = new ValidatorLedger();
    const receipt = ledger.change(ledger.admission("sbp-9", "SBP", fault));
    expect([receipt.outcome.code, receipt.field]).toEqual(["TERMS_INVALID", field]);
  });

  test("names a member and a validator that exist, or one that does not yet", () => {
    const ledger = new ValidatorLedger();
    const both = ["SBP", "FINDIV"];
    const nobodys = ledger.admission("x", "NOBODY");
    expect(ledger.send("change-validators", nobodys, { signers: both }).outcome.code).toBe(
      "MEMBER_UNKNOWN",
    );
    expect(ledger.outcome(ledger.removal("nobody"))).toBe("VALIDATOR_UNKNOWN");
    expect(ledger.outcome(ledger.removal("hbl-1", "SBP"))).toBe("VALIDATOR_UNKNOWN");
    expect(ledger.outcome(ledger.admission("sbp-1"))).toBe("VALIDATOR_EXISTS");
    expect(ledger.outcome(ledger.admission("sbp-9"))).toBe("APPLIED");
    const again = { consensusKey: keyOf("x"), networkKey: keyOf("y") };
    expect(ledger.outcome(ledger.admission("sbp-9", "SBP", again))).toBe("CHANGE_PENDING");
  });

  test("brings keys that can be registered and never were", () => {
    const ledger = new ValidatorLedger();
    const withKey = (key: Uint8Array) =>
      ledger.outcome(ledger.admission("sbp-9", "SBP", { consensusKey: key }));
    expect(withKey(keyOf("sbp-1 consensus"))).toBe("VALIDATOR_KEY_USED");
    expect(withKey(keyOf("hbl-1 network"))).toBe("VALIDATOR_KEY_USED");
    // The key of a member, and one that was given up.
    expect(withKey(stubKey("HBL/k1"))).toBe("VALIDATOR_KEY_USED");
    expect(ledger.outcome(ledger.admission("sbp-8"))).toBe("APPLIED");
    expect(ledger.outcome(ledger.withdrawal("sbp-8"))).toBe("APPLIED");
    expect(withKey(keyOf("sbp-8 consensus"))).toBe("VALIDATOR_KEY_USED");
    // The identity, a point of order two, and no point.
    expect(withKey(Uint8Array.of(1, ...new Uint8Array(31)))).toBe("VALIDATOR_KEY_INVALID");
    expect(withKey(Uint8Array.of(0xec, ...new Uint8Array(30).fill(0xff), 0x7f))).toBe(
      "VALIDATOR_KEY_INVALID",
    );
    expect(withKey(new Uint8Array(32).fill(0xff))).toBe("VALIDATOR_KEY_INVALID");
    expect(pendingChangesOf(ledger.state)).toEqual([]);
  });

  test("leaves four validators, none of a third, and the sovereign in control", () => {
    const four = new ValidatorLedger();
    expect(four.outcome(four.removal("hbl-1", "HBL"))).toBe("VALIDATORS_TOO_FEW");
    // 2 of 4 would belong to a custodian: F is 1.
    expect(four.outcome(four.admission("hbl-2", "HBL"))).toBe("SOVEREIGN_CONTROL");
    expect(four.outcome(four.admission("sbp-9", "SBP", { weight: 2 }))).toBe("VALIDATOR_TOO_HEAVY");
    const seven = new ValidatorLedger(SEVEN);
    expect(seven.outcome(seven.admission("sbp-9", "SBP", { weight: 3 }))).toBe("VALIDATOR_CHURN");
    expect(seven.outcome(seven.admission("sbp-9", "SBP", { weight: 2 }))).toBe("APPLIED");
    const skewed = new ValidatorLedger([
      { name: "sbp-1", member: "SBP", weight: 3 },
      { name: "sbp-2", member: "SBP", weight: 3 },
      { name: "fin-1", member: "FINDIV", weight: 3 },
      { name: "fin-2", member: "FINDIV", weight: 3 },
      { name: "sbp-3", member: "SBP", weight: 1 },
    ]);
    // F is 4 of 13: a removal of 3 fits, and what remains is 3 of 10 each.
    expect(skewed.outcome(skewed.removal("fin-2", "FINDIV"))).toBe("APPLIED");
    const light = new ValidatorLedger([
      ...["a", "b"].map((name) => ({ name, member: "SBP", weight: 6 })),
      ...["c", "d"].map((name) => ({ name, member: "SBP", weight: 3 })),
      { name: "e", member: "FINDIV", weight: 3 },
    ]);
    // 6 of 18 would be a third.
    expect(light.outcome(light.removal("c"))).toBe("VALIDATOR_TOO_HEAVY");
  });

  test("does not make more than 25 validators", () => {
    const sites = Array.from({ length: 25 }, (_, i) => ({ name: `sbp-${i}`, member: "SBP" }));
    const ledger = new ValidatorLedger(sites);
    expect(ledger.outcome(ledger.admission("one-more"))).toBe("VALIDATORS_TOO_MANY");
  });

  test("finds the list of those that wait full", () => {
    const sites = Array.from({ length: 22 }, (_, i) => ({ name: `sbp-${i}`, member: "SBP" }));
    const ledger = new ValidatorLedger(sites, 1_000);
    for (let i = 0; i < 16; i++) {
      expect(ledger.outcome(ledger.removal(`sbp-${i}`))).toBe("APPLIED");
    }
    expect(ledger.outcome(ledger.removal("sbp-20"))).toBe("LIMIT_REACHED");
  });

  test("is taken back by name and member", () => {
    const ledger = new ValidatorLedger();
    expect(ledger.outcome(ledger.withdrawal("sbp-9"))).toBe("CHANGE_UNKNOWN");
    ledger.change(ledger.admission("sbp-9"));
    expect(ledger.outcome(ledger.withdrawal("sbp-9", "HBL"))).toBe("CHANGE_UNKNOWN");
    expect(ledger.outcome(ledger.withdrawal("sbp-9"))).toBe("APPLIED");
    ledger.closeEpoch();
    expect(ledger.names).toHaveLength(4);
  });

  test("does not make a block look at keys without end", () => {
    const ledger = new ValidatorLedger(SEVEN);
    const bad = new Uint8Array(32).fill(0xff);
    const transactions = Array.from({ length: 20 }, (_, i) =>
      ledger.transaction(
        "change-validators",
        ledger.admission(`sbp-x${i}`, "SBP", { consensusKey: bad }),
        { signers: ["SBP", "FINDIV"] },
      ),
    );
    const codes = ledger.block(...transactions).receipts.map(({ outcome }) => outcome.code);
    expect(codes.slice(0, 16)).toEqual(Array(16).fill("VALIDATOR_KEY_INVALID"));
    expect(codes.slice(16)).toEqual(Array(4).fill("KEY_CHECKS_SPENT"));
    expect(ledger.outcome(ledger.admission("sbp-9"))).toBe("APPLIED");
  });
});
