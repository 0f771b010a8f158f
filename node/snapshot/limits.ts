/** Every bound of snapshots, with the reason for its size. */

const KiB = 1 << 10;
const MiB = 1 << 20;

/** One chunk: sixteen sends of the transport, and one write that is synced in a few milliseconds. */
export const MAX_CHUNK_BYTES = MiB;

/** 4 GiB of state: ten times what a node may hold in memory today. */
export const MAX_CHUNKS = 4096;

/** Entries of one chunk: a key and a value of no byte would still be ten bytes. */
export const MAX_CHUNK_ENTRIES = 1 << 17;

/** State keys are printable ASCII of at most this length (see the state tree). */
export const MAX_KEY_BYTES = 256;

/** A header with 64 batches and four proofs of contradiction is 4.5 KB. */
export const MAX_HEADER_BYTES = 16 * KiB;

/** 25 signatures of 64 bytes, a bitmap and the statement: 1.7 KB. */
export const MAX_FINALIZATION_BYTES = 4 * KiB;

/** Epochs that one manifest leads through: ten years of one a day. */
export const MAX_EPOCHS = 4096;

/**
 * A manifest: 32 bytes for each chunk, and for each epoch a header, a certificate and a validator
 * set: 1.6 KB with seven validators, 5 KB with 25. Then 800 epochs of 25 validators fit.
 */
export const MAX_MANIFEST_BYTES = 4 * MiB;

/** Snapshots kept at least, the newest ones: a joiner that has begun with the older one can end. */
export const KEPT_SNAPSHOTS = 2;

/** Snapshots kept at most, however many peers still read old ones: they hold the disk. */
export const MAX_SNAPSHOTS = 4;

/** A snapshot that nobody asked for within this time is not being read any more. */
export const SERVING_LEASE_MS = 120_000;

/** Chunks that one joiner asks for at one time, and that one server answers to one peer. */
export const MAX_CHUNKS_IN_FLIGHT = 4;

/** What a peer may ask for: 32 MiB/s in the long run, so that others have most of the link. */
export const CHUNKS_PER_SECOND = 32;
export const CHUNK_BURST = 64;

/** Manifests are large and change once in hundreds of blocks. */
export const MANIFESTS_PER_SECOND = 0.5;
export const MANIFEST_BURST = 8;

/** Chunk files read at one time for all peers together: memory, and the disk is shared. */
export const MAX_CHUNK_READS = 16;

/** A peer that has not answered by then is asked nothing more for a while: a chunk takes a second. */
export const REQUEST_TIMEOUT_MS = 15_000;

/** Unanswered requests after which a joiner leaves a peer alone. */
export const MAX_STRIKES = 3;

/** Pause before a peer that was busy is asked again, and how often that is borne in a row. */
export const BUSY_PAUSE_MS = 250;
export const MAX_BUSY_ANSWERS = 240;

/** How long a joiner waits for a first peer, and then for the others' offers. */
export const OFFER_WAIT_MS = 5_000;
export const OFFER_SETTLE_MS = 1_000;

/** Rounds of offers in which nothing could be installed, before blocks are fetched instead. */
export const MAX_SYNC_ROUNDS = 3;

/** While no peer is connected the download waits this long for one. */
export const NO_PEER_WAIT_MS = 30_000;

/** While none of the connected peers has the snapshot: others may still be on their way. */
export const OTHER_PEER_WAIT_MS = 2_000;

/** A head that did not move for longer than the heartbeat of an idle network: is there more? */
export const TICKS_TO_DOUBT = 4;

/** A head that did not move for two minutes below a certified block: blocks do not come. */
export const TICKS_TO_GIVE_UP_BLOCKS = 12;

/** How often a node that is behind asks one peer whether it should take a snapshot instead. */
export const PROBE_EVERY_MS = 10_000;
