import { access, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { CodedError } from "../../primitives/errors.ts";
import { type Attribution, attribute, parseProfile } from "./attribution.ts";
import { type ThreadRoles, type ThreadUse, threadRoles, threadUse } from "./thread-use.ts";

const POLL_MS = 20;
/** A profile of some ten seconds has a few MB; a busy machine takes its time to write them. */
const ANSWER_DEADLINE_MS = 60_000;

/** What one process did between `open` and `close`. */
export interface ProcessProfile {
  readonly name: string;
  /** Where the profile lies: it opens in Chromium's developer tools. */
  readonly file: string;
  readonly threads: ThreadUse;
  readonly attribution: Attribution;
}

interface Watched {
  readonly name: string;
  readonly pid: number;
  readonly roles: ThreadRoles;
  readonly before: ThreadUse;
}

/** Profiles validators that were started with preload.mjs, for as long as the window is open. */
export class ProfileWindow {
  readonly #directory: string;
  readonly #watched: readonly Watched[];

  private constructor(directory: string, watched: readonly Watched[]) {
    this.#directory = directory;
    this.#watched = watched;
  }

  static async open(
    directory: string,
    processes: readonly { readonly name: string; readonly pid: number }[],
  ): Promise<ProfileWindow> {
    const watched = processes.map(async ({ name, pid }): Promise<Watched> => {
      const roles = await threadRoles(directory, pid);
      await signalled(pid, join(directory, `${pid}.started`));
      return { name, pid, roles, before: await threadUse(pid, roles) };
    });
    return new ProfileWindow(directory, await Promise.all(watched));
  }

  async close(): Promise<readonly ProcessProfile[]> {
    const used = await Promise.all(this.#watched.map(({ pid, roles }) => threadUse(pid, roles)));
    const profiles: ProcessProfile[] = [];
    for (const [i, { name, pid, before }] of this.#watched.entries()) {
      const file = join(this.#directory, `${pid}.cpuprofile`);
      await signalled(pid, file);
      const after = used[i] ?? before;
      const threads = {
        main: after.main - before.main,
        verification: after.verification - before.verification,
        engine: after.engine - before.engine,
        disk: after.disk - before.disk,
      };
      const attribution = attribute(parseProfile(await readFile(file, "utf8")));
      profiles.push({ name, file, threads, attribution });
    }
    return profiles;
  }
}

/** Sends the signal and waits for the file that answers it. */
async function signalled(pid: number, file: string): Promise<void> {
  await rm(file, { force: true });
  process.kill(pid, "SIGUSR2");
  const deadline = performance.now() + ANSWER_DEADLINE_MS;
  while (performance.now() < deadline) {
    try {
      await access(file);
      return;
    } catch {
      await delay(POLL_MS);
    }
  }
  throw new CodedError("NO_PROFILE", `process ${pid} has not written ${file}`);
}
