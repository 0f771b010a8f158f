import { expect, test } from "vitest";
import { businessDateOf } from "./business-date.ts";

test("the day changes at midnight in Karachi, 19:00 UTC", () => {
  // 2025-11-25T19:00:00Z
  const midnight = 1_764_097_200_000;
  expect(businessDateOf(midnight - 1)).toBe("2025-11-25");
  expect(businessDateOf(midnight)).toBe("2025-11-26");
  expect(businessDateOf(0)).toBe("1970-01-01");
});
