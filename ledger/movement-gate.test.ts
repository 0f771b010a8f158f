import { describe, expect, test } from "vitest";
import type { Execution } from "./execution.ts";
import type { UnitMovement } from "./movement.ts";
import { checkMovements, gateCodes } from "./movement-gate.ts";
import { movementRules } from "./movement-rules/registry.ts";
import { precedenceOf } from "./outcome.ts";
import type { Account } from "./state/account.ts";
import { LedgerState } from "./state/ledger-state.ts";
import { openedLedger } from "./testing/test-ledger.ts";
import { kinds, kindTable } from "./transactions/kinds.ts";
import { CBDC } from "./types.ts";

const state = new LedgerState(openedLedger().state);
const execution: Execution = {
  state,
  height: 20,
  timestampMs: 20_000,
  businessDate: "2025-11-25",
  txId: "11".repeat(32),
  emit: () => undefined,
  takeKeyCheck: () => false,
};

function account(id: string, status: Account["status"]): Account {
  const found = state.accounts.get(id);
  if (found === undefined) throw new Error(`no account ${id}`);
  return { ...found, status };
}

function movement(from: Account, to: Account): UnitMovement {
  return {
    from,
    to,
    asset: CBDC,
    parts: [{ amount: 1n, reason: "CASH_TRANSFER" }],
    purpose: "CASH_TRANSFER",
    reference: "R",
    fields: { from: "from", to: "to" },
  };
}

describe("the movement gate", () => {
  test("lists its rules in the order of their codes, each code once", () => {
    const places = gateCodes.map(precedenceOf);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(new Set(gateCodes).size).toBe(gateCodes.length);
    expect(new Set(movementRules.map(({ name }) => name)).size).toBe(movementRules.length);
    expect(gateCodes.slice(0, 2)).toEqual(["ACCOUNT_CLOSED", "ACCOUNT_FROZEN"]);
  });

  test("of two faults in two movements gives the code that stands first", () => {
    const [open, frozen, closed] = [
      account("CASH-HBL", "OPEN"),
      account("CASH-UBL", "BLOCKED_BOTH"),
      account("CASH-GOV", "CLOSED"),
    ];
    const legs = [movement(frozen, open), movement(open, closed)];
    expect(checkMovements(execution, legs)).toEqual({ code: "ACCOUNT_CLOSED", field: "to" });
    expect(checkMovements(execution, legs.slice(0, 1))).toEqual({
      code: "ACCOUNT_FROZEN",
      field: "from",
    });
    expect(checkMovements(execution, [])).toBeUndefined();
  });

  test("a kind that can fail with one of its codes lists them all", () => {
    // Opening an account looks at the account above it; no unit moves.
    const others = new Set(["open-account"]);
    const partial = kinds.filter((kind) => {
      const failures: readonly string[] = kindTable[kind].failures;
      const listed = gateCodes.filter((code) => failures.includes(code));
      return listed.length > 0 && listed.length < gateCodes.length && !others.has(kind);
    });
    expect(partial).toEqual([]);
  });
});
