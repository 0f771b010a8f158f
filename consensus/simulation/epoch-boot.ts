import { present } from "../../primitives/assert.ts";
import type { PreviousEpoch } from "../state.ts";
import type { Anchor } from "../types.ts";
import type { ApplicationModel, CommittedGroup } from "./application-model.ts";
import type { DiskModel, LogFile } from "./disk-model.ts";
import { JournalWatch } from "./journal-watch.ts";
import type { World } from "./world.ts";

/** The journal of one epoch, and the oracle's reader of it. */
export interface EpochJournal {
  readonly file: LogFile<Uint8Array>;
  readonly watch: JournalWatch;
}

/** Each epoch has a journal of its own, as it has a directory of its own on a real disk. */
export class EpochJournals {
  readonly #chainId: string;
  readonly #disk: DiskModel;
  readonly #journals = new Map<number, EpochJournal>();
  #damaged = false;

  constructor(chainId: string, disk: DiskModel) {
    this.#chainId = chainId;
    this.#disk = disk;
  }

  of(epoch: number): EpochJournal {
    const known = this.#journals.get(epoch);
    if (known !== undefined) return known;
    const file = this.#disk.open<Uint8Array>();
    const journal = { file, watch: new JournalWatch(this.#chainId, epoch, file) };
    this.#journals.set(epoch, journal);
    return journal;
  }

  /** All journals are gone. */
  lose(): void {
    for (const { file } of this.#journals.values()) file.dropFirst(file.length);
    this.#damaged = false;
  }

  /**
   * A bit of a record that was durable is another one now, in the journal that is read at the next
   * start. The checksum shows it, and a torn write cannot be the reason.
   */
  flipBit(): void {
    this.#damaged = [...this.#journals.values()].some(({ file }) => file.durableLength > 0);
  }

  /** Records that may have been promised cannot be read: such a journal is refused. */
  get isDamaged(): boolean {
    return this.#damaged;
  }
}

/** Where a process starts from. */
export interface ResumePoint {
  readonly epoch: number;
  readonly anchor: Anchor;
  readonly previous: PreviousEpoch | undefined;
}

/**
 * From what the block store holds: in the epoch of the last block, or in the next one if that block
 * closes its epoch. There views begin anew.
 */
export function resumePoint(world: World, application: ApplicationModel): ResumePoint {
  const last = application.lastGroup;
  if (last === undefined) {
    return { epoch: world.epochs.firstEpoch, anchor: world.genesis, previous: undefined };
  }
  const anchor = anchorOf(last);
  const header = present(last.headers.at(-1), "last header of a group");
  const closed = header.nextValidators !== undefined;
  const epoch = closed ? header.epoch + 1 : header.epoch;
  return {
    epoch,
    anchor: closed ? { ...anchor, view: 0 } : anchor,
    previous: previousEpoch(world, application, epoch),
  };
}

function previousEpoch(
  world: World,
  application: ApplicationModel,
  epoch: number,
): PreviousEpoch | undefined {
  if (epoch === world.epochs.firstEpoch) return undefined;
  const closing = present(application.closingOf(epoch - 1), "end of the epoch before");
  return { epoch: epoch - 1, validators: world.epochs.of(epoch - 1).set, closing };
}

function anchorOf(group: CommittedGroup): Anchor {
  const header = present(group.headers[group.headers.length - 1], "last header of a group");
  const digest = present(group.digests[group.digests.length - 1], "digest of the last header");
  const { finalization } = group;
  return {
    height: header.height,
    view: finalization.view,
    digest,
    timestampMs: header.timestampMs,
    finalization,
  };
}
