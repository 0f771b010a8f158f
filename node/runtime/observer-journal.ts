import { decodeRecord } from "../../consensus/journal.ts";
import type { ConsensusConfig } from "../../consensus/state.ts";
import type { DriverJournal } from "./consensus-driver.ts";

interface SeparatedRecords {
  readonly records: readonly Uint8Array[];
  /** Votes above the floor that this node must not lose and this core must not see. */
  readonly votes: readonly Uint8Array[];
}

/**
 * A node that was started with a new consensus key follows the rest of the epoch as an observer,
 * and its journal holds votes of the old key. An observer's core takes none; they stay in the
 * journal all the same, since the old key still has its vote in this epoch and may come back.
 */
export function separateVotes(
  config: Pick<ConsensusConfig, "chainId" | "epoch" | "self">,
  records: readonly Uint8Array[],
): SeparatedRecords {
  if (config.self !== undefined) return { records, votes: [] };
  const rest: Uint8Array[] = [];
  const votes: { readonly view: number; readonly bytes: Uint8Array }[] = [];
  let floor = 0;
  for (const bytes of records) {
    const entry = decodeRecord(config.chainId, config.epoch, bytes);
    if (entry?.type === "vote") votes.push({ view: entry.body.view, bytes });
    else rest.push(bytes);
    if (entry?.type === "floor") floor = Math.max(floor, entry.body.view);
  }
  const live = votes.filter(({ view }) => view > floor).map(({ bytes }) => bytes);
  return { records: rest, votes: live };
}

/** The journal, in which these records stay live whatever the core lets go. */
export function journalThatKeeps(
  journal: DriverJournal,
  kept: readonly Uint8Array[],
): DriverJournal {
  if (kept.length === 0) return journal;
  return {
    append: (records) => journal.append(records),
    rotate: (live) => journal.rotate([...kept, ...live]),
    get bytes() {
      return journal.bytes;
    },
  };
}
