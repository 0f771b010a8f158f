import { invariant, present } from "../primitives/assert.ts";
import { compareBytes, concatBytes, FixedWriter, fromHex, utf8 } from "../primitives/bytes.ts";
import { sha256 } from "../primitives/sha256.ts";

const SCHEDULE_DOMAIN = utf8("MIZAN/LEADERS/1\0");

/**
 * Order of leaders of one epoch: a permutation of the validators, so that turns are equal whatever
 * the weights. Validator i sorts by SHA-256(SHA-256("MIZAN/LEADERS/1\0" || chainId || epoch ||
 * closing digest of the epoch before) || i). Before epoch 0 the closing digest is the chainId.
 */
export function leaderSchedule(
  chainId: string,
  epoch: number,
  previousClosingDigest: string,
  validatorCount: number,
): readonly number[] {
  invariant(validatorCount > 0, "an epoch has validators");
  const seed = sha256(
    concatBytes(
      SCHEDULE_DOMAIN,
      fromHex(chainId),
      new FixedWriter(8).u64(epoch).finish(),
      fromHex(previousClosingDigest),
    ),
  );
  const ranked = Array.from({ length: validatorCount }, (_, index) => ({
    index,
    rank: sha256(concatBytes(seed, new FixedWriter(4).u32(index).finish())),
  }));
  ranked.sort((a, b) => compareBytes(a.rank, b.rank) || a.index - b.index);
  return ranked.map(({ index }) => index);
}

/** Leader of a view: schedule[view mod length]. */
export function leaderOf(schedule: readonly number[], view: number): number {
  return present(schedule[view % schedule.length], "leader of a view");
}
