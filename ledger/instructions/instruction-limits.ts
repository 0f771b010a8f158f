/** Instructions of one pool, and pairs that one linked set may have: settled in one transition. */
export const MAX_POOL = 8;

/** Unmatched instructions with the same mandatory fields, each side: a day's repeats of one trade. */
export const MAX_SAME_TERMS = 64;

/** Unmatched instructions of two parties that are looked at for a near match, latest first. */
export const MAX_NEAR = 32;

/** Pairs that one block tries because something about them changed in it. */
export const FRESH_PAIRS_PER_BLOCK = 1024;

/** Pairs that one block tries in turn, from where the last block stopped. */
export const SWEEP_PAIRS_PER_BLOCK = 512;

/** Items of one kind that become due and are worked through in one block. */
export const DUE_ITEMS_PER_BLOCK = 256;

/** Versions of the settlement parameters kept: those in force and those announced. */
export const MAX_PARAMETER_VERSIONS = 8;

/** How far ahead a settlement date may lie, calendar days: longer forwards are not instructed yet. */
export const MAX_SETTLEMENT_DAYS = 366;
