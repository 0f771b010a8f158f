import { execFile, execFileSync } from "node:child_process";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** What is mounted now, newest last: all of it must be gone when the run ends, however it ends. */
const mounted: string[] = [];

process.once("exit", unmountAll);

/** For the end of a run: also what a process still uses, and nothing that fails stops it. */
export function unmountAll(): void {
  for (const path of mounted.splice(0).toReversed()) {
    try {
      execFileSync("umount", ["--lazy", path], { stdio: "ignore" });
    } catch {
      // Nothing is left to try; the path is in the run's own folder.
    }
  }
}

/** Whether this process may mount: it needs CAP_SYS_ADMIN, which CI containers rarely give. */
export async function mayMount(directory: string): Promise<boolean> {
  const path = join(directory, "mount-trial");
  await mkdir(path, { recursive: true });
  try {
    await mountSmall(path, 1);
    await unmount(path);
    return true;
  } catch {
    return false;
  } finally {
    await rm(path, { recursive: true, force: true });
  }
}

/** A file system of its own in memory, of `mebibytes`. */
export async function mountSmall(path: string, mebibytes: number): Promise<void> {
  await run("mount", ["-t", "tmpfs", "-o", `size=${mebibytes}m,mode=0700`, "mizan-chaos", path]);
  mounted.push(path);
}

/** The directory itself, but nothing in it can be written. */
export async function mountReadOnly(path: string): Promise<void> {
  await run("mount", ["--bind", path, path]);
  mounted.push(path);
  await run("mount", ["-o", "remount,bind,ro", path]);
}

export async function unmount(path: string): Promise<void> {
  await run("umount", [path]);
  const at = mounted.lastIndexOf(path);
  if (at >= 0) mounted.splice(at, 1);
}
