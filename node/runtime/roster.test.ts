import { describe, expect, test } from "vitest";
import { keyOf, ValidatorLedger, validatorSigner } from "../../ledger/testing/validator-ledger.ts";
import { UNKNOWN_NUMBER } from "../net/limits.ts";
import { type OwnKeys, rosterOf } from "./roster.ts";

function keysOf(consensus: string, network: string): OwnKeys {
  return { consensusKey: keyOf(consensus), networkKey: keyOf(network) };
}

const SBP_2 = keysOf("sbp-2 consensus", "sbp-2 network");

function peerNumbers(ledger: ValidatorLedger): readonly number[] {
  return rosterOf(ledger.state, SBP_2).peers.map(({ index }) => index);
}

describe("a roster", () => {
  test("says what this node is, by its keys", () => {
    const ledger = new ValidatorLedger();
    const roster = rosterOf(ledger.state, SBP_2);
    expect(roster).toMatchObject({ epoch: 0, startHeight: 1, self: 1, ownNumber: 1 });
    expect(roster.set).toMatchObject({ total: 4, quorum: 3 });
    expect([...roster.weights]).toEqual([0, 1, 2, 3].map((number) => [number, 1]));
    const stranger = rosterOf(ledger.state, keysOf("x", "y"));
    expect(stranger).toMatchObject({ self: undefined, ownNumber: UNKNOWN_NUMBER });
    // A new consensus key on the same machine: an observer of a known identity.
    const rotating = rosterOf(ledger.state, keysOf("sbp-2 consensus 1", "sbp-2 network"));
    expect(rotating).toMatchObject({ self: undefined, ownNumber: 1 });
  });

  test("knows who joins from the proposal on, without a vote", () => {
    const ledger = new ValidatorLedger();
    ledger.change(ledger.admission("sbp-9"));
    const roster = rosterOf(ledger.state, SBP_2);
    expect(peerNumbers(ledger)).toEqual([0, 1, 2, 3, 4]);
    expect(roster.weights.has(4)).toBe(false);
    expect(roster.indexOf(4)).toBeGreaterThanOrEqual(25);
    expect(roster.numbersOf(roster.indexOf(4))).toEqual([4]);
    const own = rosterOf(ledger.state, keysOf("sbp-9 consensus", "sbp-9 network"));
    expect(own).toMatchObject({ self: undefined, ownNumber: 4 });
    ledger.ready("sbp-9", "SBP");
    ledger.closeEpoch();
    const joined = rosterOf(ledger.state, keysOf("sbp-9 consensus", "sbp-9 network"));
    expect(joined).toMatchObject({ epoch: 1, self: 4, ownNumber: 4 });
  });

  test("numbers stay where indexes move", () => {
    const ledger = new ValidatorLedger();
    ledger.change(ledger.admission("sbp-9"));
    ledger.ready("sbp-9", "SBP");
    ledger.closeEpoch();
    ledger.change(ledger.removal("sbp-1"));
    ledger.closeEpoch();
    const roster = rosterOf(ledger.state, SBP_2);
    expect(roster).toMatchObject({ epoch: 2, self: 0, ownNumber: 1 });
    expect([1, 2, 3, 4].map((number) => roster.indexOf(number))).toEqual([0, 1, 2, 3]);
    expect(roster.numbersOf(0)).toEqual([1]);
  });

  test("keeps those that left for two epochs", () => {
    const ledger = new ValidatorLedger();
    ledger.change(ledger.admission("sbp-9"));
    ledger.ready("sbp-9", "SBP");
    ledger.closeEpoch();
    ledger.change(ledger.removal("hbl-1", "HBL"));
    ledger.closeEpoch();
    expect(peerNumbers(ledger)).toEqual([0, 1, 2, 4, 3]);
    expect(rosterOf(ledger.state, SBP_2).weights.has(3)).toBe(false);
    ledger.closeEpoch();
    expect(peerNumbers(ledger)).toContain(3);
    ledger.closeEpoch();
    expect(peerNumbers(ledger)).toEqual([0, 1, 2, 4]);
  });

  test("of a rotation knows both identities until it is done, then the new one", () => {
    const ledger = new ValidatorLedger();
    ledger.change(ledger.rotation("fin-1", "FINDIV", 1));
    const both = rosterOf(ledger.state, SBP_2);
    expect(peerNumbers(ledger)).toEqual([0, 1, 2, 3, 4]);
    // The new identity is not the validator yet: its vote is another key's.
    expect(both.numbersOf(2)).toEqual([2]);
    ledger.ready("fin-1", "FINDIV", validatorSigner("fin-1 consensus 1"));
    ledger.closeEpoch();
    expect(peerNumbers(ledger)).toEqual([0, 1, 4, 3]);
    expect(rosterOf(ledger.state, SBP_2).numbersOf(2)).toEqual([4]);
  });

  test("a network key that changes alone speaks for the validator at once", () => {
    const ledger = new ValidatorLedger();
    const change = ledger.rotation("fin-1", "FINDIV", 1, { consensusKey: undefined });
    ledger.change(change);
    const roster = rosterOf(ledger.state, SBP_2);
    expect(roster.indexOf(4)).toBe(2);
    expect(roster.numbersOf(2)).toEqual([2, 4]);
  });
});
