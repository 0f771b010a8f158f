import type { DecodeLimits } from "../primitives/codec/message-pack-scan.ts";

/** One signed transaction, bytes: the largest kind needs well under 4 KiB; 64 KiB fits a batch. */
export const MAX_TRANSACTION_BYTES = 64 * 1024;

/** Signatures on one transaction: the widest rule needs four institutions; m-of-n leaves room. */
export const MAX_SIGNATURES = 16;

/** Bounds on the outer envelope: body bytes, then at most 16 signature triples. */
export const SIGNED_TRANSACTION_LIMITS: DecodeLimits = {
  maxBytes: MAX_TRANSACTION_BYTES,
  maxDepth: 3,
  maxElements: 3 + 4 * MAX_SIGNATURES,
};

/** Bounds on a body: payloads are shallow records. */
export const BODY_LIMITS: DecodeLimits = {
  maxBytes: MAX_TRANSACTION_BYTES,
  maxDepth: 8,
  maxElements: 4096,
};

/** Transactions in one block: 64 batches of 1,024, the bound that headers and batches give. */
export const MAX_BLOCK_TRANSACTIONS = 64 * 1024;

/** Members of the network and keys of one member. */
export const MAX_MEMBERS = 1024;
export const MAX_KEYS_PER_MEMBER = 32;

/** Validators of one epoch: votes are all-to-all and certificates carry a bitmap of 25 bits. */
export const MIN_VALIDATORS = 4;
export const MAX_VALIDATORS = 25;

/** Network identities over the life of a chain: one joins or changes its key a few times a year. */
export const MAX_VALIDATOR_NUMBER = 0xfffe;

/** Changes of the validator set that may wait at once: an epoch applies a third of the weight. */
export const MAX_PENDING_CHANGES = 16;

/**
 * Public-key operations that transactions of one block may ask of the ledger itself (a key that
 * joins, its proof of being ready): each takes one to two milliseconds of every node.
 */
export const MAX_KEY_CHECKS_PER_BLOCK = 16;

/** Block digests remembered for ready statements: one in 16 blocks, the last eight of them. */
export const CHECKPOINT_BLOCKS = 16;
export const KEPT_CHECKPOINTS = 8;

/** Evidence in one header; the header's own bound. */
export const MAX_EVIDENCE_PER_BLOCK = 4;

/** Epochs before the current one of which evidence may still be recorded. */
export const EVIDENCE_EPOCHS = 1;

/** Proofs kept of one validator in one epoch: one is enough to act on, more only fill the state. */
export const MAX_EVIDENCE_PER_VALIDATOR = 4;

/** Shortest epoch, blocks, and the longest: a year at a block a second. */
export const MIN_EPOCH_BLOCKS = 4;
export const MAX_EPOCH_BLOCKS = 31_536_000;

/** Sum of validator weights, so that quorum arithmetic stays in 32 bits. */
export const MAX_TOTAL_WEIGHT = 2 ** 31;

/** Assets one account may hold at once: bounds its index record (about 13 KiB at the limit). */
export const MAX_ASSETS_PER_ACCOUNT = 1024;

/** ISINs in the index record (about 53 KiB at the limit): a bond programme has dozens. */
export const MAX_INSTRUMENTS = 4096;

/** Rates kept in the schedule: the one in force and those announced for later. */
export const MAX_FX_RATES = 16;

/** Client references in one page of the pruning queue: about 20 KiB a page. */
export const DEDUPE_PAGE_ENTRIES = 256;

/**
 * Dedupe entries removed per block: a floor plus twice what the block adds, so that a backlog
 * always shrinks and a block's work stays proportional to its own transactions.
 */
export const PRUNE_FLOOR = 512;
export const PRUNE_PER_TRANSACTION = 2;

/** The programme's ceiling: USD 2,000,000,000.00 in cents. A genesis may set less, never more. */
export const PROGRAMME_CEILING_USD_CENTS = 200_000_000_000n;

/** Offset of Asia/Karachi from UTC: five hours, no daylight saving. */
export const KARACHI_OFFSET_MS = 5 * 60 * 60 * 1000;

/** Canonical genesis bytes. */
export const GENESIS_LIMITS: DecodeLimits = {
  maxBytes: 1 << 20,
  maxDepth: 8,
  maxElements: 1 << 17,
};

/** Closed days known at once: some 15 a year, past ones dropped, and years of notice. */
export const MAX_HOLIDAYS = 512;
export const MAX_HOLIDAYS_PER_CHANGE = 64;
export const MAX_HOLIDAY_CHANGES = 16;

/** Rows of the table of tenors: seven types with a few each. */
export const MAX_TENORS = 64;

/** Rows of one version of the tax table, and versions kept: a finance act a year, and amendments. */
export const MAX_TAX_ROWS = 64;
export const MAX_TAX_VERSIONS = 32;

/** Fixings kept of one benchmark: two auctions a month and as many averages for two years. */
export const MAX_FIXINGS = 128;

/**
 * Accounts in one page of an instrument's holders (some 3 KiB) and pages of one instrument: at
 * half-full pages room for 260,000 holders, with a directory of about 100 KiB at the limit that is
 * written only when a page is split or emptied.
 */
export const HOLDER_PAGE_ENTRIES = 128;
export const MAX_HOLDER_PAGES = 4096;

/** Record dates of one instrument of which positions are being captured at once. */
export const MAX_LIVE_CAPTURES = 4;

/** Accounts that life-cycle work looks at in one block, over all events together. */
export const LIFE_CYCLE_ACCOUNTS_PER_BLOCK = 512;

/** Entries of the life-cycle queues that one block takes up. */
export const LIFE_CYCLE_ITEMS_PER_BLOCK = 128;

/** Blocks until an event that waits for money, a rate or a business day is looked at again. */
export const LIFE_CYCLE_RETRY_BLOCKS = 16;

/** Bars in one vault for one instrument: 512 of 400 oz are some six tonnes. About 24 KiB. */
export const MAX_BARS_PER_VAULT = 512;
/** Vaults that back one instrument. */
export const MAX_VAULTS = 16;
