import { CATCH_UP_MUTANTS } from "./catching-up.ts";
import { DRIVER_MUTANTS } from "./driver.ts";
import { EPOCH_MUTANTS } from "./epochs.ts";
import { EVIDENCE_MUTANTS } from "./evidence.ts";
import type { Mutant } from "./mutant.ts";
import { PROPOSAL_MUTANTS } from "./proposals.ts";
import { QUORUM_MUTANTS } from "./quorums.ts";
import { RESTART_MUTANTS } from "./restarts.ts";
import { SIGNING_MUTANTS } from "./signing.ts";
import { TIMING_MUTANTS } from "./timing.ts";

/** Every bug that the directed tests must find. */
export const MUTANTS: readonly Mutant[] = [
  ...SIGNING_MUTANTS,
  ...RESTART_MUTANTS,
  ...QUORUM_MUTANTS,
  ...PROPOSAL_MUTANTS,
  ...TIMING_MUTANTS,
  ...EPOCH_MUTANTS,
  ...CATCH_UP_MUTANTS,
  ...EVIDENCE_MUTANTS,
  ...DRIVER_MUTANTS,
];
