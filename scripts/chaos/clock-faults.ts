import { patientClient } from "./evidence.ts";
import type { ValidatorIndex } from "./fault.ts";
import type { FaultField } from "./fault-field.ts";

/**
 * Restarts the victim with a clock that is wrong by `offsetMs`. The network goes on and the victim
 * follows; what a clock far ahead stamps must never become a block. Then its clock is set right.
 */
export async function skewClock(
  field: FaultField,
  victim: ValidatorIndex,
  offsetMs: number,
  holdMs: number,
  isLarge: boolean,
): Promise<void> {
  const { network, watch } = field;
  const name = network.name(victim);
  const mark = await network.logMark(victim);
  await network.stop(victim);
  await network.setClockOffset(victim, offsetMs);
  await network.start(victim);
  if (!(await field.comesToTip(victim))) field.problem(`${name} does not come to the tip`);
  const from = watch.tip + 1;
  await field.holdWithQuorum(holdMs);
  if (!watch.isAtTip(victim)) field.problem(`${name} does not follow: ${watch.describe()}`);
  const blocks = await blocksBy(field, victim, from, watch.tip);
  field.note(`${blocks.own} of ${blocks.all} blocks are its own`);
  if (isLarge && offsetMs > 0 && blocks.own > 0) {
    field.problem(`${blocks.own} blocks have a timestamp of a clock ${offsetMs / 1000} s ahead`);
  }
  const lines = await network.logSince(victim, mark);
  const isReported = lines.some((line) => line.includes('"event":"consensus.clock-skew"'));
  if (isReported) field.note(`${name} reports the skew`);
  else field.problem(`${name} does not report a skew of ${offsetMs / 1000} s`);
  await network.stop(victim);
  await network.setClockOffset(victim, 0);
  await network.start(victim);
  await field.recover();
}

async function blocksBy(
  field: FaultField,
  victim: ValidatorIndex,
  from: number,
  to: number,
): Promise<{ readonly own: number; readonly all: number }> {
  const { network } = field;
  const other = network.indices().find((i) => i !== victim) ?? 0;
  const client = patientClient(network.validator(other).rpcUrl);
  let own = 0;
  let all = 0;
  for (let height = from; height < to; height++) {
    const { proposer } = await client.call("chain.block", {
      height: String(height),
      view: "header",
    });
    all += 1;
    if (proposer === victim) own += 1;
  }
  return { own, all };
}
