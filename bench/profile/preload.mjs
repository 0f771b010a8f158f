// Loaded into a validator before its program, by `--profile`: samples the main thread from start to
// exit and writes a .cpuprofile. Plain JavaScript, because the validators run without a loader; a
// preload, because Node 20 takes --cpu-prof on its command line only.
import { mkdirSync, writeFileSync } from "node:fs";
import { Session } from "node:inspector";
import { join } from "node:path";
import { isMainThread } from "node:worker_threads";

const directory = process.env.BENCH_PROFILE_DIR;
if (isMainThread && directory !== undefined) {
  const session = new Session();
  session.connect();
  session.post("Profiler.enable");
  session.post("Profiler.start");
  process.once("exit", () => {
    // The callback runs before `post` returns: session and target are one thread.
    session.post("Profiler.stop", (error, result) => {
      if (error !== null) throw error;
      mkdirSync(directory, { recursive: true });
      writeFileSync(join(directory, `${process.pid}.cpuprofile`), JSON.stringify(result.profile));
    });
  });
}
