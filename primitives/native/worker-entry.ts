import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";

/** How to start a verification thread in the way this process itself runs. */
export interface WorkerEntry {
  readonly filename: string;
  /** Absent: threads inherit the flags of the process. */
  readonly execArgv?: string[];
}

/**
 * The compiled program has .js files; from source (tests, tsx) it is the .ts file, which Node runs
 * itself from 22.18 and tsx has to load before that. The compiler rewrites import specifiers but
 * not the names in `new URL`, so the extension is chosen here.
 */
export function verificationWorkerEntry(): WorkerEntry {
  const fromSource = import.meta.url.endsWith(".ts");
  const name = fromSource ? "./verification-worker.ts" : "./verification-worker.js";
  const filename = fileURLToPath(new URL(name, import.meta.url));
  if (!fromSource || readsTypeScript()) return { filename };
  // By its path: `--import tsx` would be looked up from the working directory.
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
  return { filename, execArgv: ["--import", tsx] };
}

function readsTypeScript(): boolean {
  const native: unknown = Reflect.get(process.features, "typescript");
  const underTsx = process.execArgv.some((argument) => /[/\\]tsx[/\\]|^tsx$/.test(argument));
  return underTsx || (native !== undefined && native !== false);
}
