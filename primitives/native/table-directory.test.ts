import { describe, expect, test } from "vitest";
import { present } from "../assert.ts";
import { MemoryPlan } from "../kernel/memory-plan.ts";
import { TableDirectory } from "./table-directory.ts";

function directory(hot: number, cold: number): TableDirectory {
  const plan = new MemoryPlan({ regions: 1, regionBytes: 64, hotTables: hot, coldTables: cold });
  return new TableDirectory(plan, { hot, cold });
}

/** Uses the key so often, and lets the table go at once. */
function use(tables: TableDirectory, key: string, times: number): void {
  for (let i = 0; i < times; i++) {
    const table = tables.hold(key, "transaction");
    if (table !== undefined) tables.release(table);
  }
}

function buildAll(tables: TableDirectory): string[] {
  const built: string[] = [];
  for (let order = tables.nextOrder(); order !== undefined; order = tables.nextOrder()) {
    built.push(`${order.key} ${order.size}`);
    tables.completed(order, true);
  }
  return built;
}

describe("a key", () => {
  test("gets a small table after a few uses and a large one after many", () => {
    const tables = directory(1, 1);
    use(tables, "A", 3);
    expect(tables.hasOrders).toBe(false);
    use(tables, "A", 1);
    expect(buildAll(tables)).toEqual(["A cold"]);
    use(tables, "A", 511);
    expect(tables.hasOrders).toBe(false);
    use(tables, "A", 1);
    expect(buildAll(tables)).toEqual(["A hot"]);
    expect(tables.stats()).toMatchObject({ hot: 1, cold: 0, built: 2, evicted: 0 });
    // The small one is free again.
    use(tables, "B", 4);
    expect(buildAll(tables)).toEqual(["B cold"]);
  });

  test("that votes gets a large table at once, or a small one if there is no large one", () => {
    const tables = directory(1, 1);
    for (const key of ["A", "B", "C"]) expect(tables.hold(key, "vote")).toBeUndefined();
    expect(buildAll(tables)).toEqual(["A hot", "B cold"]);
    expect(["A", "B", "C"].map((key) => tables.has(key))).toEqual([true, true, false]);
  });

  test("that the kernel refused is not tried again", () => {
    const tables = directory(1, 1);
    use(tables, "bad", 4);
    tables.completed(present(tables.nextOrder(), "order"), false);
    use(tables, "bad", 100);
    expect(tables.hasOrders).toBe(false);
    expect(tables.stats().refused).toBe(1);
    use(tables, "good", 4);
    expect(buildAll(tables)).toEqual(["good cold"]);
  });

  test("whose table was not built asks again", () => {
    const tables = directory(1, 1);
    use(tables, "A", 4);
    tables.abandoned(present(tables.nextOrder(), "order"));
    use(tables, "A", 4);
    expect(buildAll(tables)).toEqual(["A cold"]);
  });
});

describe("when all tables are given out", () => {
  test("a busy one is kept, an idle one goes to the next key", () => {
    const tables = directory(0, 2);
    use(tables, "A", 4);
    use(tables, "B", 4);
    expect(buildAll(tables)).toEqual(["A cold", "B cold"]);
    use(tables, "C", 4);
    expect(buildAll(tables)).toEqual([]);
    use(tables, "B", 70_000);
    use(tables, "C", 4);
    expect(buildAll(tables)).toEqual(["C cold"]);
    expect(["A", "B", "C"].map((key) => tables.has(key))).toEqual([false, true, true]);
    expect(tables.stats().evicted).toBe(1);
  });

  test("one that a batch refers to is neither given up nor given out twice", () => {
    const tables = directory(0, 1);
    use(tables, "A", 4);
    expect(buildAll(tables)).toEqual(["A cold"]);
    const held = present(tables.hold("A", "transaction"), "table");
    use(tables, "B", 70_000);
    expect(buildAll(tables)).toEqual([]);
    tables.release(held);
    use(tables, "B", 4);
    expect(buildAll(tables)).toEqual(["B cold"]);
  });

  test("a table outgrown while a batch refers to it is free only after that batch", () => {
    const tables = directory(1, 1);
    use(tables, "A", 4);
    buildAll(tables);
    const held = present(tables.hold("A", "transaction"), "table");
    tables.want("B", "cold");
    expect(buildAll(tables)).toEqual([]);
    use(tables, "A", 512);
    expect(buildAll(tables)).toEqual(["A hot"]);
    use(tables, "B", 4);
    expect(buildAll(tables)).toEqual([]);
    tables.release(held);
    use(tables, "B", 4);
    expect(buildAll(tables)).toEqual(["B cold"]);
  });
});

test("counts the uses of a bounded number of keys", () => {
  const tables = directory(0, 1);
  use(tables, "early", 3);
  for (let i = 0; i < 5_000; i++) use(tables, `key ${i}`, 1);
  use(tables, "early", 1);
  expect(tables.hasOrders).toBe(false);
});
