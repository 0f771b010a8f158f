import { unreachable } from "../../primitives/assert.ts";
import { skewClock } from "./clock-faults.ts";
import { fillDisk, makeReadOnly } from "./disk-faults.ts";
import type { Fault } from "./fault.ts";
import type { FaultField } from "./fault-field.ts";
import { disturbLinks, flapLinks } from "./link-faults.ts";
import { cutOff, lossy, oneWay, slow } from "./link-rules.ts";
import { restoreOldBackup, wipeData } from "./lost-promises.ts";
import { killAll, killOneByOne, pauseSome } from "./process-faults.ts";
import { changeValidators } from "./validator-faults.ts";

/** Faults that need a file system of their own. */
export function needsMount({ name }: Fault): boolean {
  return name === "disk-full" || name === "read-only-data";
}

/** Injects one fault, heals it and waits for recovery. */
export function inject(fault: Fault, field: FaultField): Promise<void> {
  switch (fault.name) {
    case "kill-one":
      return killOneByOne(field, fault.cycles);
    case "kill-all":
      return killAll(field, fault.downMs);
    case "pause-one":
      return pauseSome(field, [fault.victim], fault.holdMs, true);
    case "pause-quorum":
      return pauseSome(field, fault.victims, fault.holdMs, false);
    case "partition-halves":
      return disturbLinks(field, cutOff(fault.side), fault.holdMs, false);
    case "partition-minority":
      return disturbLinks(field, cutOff(fault.side), fault.holdMs, true);
    case "partition-one-way":
      return disturbLinks(field, oneWay(fault.victim, fault.lost), fault.holdMs, true);
    case "partition-flapping":
      return flapLinks(field, fault.side, fault.periodsMs);
    case "slow-links":
      return disturbLinks(field, slow(fault.delayMs, fault.jitterMs), fault.holdMs, true);
    case "lossy-links":
      return disturbLinks(field, lossy(fault.lossPercent / 100), fault.holdMs, true);
    case "disk-full":
      return fillDisk(field, fault.victim, fault.holdMs);
    case "read-only-data":
      return makeReadOnly(field, fault.victim);
    case "wiped-data":
      return wipeData(field, fault.victim, fault.downMs);
    case "old-backup":
      return restoreOldBackup(field, fault.victim, fault.ageMs, fault.downMs);
    case "clock-small":
    case "clock-large": {
      const isLarge = fault.name === "clock-large";
      return skewClock(field, fault.victim, fault.offsetMs, fault.holdMs, isLarge);
    }
    case "change-validators":
      return changeValidators(field, fault.rotator);
    default:
      return unreachable(fault);
  }
}

/** The fault with its figures, as the table names it. */
export function faultLabel(fault: Fault, nameOf: (i: number) => string): string {
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
  const names = (indices: readonly number[]): string => indices.map(nameOf).join("+");
  switch (fault.name) {
    case "kill-one":
      return `${fault.name} x${fault.cycles.length}`;
    case "kill-all":
      return `${fault.name}, down ${seconds(fault.downMs)}`;
    case "pause-one":
      return `${fault.name} ${nameOf(fault.victim)} ${seconds(fault.holdMs)}`;
    case "pause-quorum":
      return `${fault.name} ${names(fault.victims)} ${seconds(fault.holdMs)}`;
    case "partition-halves":
    case "partition-minority":
      return `${fault.name} ${names(fault.side)} ${seconds(fault.holdMs)}`;
    case "partition-one-way":
      return `${fault.name} ${nameOf(fault.victim)} ${fault.lost} ${seconds(fault.holdMs)}`;
    case "partition-flapping":
      return `${fault.name} ${names(fault.side)} x${fault.periodsMs.length}`;
    case "slow-links":
      return `${fault.name} ${fault.delayMs}±${fault.jitterMs} ms ${seconds(fault.holdMs)}`;
    case "lossy-links":
      return `${fault.name} ${fault.lossPercent} % ${seconds(fault.holdMs)}`;
    case "disk-full":
    case "read-only-data":
    case "old-backup":
      return `${fault.name} ${nameOf(fault.victim)}`;
    case "wiped-data":
      return `${fault.name} ${nameOf(fault.victim)}, down ${seconds(fault.downMs)}`;
    case "clock-small":
    case "clock-large":
      return `${fault.name} ${nameOf(fault.victim)} ${seconds(fault.offsetMs)}`;
    case "change-validators":
      return `${fault.name} +1 -1, keys of ${nameOf(fault.rotator)}`;
    default:
      return unreachable(fault);
  }
}
