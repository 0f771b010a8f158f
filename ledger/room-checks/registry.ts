import { auctionCheck } from "../auctions/auction-check.ts";
import { collateralCheck } from "../collateral/collateral-check.ts";
import { instructionCheck } from "../instructions/instruction-check.ts";
import { instrumentsCheck } from "../instruments/instruments-check.ts";
import { lifeCycleCheck } from "../life-cycle/life-cycle-check.ts";
import { nettingCheck } from "../netting/netting-check.ts";
import { dueQueueCheck } from "../state/due-queue-check.ts";
import type { RoomCheck } from "./room-check.ts";

/** The rooms with records of their own, one line each. */
export const roomChecks: readonly RoomCheck[] = [
  dueQueueCheck,
  instrumentsCheck,
  lifeCycleCheck,
  auctionCheck,
  instructionCheck,
  collateralCheck,
  nettingCheck,
];
