import type { LedgerEvent } from "../events.ts";
import type { LedgerState } from "../state/ledger-state.ts";
import type { Table } from "../state/table.ts";
import type { WholeState } from "../whole-state.ts";

/** A table of whatever type. */
export type AnyTable = Pick<Table<never>, "name" | "key"> & { decode(bytes: Uint8Array): unknown };

/** What one room of the ledger asserts about its own records. */
export interface RoomCheck {
  readonly name: string;
  /** The room's tables: a state may hold their records. */
  readonly tables: readonly AnyTable[];
  /**
   * After each block, over what it changed; `events` holds those of each transaction and each item
   * of a step. Cheap where the room did nothing. Throws InvariantError: the node stops.
   */
  readonly checkBlock?: (state: LedgerState, events: readonly (readonly LedgerEvent[])[]) => void;
  /** Over everything, at boot and for snapshots. Throws InvariantError. */
  readonly checkWhole?: (whole: WholeState) => void;
}
