/**
 * What may be changed about a live instruction, and by whom. HOLD, RELEASE, PARTIAL_RELEASE,
 * PRIORITY, PARTIAL, NO_PARTIAL, RESERVE, UNRESERVE, UNLINK: its party. CSD_HOLD, CSD_RELEASE: the
 * central bank as depository. CONDITION_RELEASE: the owner of its condition.
 */
export const modifyActions = [
  "HOLD",
  "RELEASE",
  "PARTIAL_RELEASE",
  "PRIORITY",
  "PARTIAL",
  "NO_PARTIAL",
  "RESERVE",
  "UNRESERVE",
  "UNLINK",
  "CSD_HOLD",
  "CSD_RELEASE",
  "CONDITION_RELEASE",
] as const;
export type ModifyAction = (typeof modifyActions)[number];
