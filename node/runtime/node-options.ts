import type { ConsensusParameters } from "../../consensus/parameters.ts";
import type { Genesis } from "../../ledger/genesis.ts";
import type { Signer } from "../../primitives/ed25519/signer.ts";
import type { PendingLimits } from "../dissemination/pending-transactions.ts";
import type { Logger } from "../observability/logger.ts";
import type { Metrics } from "../observability/metrics.ts";
import type { SnapshotSettings } from "../snapshot/snapshot-service.ts";

export interface ListenAddress {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
}

/** Everything a node needs to run, decoded and checked: secrets unlocked, genesis pinned. */
export interface NodeOptions {
  readonly genesis: Genesis;
  /** Name of the validator in the genesis. */
  readonly name: string;
  readonly dataDir: string;
  readonly signer: Signer;
  /** Ed25519 seed of the network identity, 32 bytes. */
  readonly networkSeed: Uint8Array;
  readonly listen: readonly string[];
  /** Addresses of the other validators, by name. */
  readonly peerAddresses: ReadonlyMap<string, readonly string[]>;
  readonly rpc: ListenAddress;
  readonly ops: ListenAddress;
  readonly verificationThreads: number;
  readonly consensus: ConsensusParameters;
  readonly mempool: PendingLimits;
  readonly snapshot: SnapshotSettings;
  /** This start is because the node was far behind: it looks for a snapshot although it has data. */
  readonly resync?: boolean;
  /**
   * Called when a certified snapshot is further ahead than `syncBehindBlocks`, or ahead at all while
   * no blocks come: stop this node and create it anew with `resync`. Without it the node goes on.
   */
  readonly onResync?: () => void;
  /**
   * Added to the wall clock wherever chain time is meant. 0 but in rehearsals, which replay a past
   * business day; the same on every validator of the network.
   */
  readonly clockOffsetMs: number;
  readonly logger: Logger;
  readonly metrics: Metrics;
}
