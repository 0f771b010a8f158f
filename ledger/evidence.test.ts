import { describe, expect, test } from "vitest";
import { InvariantError } from "../primitives/assert.ts";
import { utf8 } from "../primitives/bytes.ts";
import {
  type EvidenceRecord,
  evidenceForBlock,
  evidenceHash,
  evidenceProblem,
} from "./evidence.ts";
import { evidenceTable } from "./state/evidence.ts";
import { ValidatorLedger } from "./testing/validator-ledger.ts";

function proof(text: string, changes: Partial<EvidenceRecord> = {}): EvidenceRecord {
  return { bytes: utf8(text), signer: 1, epoch: 0, view: 7, ...changes };
}

function sorted(...records: readonly EvidenceRecord[]): EvidenceRecord[] {
  return records.toSorted((a, b) => (evidenceHash(a) < evidenceHash(b) ? -1 : 1));
}

describe("evidence in a header", () => {
  test("is recorded under its hash, with an event, and once", () => {
    const ledger = new ValidatorLedger();
    const [a, b] = sorted(proof("a"), proof("b", { signer: 3, view: 9 }));
    if (a === undefined || b === undefined) throw new Error("two proofs");
    expect(evidenceProblem(ledger.state, [a, b])).toBeUndefined();
    ledger.evidence.push(a, b);
    const { events } = ledger.block();
    expect(events.map(({ event }) => event.type)).toEqual(["evidenceRecorded", "evidenceRecorded"]);
    for (const record of [a, b]) {
      expect(evidenceTable.read(ledger.state, evidenceHash(record))).toMatchObject({
        validator: record.signer === 1 ? "sbp-2" : "hbl-1",
        epoch: 0,
        view: record.view,
        height: 1,
      });
    }
    expect(evidenceProblem(ledger.state, [a])).toBe("RECORDED");
    ledger.evidence.push(a);
    expect(() => ledger.block()).toThrow(InvariantError);
  });

  test("stands in rising order, each once, at most four", () => {
    const { state } = new ValidatorLedger();
    const list = sorted(
      ...["a", "b", "c", "d", "e"].map((text, i) => proof(text, { signer: i % 4 })),
    );
    expect(evidenceProblem(state, list.slice(0, 4))).toBeUndefined();
    expect(evidenceProblem(state, list)).toBe("TOO_MANY");
    expect(evidenceProblem(state, list.slice(0, 2).toReversed())).toBe("ORDER");
    expect(evidenceProblem(state, [...list.slice(0, 1), ...list.slice(0, 1)])).toBe("ORDER");
  });

  test("is of this epoch or the one before, and of a validator of its set", () => {
    const ledger = new ValidatorLedger();
    expect(evidenceProblem(ledger.state, [proof("a", { epoch: 1 })])).toBe("EPOCH");
    expect(evidenceProblem(ledger.state, [proof("a", { signer: 4 })])).toBe("SIGNER");
    ledger.change(ledger.admission("sbp-9"));
    ledger.ready("sbp-9", "SBP");
    ledger.closeEpoch();
    expect(evidenceProblem(ledger.state, [proof("a", { signer: 4 })])).toBe("SIGNER");
    expect(evidenceProblem(ledger.state, [proof("a", { signer: 4, epoch: 1 })])).toBeUndefined();
    expect(evidenceProblem(ledger.state, [proof("a")])).toBeUndefined();
    ledger.closeEpoch();
    expect(evidenceProblem(ledger.state, [proof("a")])).toBe("EPOCH");
  });

  test("fills the state up to four proofs a validator and epoch", () => {
    const ledger = new ValidatorLedger();
    const proofs = sorted(...Array.from({ length: 9 }, (_, i) => proof(`x${i}`)));
    expect(evidenceForBlock(ledger.state, proofs)).toEqual(proofs.slice(0, 4));
    ledger.evidence.push(...sorted(...proofs.slice(0, 3)));
    ledger.block();
    const [fourth, fifth] = proofs.slice(3, 5);
    if (fourth === undefined || fifth === undefined) throw new Error("five proofs");
    expect(evidenceProblem(ledger.state, [fourth, fifth])).toBe("ENOUGH");
    expect(evidenceForBlock(ledger.state, proofs)).toEqual([fourth]);
    ledger.evidence.push(fourth);
    ledger.block();
    expect(evidenceProblem(ledger.state, [fifth])).toBe("ENOUGH");
    expect(evidenceProblem(ledger.state, [proof("other", { signer: 2 })])).toBeUndefined();
    expect(evidenceForBlock(ledger.state, proofs)).toEqual([]);
  });

  test("stays recorded over epochs", () => {
    const ledger = new ValidatorLedger();
    const record = proof("a");
    ledger.evidence.push(record);
    ledger.block();
    ledger.closeEpoch();
    expect(evidenceProblem(ledger.state, [record])).toBe("RECORDED");
    expect(evidenceForBlock(ledger.state, [record, record, proof("b", { epoch: 1 })])).toEqual([
      proof("b", { epoch: 1 }),
    ]);
  });
});
