import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** CPU seconds of a validator's threads by what they do. */
export interface ThreadUse {
  readonly main: number;
  readonly verification: number;
  /** V8's own: parallel garbage collection and compilation. */
  readonly engine: number;
  /** libuv's pool and LevelDB: reads, synced writes, compaction. */
  readonly disk: number;
}

/** Which of a process's threads do what, as the preloaded script wrote it down. */
export interface ThreadRoles {
  readonly engine: ReadonlySet<string>;
  readonly verification: ReadonlySet<string>;
}

export async function threadRoles(directory: string, pid: number): Promise<ThreadRoles> {
  const engine = await readFile(join(directory, `${pid}.engine-threads`), "utf8");
  const workers = (await readdir(directory))
    .filter((name) => name.startsWith(`${pid}.worker-`))
    .map((name) => name.slice(`${pid}.worker-`.length));
  return { engine: new Set(engine.split(" ")), verification: new Set(workers) };
}

/** Run time of each thread so far, by /proc/<pid>/task/<id>/schedstat (nanoseconds). Linux only. */
export async function threadUse(pid: number, roles: ThreadRoles): Promise<ThreadUse> {
  const use = { main: 0, verification: 0, engine: 0, disk: 0 };
  for (const id of await readdir(`/proc/${pid}/task`)) {
    const seconds = await threadSeconds(pid, id);
    if (id === String(pid)) use.main += seconds;
    else if (roles.verification.has(id)) use.verification += seconds;
    else if (roles.engine.has(id)) use.engine += seconds;
    else use.disk += seconds;
  }
  return use;
}

async function threadSeconds(pid: number, id: string): Promise<number> {
  try {
    const [onCpu] = (await readFile(`/proc/${pid}/task/${id}/schedstat`, "utf8")).split(" ");
    return Number(onCpu) / 1e9;
  } catch (error) {
    // A thread that has ended meanwhile.
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return 0;
    throw error;
  }
}
