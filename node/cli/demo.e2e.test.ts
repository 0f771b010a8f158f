import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { present } from "../../primitives/assert.ts";
import { AUCTION } from "../demo/auction-sheet.ts";
import { EXIT } from "../exit-codes.ts";
import { readLocalNetwork } from "../local-network/network-files.ts";
import { CompiledProgram } from "../local-network/testing/compiled-program.ts";
import { until } from "../local-network/testing/test-network.ts";
import { killValidator, pidOf } from "../local-network/validator-process.ts";

/** The rehearsal as a whole, by the command that everybody tries first. */
let program: CompiledProgram;

beforeAll(async () => {
  program = await CompiledProgram.build();
}, 60_000);

afterAll(async () => {
  const left = await readLocalNetwork(join(program.directory, "kept")).catch(() => undefined);
  await Promise.all((left?.validators ?? []).map(killValidator));
  await program.remove();
}, 60_000);

interface Report {
  readonly rows: readonly { readonly txId: string; readonly height: number }[];
  readonly totals: object;
  readonly posted: object;
  readonly supplyFace: string;
  readonly killed: { readonly name: string; readonly afterRow: number };
  readonly roots: readonly { readonly height: number; readonly stateRoot: string }[];
  readonly proof: { readonly account: string; readonly face: string; readonly height: number };
}

describe("mizan demo", () => {
  test("settles the auction to the published figures, and ends with equal roots", async () => {
    const directory = join(program.directory, "kept");
    const { code, stdout, stderr } = await program.run(["demo", "--json", "--dir", directory]);
    expect({ code, stderr }).toEqual({ code: EXIT.OK, stderr: "" });
    // The document is the program's own, and every field is looked at below.
    const report = JSON.parse(stdout) as Report;
    const published = Object.fromEntries(
      Object.entries(AUCTION.published).map(([name, value]) => [name, String(value)]),
    );
    expect(report.totals).toEqual(published);
    expect(report.posted).toEqual(published);
    // PKR million times 10^3 to paisa.
    expect(report.supplyFace).toBe(String(AUCTION.published.face * 100_000n));
    expect(report.rows).toHaveLength(14);
    expect(new Set(report.rows.map(({ txId }) => txId)).size).toBe(14);
    const heights = report.rows.map(({ height }) => height);
    expect(heights).toEqual(heights.toSorted((a, b) => a - b));
    expect(report.killed).toMatchObject({ name: "findiv-islamabad", afterRow: 7 });
    expect(report.roots).toHaveLength(4);
    expect(new Set(report.roots.map(({ stateRoot }) => stateRoot)).size).toBe(1);
    expect(new Set(report.roots.map(({ height }) => height)).size).toBe(1);
    expect(report.proof.account).toBe("CUSTODIAN-B-SGLA");
    const { validators } = await readLocalNetwork(directory);
    expect(await Promise.all(validators.map(pidOf))).toEqual(validators.map(() => undefined));
  }, 180_000);

  test("Ctrl-C on the way stops every validator and removes every file", async () => {
    const running = program.start(["demo"]);
    await until("it settles", async () => running.stderr().includes("row  1 final"));
    const before = await demoProcesses(running.pid);
    expect(before.pids.length).toBeGreaterThanOrEqual(4);
    running.kill("SIGINT");
    const { code, stdout, stderr } = await running.result;
    expect({ code, stdout }).toEqual({ code: EXIT.INTERRUPTED, stdout: "" });
    expect(stderr.trimEnd().split("\n").at(-1)).toBe("mizan: INTERRUPTED: stopped by SIGINT");
    for (const pid of before.pids) expect(() => process.kill(pid, 0)).toThrow("ESRCH");
    await expect(readdir(before.directory)).rejects.toMatchObject({ code: "ENOENT" });
  }, 180_000);
});

/** The validators that a running demo has started, and the folder that it made for them. */
async function demoProcesses(
  parent: number,
): Promise<{ readonly pids: readonly number[]; readonly directory: string }> {
  const pids: number[] = [];
  let directory: string | undefined;
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const [stat, command] = await Promise.all([
      readFile(`/proc/${name}/stat`, "utf8").catch(() => ""),
      readFile(`/proc/${name}/cmdline`, "utf8").catch(() => ""),
    ]);
    const ppid = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
    if (ppid !== parent) continue;
    pids.push(Number(name));
    directory ??= /\0(\/[^\0]*mizan-demo-[^/]+)\//.exec(command)?.[1];
  }
  return { pids, directory: present(directory, "the demo's folder") };
}
