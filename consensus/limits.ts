/** Every bound of the consensus core, with the reason for its size. */

/** A bitmap of signers fits 25 bits; certificates stay under 1.7 KB; O(n²) votes stay cheap. */
export const MAX_VALIDATORS = 25;

/** Below four validators no single fault is tolerated. */
export const MIN_VALIDATORS = 4;

/** Sum of weights: products by 3 stay far inside safe integers. */
export const MAX_TOTAL_WEIGHT = 2 ** 31;

/** Votes and proposals above `view + VOTE_WINDOW` are refused before any signature check. */
export const VOTE_WINDOW = 64;

/** Nullifications shipped in one proposal; the rest is fetched. One more for the parent's own. */
export const MAX_JUSTIFIED_SKIPS = 64;
export const MAX_JUSTIFICATION = MAX_JUSTIFIED_SKIPS + 1;

/** Views whose certificates and own votes go out in one standstill round or one reply. */
export const VIEWS_PER_RESEND = 64;

/** Three kinds for each view of a reply and for the newest view, and the floor's finalization. */
export const MAX_CERTIFICATES_PER_REPLY = 3 * (VIEWS_PER_RESEND + 1) + 1;

/** Headers in one reply, counted the same way by both sides: 64 of at most 4.5 KB are 288 KB. */
export const MAX_BLOCKS_PER_REPLY = 64;

/** Batches a block may name; with 256 KiB each a block's payload is at most 16 MiB. */
export const MAX_BATCHES_PER_BLOCK = 64;

/** Proofs of contradiction in one header: each is under 450 bytes, one for each faulty of four. */
export const MAX_EVIDENCE_PER_BLOCK = 4;

/** Evidence is of the current epoch or the one before: older sets are not at hand. */
export const EVIDENCE_EPOCHS = 2;

/** Peers whose word that a later epoch has begun is looked into; validators of both epochs fit. */
export const MAX_EPOCH_CLAIMS = 2 * MAX_VALIDATORS;

/** A request on a mere word waits for its reply at most 2^3 times the shortest. */
export const MAX_CLAIM_WAIT = 3;

/** The newest vote of each kind that a restarted peer once sent us. */
export const MAX_ECHOED_VOTES = 3;

/** Stored votes of one signer, kind and view: the first and one that contradicts it. */
export const MAX_VOTES_PER_SLOT = 2;

/** Proposals kept for one view: the first and one that proves equivocation need no more. */
export const MAX_PROPOSALS_PER_VIEW = 2;

/** Headers asked for by digest at the same time. */
export const MAX_WANTED_HEADERS = 64;

/**
 * Headers kept while their finalization is still further up: a run of notarized blocks that were
 * all finalized at once by one later certificate can be longer than one reply.
 */
export const MAX_TENTATIVE_HEADERS = 4096;

/** Committed but not yet applied blocks; above this catch-up waits for the application. */
export const MAX_UNAPPLIED_BLOCKS = 256;

/** Unfinalized notarized ancestors with transactions; above this a leader proposes empty blocks. */
export const MAX_UNFINALIZED_WITH_TRANSACTIONS = 8;

/** Back-off factor growth and cap: 1.5^k, at most 20, and no view lasts longer than 30 s. */
export const BACKOFF_BASE = 1.5;
export const BACKOFF_CAP = 20;
/** View times are to be this many times what the last notarized view took. */
export const BACKOFF_MARGIN = 4 / 3;
/** 1.5^8 is the first power above the cap: more steps would only take longer to go back. */
export const MAX_BACKOFF_STEPS = 8;
export const MAX_ADVANCE_MS = 30_000;

/** Retry of a request: doubles from the round trip up to this. */
export const MAX_RETRY_MS = 10_000;

/** Shortest pause between two large answers (certificates and votes) to one peer. */
export const MIN_ANSWER_INTERVAL_MS = 400;

/** Signature requests that the signer has not answered yet. */
export const MAX_PENDING_SIGNATURES = 1024;

/** Views are signed as 64 bits and counted as safe integers; no honest view comes near. */
export const MAX_VIEW = 2 ** 52;
