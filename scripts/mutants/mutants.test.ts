import { afterAll, beforeAll, expect, test } from "vitest";
import { MUTANTS } from "../../consensus/mutants/list.ts";
import type { Edit } from "../../consensus/mutants/mutant.ts";
import { MutantCampaign } from "./campaign.ts";

/** Most take a second; a hang in the code under test is found before. */
const PATIENCE_MS = 300_000;

let campaign: MutantCampaign;

beforeAll(async () => {
  campaign = await MutantCampaign.open(process.cwd());
}, PATIENCE_MS);

afterAll(() => campaign.close(), PATIENCE_MS);

test("mutants have names and rules of their own, and scenarios that kill them", () => {
  const names = MUTANTS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { name, rule, edits, killedBy } of MUTANTS) {
    expect(name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
    expect(rule, name).toMatch(/^[A-Z].*\.$/);
    expect(edits.length, name).toBeGreaterThan(0);
    expect(killedBy.length, name).toBeGreaterThan(0);
  }
});

test("each text that a mutant replaces stands exactly once in its file", () => {
  expect(campaign.staleEdits(MUTANTS)).toEqual([]);
});

test(
  "every directed scenario passes on the code as it is",
  async () => {
    expect(await campaign.baseline(MUTANTS)).toEqual([]);
  },
  PATIENCE_MS,
);

test.each<readonly [verdict: string, of: string, edit: Edit]>([
  [
    "survived",
    "a change without a consequence",
    {
      file: "consensus/quorum.ts",
      find: "const faultBound = Math.floor((total - 1) / 3);",
      replace: "const faultBound = Math.ceil(total / 3) - 1;",
    },
  ],
  [
    "unfit",
    "one that does not parse",
    { file: "consensus/quorum.ts", find: "const faultBound =", replace: "const = faultBound" },
  ],
  [
    "unfit",
    "one that breaks something else than its rule",
    {
      file: "consensus/quorum.ts",
      find: "const faultBound = Math",
      replace: "const faultBound = Moth",
    },
  ],
  [
    "unfit",
    "one in a file that the scenario does not load",
    {
      file: "node/snapshot/chunk-download.ts",
      find: "const LOOK_AGAIN_MS = 50;",
      replace: "const LOOK_AGAIN_MS = 51;",
    },
  ],
])(
  "%s is the verdict of %s",
  async (kind, name, edit) => {
    const killedBy = [{ file: "consensus/quorum.test.ts", test: "weight 4: quorum 3" }];
    const mutant = { name, rule: "None.", edits: [edit], killedBy };
    expect(campaign.staleEdits([mutant])).toEqual([]);
    expect(await campaign.verdict(mutant)).toMatchObject({ kind });
  },
  PATIENCE_MS,
);

test.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))(
  "%s dies",
  async (_, mutant) => {
    const verdict = await campaign.verdict(mutant);
    expect(verdict, mutant.rule).toMatchObject({ kind: "killed" });
  },
  PATIENCE_MS,
);
