import type { ValidatorIndex } from "./fault.ts";
import type { FaultField } from "./fault-field.ts";
import { allClear, cutOff, type LinkRules } from "./link-rules.ts";

/** Rules for a time, then all links whole again. */
export async function disturbLinks(
  field: FaultField,
  rules: LinkRules,
  holdMs: number,
  hasQuorum: boolean,
): Promise<void> {
  const { links } = field.network;
  links.apply(rules);
  try {
    if (hasQuorum) await field.holdWithQuorum(holdMs);
    else await field.holdWithoutQuorum(holdMs);
  } finally {
    links.heal();
  }
  await field.recover();
}

/** Cut and whole in turn, beginning with a cut. */
export async function flapLinks(
  field: FaultField,
  side: readonly ValidatorIndex[],
  periodsMs: readonly number[],
): Promise<void> {
  const { links } = field.network;
  const before = field.watch.tip;
  try {
    for (const [i, ms] of periodsMs.entries()) {
      links.apply(i % 2 === 0 ? cutOff(side) : allClear);
      await field.hold(ms);
    }
  } finally {
    links.heal();
  }
  field.note(`${field.watch.tip - before} blocks became final in ${periodsMs.length} periods`);
  await field.recover();
}
