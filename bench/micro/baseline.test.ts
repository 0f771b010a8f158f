import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { describeComparison, readBaseline } from "./baseline.ts";

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "mizan-baseline-"));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

async function fileWith(text: string): Promise<string> {
  const file = join(directory, "baseline.json");
  await writeFile(file, text);
  return file;
}

test("reads what bench --json writes", async () => {
  const tasks = [{ name: "a.b/c=1", p50: 2.5, mean: 3 }];
  const file = await fileWith(JSON.stringify({ machine: {}, tasks }));
  expect(await readBaseline(file)).toEqual(tasks);
});

test.each(["{}", "[]", "null", '{"tasks":[{"name":"a"}]}', '{"tasks":[{"name":"a","p50":0}]}'])(
  "refuses %s",
  async (text) => {
    const file = await fileWith(text);
    await expect(readBaseline(file)).rejects.toMatchObject({ code: "BASELINE_FORMAT" });
  },
);

test("tells how many times as fast each is, and names what has no counterpart", () => {
  const text = describeComparison(
    [
      { name: "same", p50: 10 },
      { name: "gone", p50: 1 },
    ],
    [
      { name: "same", p50: 4 },
      { name: "fresh", p50: 7 },
    ],
  );
  expect(text).toContain("2.50 x");
  expect(text).toMatch(/fresh +- +7\.00 +new/);
  expect(text).toContain("1 tasks of the baseline were not timed");
});
