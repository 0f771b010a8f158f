import { type Bench, type RateResult, runRate } from "../network/rate-step.ts";
import { type ProcessProfile, ProfileWindow } from "./profile-window.ts";

export interface ProfiledRate {
  readonly result: RateResult;
  readonly profiles: readonly ProcessProfile[];
}

/** One rate with every validator profiled from the first sending to the last finality. */
export async function profiledRate(
  bench: Bench,
  directory: string,
  rate: number,
  seconds: number,
): Promise<ProfiledRate> {
  const processes = bench.network.validators.map((validator) => ({
    name: validator.name,
    pid: bench.underTest.pidOf(validator),
  }));
  let window: ProfileWindow | undefined;
  let profiles: readonly ProcessProfile[] = [];
  const result = await runRate(bench, rate, seconds, {
    async begin() {
      window = await ProfileWindow.open(directory, processes);
    },
    async end() {
      profiles = (await window?.close()) ?? [];
    },
  });
  return { result, profiles };
}
