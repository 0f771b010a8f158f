import { expect, test } from "vitest";
import { delivery, instructionLedger, TODAY, TOMORROW } from "../testing/instruction-ledger.ts";
import { DENOMINATION } from "../testing/test-ledger.ts";
import {
  instructionByReference,
  instructionView,
  queueLengths,
  settlementParametersAt,
  settlementParameterVersions,
  waitingPairs,
} from "./queries.ts";
import { DEFAULT_SETTLEMENT_PARAMETERS } from "./settlement-parameters.ts";

test("instructions are found by id and by reference, with their status tree", () => {
  const market = instructionLedger();
  const { state } = market.ledger;
  const lot = { quantity: 12n * DENOMINATION, minimumLot: DENOMINATION };
  const [first] = market.pair(lot, lot);
  const alone = market.enter({ ...delivery, reference: "D-2" });
  expect(instructionView(state, first)).toMatchObject({
    status: {
      processing: "AckdAccptd",
      matching: "Mtchd",
      settlement: "Pdg",
      isPartlySettled: true,
      reason: "LACK",
    },
    remaining: 2n * DENOMINATION,
  });
  expect(instructionByReference(state, "HBL", "D-2")?.status).toEqual({
    processing: "AckdAccptd",
    matching: "Umtchd",
    settlement: undefined,
    isPartlySettled: false,
    reason: "CMIS",
  });
  market.cancel(alone, "HBL");
  expect(instructionView(state, alone)?.status).toMatchObject({ processing: "Cxld" });
  market.at(TODAY, "16:00");
  expect(instructionView(state, first)?.status.settlement).toBe("Flng");
  expect(instructionView(state, "00")).toBeUndefined();
  expect(instructionByReference(state, "UBL", "D-2")).toBeUndefined();
});

test("queues and parameters", () => {
  const market = instructionLedger();
  const { state } = market.ledger;
  const forward = { settlementDate: TOMORROW };
  market.pair(forward, forward);
  const [held] = market.pair({ reference: "D-2", hold: true }, { reference: "R-2" });
  expect(queueLengths(state)).toEqual({ pending: 1, future: 1 });
  expect(waitingPairs(state, 10)).toEqual([held]);
  expect(settlementParameterVersions(state)).toEqual([]);
  expect(settlementParametersAt(state, TODAY)).toEqual(DEFAULT_SETTLEMENT_PARAMETERS);
});
