import { setTimeout as delay } from "node:timers/promises";
import { invariant, present } from "../../primitives/assert.ts";
import type { Reply, SubmitDoor } from "./submit-door.ts";

/** Time between the start of the clock and the first sending. */
const LEAD_MS = 50;
/** What falls due within this time goes out in one call; the wait counts as latency. */
const TICK_MS = 10;

/** A signed transaction, ready to be sent. */
export interface Prepared {
  readonly txId: string;
  /** Base64. */
  readonly text: string;
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
 * that the generator is late for still counts from that time. What is due at a tick goes to the next
 * node in turn, at most `atOnce` in a call. Resolves when all are answered.
 */
export async function sendOpenLoop(
  prepared: readonly Prepared[],
  perSecond: number,
  doors: readonly Door[],
  atOnce: number,
): Promise<readonly Sending[]> {
  invariant(doors.length > 0 && perSecond > 0 && atOnce > 0, "there is a node to send to, a rate");
  const startsAt = performance.now() + LEAD_MS;
  const calls: Promise<readonly Sending[]>[] = [];
  let sent = 0;
  let turn = 0;
  while (sent < prepared.length) {
    const now = performance.now();
    const first = sent;
    while (sent < prepared.length && dueAt(startsAt, perSecond, sent) <= now) sent += 1;
    for (let from = first; from < sent; from += atOnce) {
      const door = present(doors[turn++ % doors.length], "node");
      const group = prepared.slice(from, Math.min(from + atOnce, sent));
      const due = group.map((_, i) => dueAt(startsAt, perSecond, from + i));
      calls.push(send(group, due, door));
    }
    await delay(Math.max(TICK_MS, dueAt(startsAt, perSecond, sent) - performance.now()));
  }
  return (await Promise.all(calls)).flat();
}

async function send(
  group: readonly Prepared[],
  due: readonly number[],
  door: Door,
): Promise<readonly Sending[]> {
  const sentAt = performance.now();
  const replies = await door.submit(group.map(({ text }) => text));
  const repliedAt = performance.now();
  return group.map(({ txId }, i) => ({
    txId,
    intendedAt: present(due[i], "time of a sending"),
    sentAt,
    repliedAt,
    reply: present(replies[i], "reply in order"),
  }));
}
