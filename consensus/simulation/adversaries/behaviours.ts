import type { CreateAdversary } from "./adversary.ts";
import { createEquivocator } from "./equivocator.ts";
import { createFalseServer } from "./false-server.ts";
import { createFlooder } from "./flooder.ts";
import { createForger } from "./forger.ts";
import { createInvalidBuilder } from "./invalid-builder.ts";
import { createLateLeader } from "./late-leader.ts";
import { createLeaper } from "./leaper.ts";
import { createLiar } from "./liar.ts";
import { createOldEpochLeader } from "./old-epoch-leader.ts";
import { createSilent } from "./silent.ts";
import { createTwins } from "./twins.ts";
import { createWithholder } from "./withholder.ts";

/** What a Byzantine participant may be. Equivocation twice: the protocol exists for it. */
export const BEHAVIOURS: readonly CreateAdversary[] = [
  createEquivocator,
  createEquivocator,
  createLeaper,
  createTwins,
  createForger,
  createWithholder,
  createLateLeader,
  createInvalidBuilder,
  createOldEpochLeader,
  createFlooder,
  createFalseServer,
  createLiar,
  createSilent,
];
