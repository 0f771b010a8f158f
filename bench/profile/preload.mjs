// Loaded into a validator before its program: samples the main thread between two SIGUSR2 and writes
// a .cpuprofile, so that start-up and set-up are not in it. Plain JavaScript, because the validators
// run without a loader. Each thread writes down its system id: only so can the CPU time of the
// verification threads be told from that of the others.
import { mkdirSync, readdirSync, readlinkSync, renameSync, writeFileSync } from "node:fs";
import { Session } from "node:inspector";
import { basename, join } from "node:path";
import { isMainThread } from "node:worker_threads";

const directory = process.env.BENCH_PROFILE_DIR;
/** Between two samples, microseconds. */
const INTERVAL_US = 500;

if (directory !== undefined) {
  mkdirSync(directory, { recursive: true });
  if (isMainThread) {
    // Those that are there before any of the program runs are of V8: collector and compiler.
    const engine = readdirSync("/proc/self/task").filter((id) => id !== String(process.pid));
    writeFileSync(join(directory, `${process.pid}.engine-threads`), engine.join(" "));
    listen(new Session());
  } else {
    const id = basename(readlinkSync("/proc/thread-self"));
    writeFileSync(join(directory, `${process.pid}.worker-${id}`), id);
  }
}

function listen(session) {
  session.connect();
  let running = false;
  process.on("SIGUSR2", () => {
    if (!running) {
      session.post("Profiler.enable");
      session.post("Profiler.setSamplingInterval", { interval: INTERVAL_US });
    }
    session.post(running ? "Profiler.stop" : "Profiler.start", (error, result) => {
      if (error !== null) throw error;
      // Written under another name first: who waits for the file finds all of it.
      const file = join(directory, `${process.pid}.${running ? "cpuprofile" : "started"}`);
      writeFileSync(`${file}.tmp`, running ? JSON.stringify(result.profile) : "");
      renameSync(`${file}.tmp`, file);
      running = !running;
    });
  });
}
