import { messageOf } from "../../primitives/errors.ts";
import type { EpochEnd } from "../effects.ts";
import type { ApplicationModel } from "./application-model.ts";
import type { Core } from "./core-port.ts";
import { type EpochJournal, type EpochJournals, resumePoint } from "./epoch-boot.ts";
import type { World } from "./world.ts";

export interface CoreBootOptions {
  readonly world: World;
  readonly node: number;
  readonly application: ApplicationModel;
  readonly journals: EpochJournals;
  /** The node follows and never votes. */
  readonly observes: boolean;
  /** The epoch before ended so in this very process. */
  readonly begins: EpochEnd | undefined;
}

export interface BootedCore {
  readonly core: Core;
  readonly epoch: number;
  readonly journal: EpochJournal;
  /** View of the block that it starts from. */
  readonly floorView: number;
}

/** A core of the epoch that the block store stands in; undefined where it cannot start. */
export function bootCore(options: CoreBootOptions): BootedCore | undefined {
  const { world, node, application, journals, observes, begins } = options;
  const { epoch, anchor, previous } = resumePoint(world, application);
  const journal = journals.of(epoch);
  if (previous?.epoch !== begins?.epoch && begins !== undefined) {
    world.checker.fail("HALT", `node ${node} leaves epoch ${begins.epoch} for ${epoch}`);
  }
  if (anchor.finalization?.epoch === epoch) journal.watch.certifiedByBlockStore(anchor.view);
  try {
    const core = world.startCore(
      {
        chainId: world.chainId,
        epoch,
        validators: world.epochs.of(epoch).set,
        self: observes ? undefined : world.epochs.indexOf(epoch, node),
        parameters: world.parameters,
        anchor,
        previous,
        startGate: begins?.startGate,
        evidence: begins?.evidence,
        halt: begins?.halt,
      },
      journal.file.entries,
      anchor,
    );
    world.checker.beganEpoch(node, epoch);
    return { core, epoch, journal, floorView: anchor.view };
  } catch (error) {
    world.checker.fail("HALT", `node ${node} cannot restart: ${messageOf(error)}`);
    return undefined;
  }
}
