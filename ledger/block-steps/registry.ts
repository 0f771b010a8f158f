import { allotmentStep } from "../auctions/allotment-step.ts";
import { intradayStep } from "../collateral/intraday-step.ts";
import { instructionsDue } from "../instructions/due-steps.ts";
import { grossPass } from "../instructions/gross-pass.ts";
import { lifeCycleStep } from "../life-cycle/step.ts";
import { nettingStep } from "../netting/netting-step.ts";
import type { BlockStep } from "./block-step.ts";

/** The steps of every block, one line each, in the order in which they run. */
export const blockSteps: readonly BlockStep[] = [
  lifeCycleStep,
  allotmentStep,
  instructionsDue,
  grossPass,
  nettingStep,
  intradayStep,
];
