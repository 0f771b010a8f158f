import { invariant, present } from "../../primitives/assert.ts";
import type { RoomCheck } from "../room-checks/room-check.ts";
import {
  compareEntries,
  type QueueEntry,
  queueDirectoryTable,
  queuePageTable,
} from "./due-queue.ts";

/** Every page is listed once, and all entries of a queue are in order and counted. */
export const dueQueueCheck: RoomCheck = {
  name: "due-queues",
  tables: [queueDirectoryTable, queuePageTable],
  checkWhole(whole) {
    const pages = whole.of(queuePageTable).byId;
    let listed = 0;
    for (const directory of whole.of(queueDirectoryTable).values) {
      let last: QueueEntry | undefined;
      let size = 0;
      for (const { page, first } of directory.pages) {
        listed += 1;
        const id = `${directory.queue}/${String(page).padStart(10, "0")}`;
        const { entries } = present(pages.get(id), `queue: page ${id}`);
        invariant(entries.length > 0, `queue: page ${id} holds something`);
        for (const entry of entries) {
          const isLater = last === undefined || compareEntries(last, entry) < 0;
          invariant(isLater, `queue: entries of ${id} are in order`);
          invariant(compareEntries(first, entry) <= 0, `queue: no entry of ${id} before its bound`);
          last = entry;
          size += 1;
        }
      }
      invariant(size === directory.size && size > 0, `queue: ${directory.queue} is counted`);
    }
    invariant(listed === pages.size, "queue: every page is listed");
  },
};
