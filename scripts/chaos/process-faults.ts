import type { KillCycle, ValidatorIndex } from "./fault.ts";
import type { FaultField } from "./fault-field.ts";

/** SIGKILL, a pause, a restart, recovery; again and again. */
export async function killOneByOne(field: FaultField, cycles: readonly KillCycle[]): Promise<void> {
  const { network } = field;
  for (const [i, { victim, downMs }] of cycles.entries()) {
    await network.kill(victim);
    await field.hold(downMs);
    await network.start(victim);
    await field.recover();
    field.say(`cycle ${i + 1}/${cycles.length}: ${network.name(victim)}, down ${downMs} ms`);
  }
}

/** SIGKILL for every validator at the same time, then a restart of all. */
export async function killAll(field: FaultField, downMs: number): Promise<void> {
  const { network } = field;
  const all = network.indices();
  await Promise.all(all.map((i) => network.kill(i)));
  await field.hold(downMs);
  for (const i of all) await network.start(i);
  await field.recover();
}

/** SIGSTOP, later SIGCONT: the processes keep their sockets and say nothing. */
export async function pauseSome(
  field: FaultField,
  victims: readonly ValidatorIndex[],
  holdMs: number,
  hasQuorum: boolean,
): Promise<void> {
  const { network } = field;
  for (const i of victims) network.pause(i);
  try {
    if (hasQuorum) await field.holdWithQuorum(holdMs);
    else await field.holdWithoutQuorum(holdMs);
  } finally {
    for (const i of victims) network.resume(i);
  }
  await field.recover();
}
