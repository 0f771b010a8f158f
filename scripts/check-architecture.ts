import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { faultsOf, type SourceFile } from "./import-rules.ts";

/** Every TypeScript file of the rooms, tracked or new, as git sees them. */
export function sourceFiles(): readonly SourceFile[] {
  const listed = execFileSync("git", ["ls-files", "-co", "--exclude-standard", "*.ts"], {
    encoding: "utf8",
  });
  return listed
    .split("\n")
    .filter((path) => path.includes("/"))
    .map((path) => ({ path, text: readFileSync(path, "utf8") }));
}

if (import.meta.url === `file://${process.argv[1] ?? ""}`) {
  const files = sourceFiles();
  const faults = files.flatMap((file) => faultsOf(file));
  for (const fault of faults) console.error(fault);
  console.log(`${files.length} files checked, ${faults.length} faults`);
  process.exitCode = faults.length > 0 || files.length === 0 ? 1 : 0;
}
