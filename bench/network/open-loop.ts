import { setTimeout as delay } from "node:timers/promises";
import { invariant, present } from "../../primitives/assert.ts";
import type { Reply, SubmitDoor } from "./submit-door.ts";

/** Time between the start of the clock and the first sending. */
const LEAD_MS = 50;

/** A signed settlement, ready to be sent. */
export interface Prepared {
  readonly txId: string;
  readonly body: Buffer;
}

/** What became of one sending. Times on the clock of performance.now(), ms. */
export interface Sending {
  readonly txId: string;
  /** When it was due, which is what latency counts from. */
  readonly intendedAt: number;
  /** When the generator got to it. */
  readonly sentAt: number;
  readonly repliedAt: number;
  readonly reply: Reply;
}

/** Where a sending goes: a node, or a stand-in for one. */
export type Door = Pick<SubmitDoor, "submit">;

/** When sending `i` of a schedule is due. */
export function dueAt(startsAt: number, perSecond: number, i: number): number {
  return startsAt + (1_000 * i) / perSecond;
}

/**
 * Sends everything at a steady rate, whatever the answers do: each sending has its time, and one
 * that the generator is late for still counts from that time. Nodes take turns. Resolves when all
 * are answered.
 */
export async function sendOpenLoop(
  prepared: readonly Prepared[],
  perSecond: number,
  doors: readonly Door[],
): Promise<readonly Sending[]> {
  invariant(doors.length > 0 && perSecond > 0, "there is a node to send to, and a rate");
  const startsAt = performance.now() + LEAD_MS;
  const sendings: Promise<Sending>[] = [];
  while (sendings.length < prepared.length) {
    const now = performance.now();
    while (sendings.length < prepared.length) {
      const i = sendings.length;
      const intendedAt = dueAt(startsAt, perSecond, i);
      if (intendedAt > now) break;
      const door = present(doors[i % doors.length], "node");
      sendings.push(send(present(prepared[i], "prepared settlement"), intendedAt, door));
    }
    await delay(Math.max(1, dueAt(startsAt, perSecond, sendings.length) - performance.now()));
  }
  return Promise.all(sendings);
}

async function send(prepared: Prepared, intendedAt: number, door: Door): Promise<Sending> {
  const sentAt = performance.now();
  const reply = await door.submit(prepared.body);
  return { txId: prepared.txId, intendedAt, sentAt, repliedAt: performance.now(), reply };
}
