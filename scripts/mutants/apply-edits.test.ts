import { expect, test } from "vitest";
import { applyEdits } from "./apply-edits.ts";

const edit = (find: string, replace: string) => ({ file: "a.ts", find, replace });

test("each text gives way to the other, literally", () => {
  const edits = [edit("one", "$& $1 two"), edit("three", "")];
  expect(applyEdits("one; three;", edits)).toBe("$& $1 two; ;");
});

test.each([
  ["that is gone", "four", "occurs 0 times"],
  ["that stands twice", ";", "occurs 2 times"],
  ["that is empty", "", "occurs 0 times"],
])("a text %s is stale", (_, find, message) => {
  expect(() => applyEdits("one; two;", [edit(find, "x")])).toThrow(message);
});

test("an edit that changes nothing is stale", () => {
  expect(() => applyEdits("one", [edit("one", "one")])).toThrow("nothing is changed");
});
