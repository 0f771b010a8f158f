import type { CreateAdversary } from "./adversary.ts";

/** Never says anything: a validator that is switched off for the whole run. */
export const createSilent: CreateAdversary = () => ({
  start() {},
  receive() {},
});
