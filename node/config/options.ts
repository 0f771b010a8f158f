import { LAN_PARAMETERS } from "../../consensus/parameters.ts";
import { DEFAULT_DEADLINE_MS } from "../runtime/shutdown.ts";
import { choice, integer, path, type Sections, text, type ValuesOf } from "./option.ts";

/** A validator's name in the genesis document; also the file name of what belongs to it. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,34}$/;

/** At most 25 validators, and as many observers: peers beyond that are a mistake. */
const MAX_PEERS = 64;
const MAX_ADDRESSES = 8;
/** Host names have 253 characters; a multiaddr adds its parts and a peer id. */
const MAX_ADDRESS = 320;
/** Ten minutes: no single time of the protocol is longer. */
const MAX_PROTOCOL_MS = 600_000;
/** Thirty years: a rehearsal may be set in the lifetime of a long bond. */
const MAX_CLOCK_OFFSET_MS = 30 * 365 * 86_400_000;
const MEBIBYTE = 1 << 20;

function name(about: string) {
  const expected = "a name of 1 to 35 letters, digits, dots, dashes or underscores";
  return text(about, { expected, pattern: NAME, maxLength: 35 });
}

function address(about: string) {
  const expected = "a multiaddr such as /ip4/10.0.0.7/tcp/7600, or host:port";
  return text(about, { expected, maxLength: MAX_ADDRESS, form: "address" });
}

function protocolTime(about: string, fallback: number, least: 0 | 1 = 1) {
  return integer(`${about}, ms`, least, MAX_PROTOCOL_MS, fallback);
}

/** Every key of a node's configuration. The result, the docs and all names derive from this. */
export const OPTIONS = {
  chain: {
    genesisPath: path("Genesis document"),
    genesisHash: text("Pinned SHA-256 of the genesis document; another document is refused", {
      expected: "64 lower-case hex digits",
      pattern: /^[0-9a-f]{64}$/,
      maxLength: 64,
    }),
    clockOffsetMs: integer(
      "Added to this machine's clock, ms; rehearsal networks only",
      -MAX_CLOCK_OFFSET_MS,
      MAX_CLOCK_OFFSET_MS,
      0,
    ),
  },
  node: {
    name: name("Name of this validator in the genesis document"),
    dataDir: path("Database, journal and lock files"),
    consensusKeyFile: path("Encrypted key that signs votes"),
    networkKeyFile: path("Encrypted key that identifies the node to its peers"),
    passphraseFile: path("File that holds the passphrase of both keys", { hidden: true }),
  },
  net: {
    listen: {
      kind: "list",
      item: address("Listening address"),
      min: 0,
      max: MAX_ADDRESSES,
      about: "Where peers connect to; may be empty if this node dials them all",
      fallback: ["/ip4/0.0.0.0/tcp/7600"],
    },
    peers: {
      kind: "tables",
      fields: {
        name: name("Name of the peer in the genesis document"),
        addresses: {
          kind: "list",
          item: address("Address"),
          min: 1,
          max: MAX_ADDRESSES,
          about: "Where it listens, tried in this order",
        },
      },
      max: MAX_PEERS,
      about: "The other nodes",
      fallback: [],
    },
  },
  rpc: {
    listen: text("Listener of the JSON-RPC API, this machine only", {
      expected: "host:port with a loopback host, such as 127.0.0.1:7680",
      maxLength: MAX_ADDRESS,
      form: "loopback-listener",
      fallback: "127.0.0.1:7680",
    }),
  },
  ops: {
    listen: text("Listener of /metrics, /livez and /readyz", {
      expected: "host:port, such as 127.0.0.1:7690",
      maxLength: MAX_ADDRESS,
      form: "listener",
      fallback: "127.0.0.1:7690",
    }),
  },
  verification: {
    workers: integer("Threads that verify signatures", 1, 64, 1),
  },
  consensus: {
    deltaMs: protocolTime("Bound on one message between nodes", LAN_PARAMETERS.deltaMs),
    buildMs: protocolTime("A leader's time to build a block", LAN_PARAMETERS.buildMs, 0),
    executionMs: protocolTime("A voter's time to execute a block", LAN_PARAMETERS.executionMs, 0),
    minBlockIntervalMs: protocolTime(
      "Shortest time from block to block",
      LAN_PARAMETERS.minBlockIntervalMs,
      0,
    ),
    packingMs: protocolTime("Time to fill a batch", LAN_PARAMETERS.packingMs, 0),
    precisionMs: protocolTime("Bound on clock differences", LAN_PARAMETERS.precisionMs),
    messageDelayMs: protocolTime("Oldest timestamp accepted", LAN_PARAMETERS.messageDelayMs),
    heartbeatMs: protocolTime("An empty block after this time", LAN_PARAMETERS.heartbeatMs),
    standstillMs: protocolTime("Period of resending", LAN_PARAMETERS.standstillMs),
    statusMs: protocolTime("Period of status messages", LAN_PARAMETERS.statusMs),
  },
  mempool: {
    maxBytes: integer(
      "Bound on pending transactions, bytes",
      MEBIBYTE,
      4096 * MEBIBYTE,
      64 * MEBIBYTE,
    ),
    maxTransactions: integer("Bound on pending transactions", 1024, 4_194_304, 131_072),
    maxPerMember: integer("Bound on pending transactions of one member", 1, 4_194_304, 65_536),
  },
  snapshot: {
    everyBlocks: integer("Blocks from snapshot to snapshot; 0 for none", 0, 10_000_000, 1000),
    syncBehindBlocks: integer(
      "Blocks behind from which a peer's snapshot is taken instead of blocks; 0 for never",
      0,
      10_000_000,
      5000,
    ),
  },
  log: {
    level: choice(
      "Least severity that is logged",
      ["fatal", "error", "warn", "info", "debug", "trace"],
      "info",
    ),
    format: choice("JSON lines, or text for people", ["json", "pretty"], "json"),
  },
  shutdown: {
    deadlineMs: integer("The whole stop, ms", 5000, 120_000, DEFAULT_DEADLINE_MS),
  },
} as const satisfies Sections;

/** Values as written, before listeners are taken apart. */
export type RawConfig = ValuesOf<typeof OPTIONS>;

export interface Listener {
  readonly host: string;
  readonly port: number;
}

/** A checked configuration, frozen. Paths are absolute. */
export type NodeConfig = Omit<RawConfig, "rpc" | "ops"> & {
  readonly rpc: { readonly listen: Listener };
  readonly ops: { readonly listen: Listener };
};
