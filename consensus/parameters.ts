import { CodedError } from "../primitives/errors.ts";

/** Times of the protocol, all in milliseconds. They are the same on every node of a network. */
export interface ConsensusParameters {
  /** Bound on one message between two nodes, verification and one disk sync included. */
  readonly deltaMs: number;
  /** A leader's time to build and execute a block. */
  readonly buildMs: number;
  /** A voter's time to execute a block. */
  readonly executionMs: number;
  /** Shortest time between a block and a proposal on it; delays proposals, never votes. */
  readonly minBlockIntervalMs: number;
  /** How long a validator packs transactions into a batch before it sends it. */
  readonly packingMs: number;
  /** Bound on the difference of two honest clocks. */
  readonly precisionMs: number;
  /** How old a timestamp may be when the proposal arrives, before back-off. */
  readonly messageDelayMs: number;
  /** One empty block after this time without any, so that chain time moves. */
  readonly heartbeatMs: number;
  /** Period of resending while nothing becomes final. */
  readonly standstillMs: number;
  /** Period of Status messages. */
  readonly statusMs: number;
}

/** One site or one city. */
export const LAN_PARAMETERS: ConsensusParameters = {
  deltaMs: 50,
  buildMs: 100,
  executionMs: 200,
  minBlockIntervalMs: 50,
  packingMs: 20,
  precisionMs: 500,
  messageDelayMs: 2_000,
  heartbeatMs: 30_000,
  standstillMs: 1_000,
  statusMs: 1_000,
};

/** Sites on one continent. */
export const WAN_PARAMETERS: ConsensusParameters = { ...LAN_PARAMETERS, deltaMs: 250 };

/** Ten minutes: no single time of the protocol is longer. */
const MAX_PARAMETER_MS = 600_000;

/** Throws CodedError PARAMETER_RANGE. Zero is allowed only where it means "no delay". */
export function checkParameters(parameters: ConsensusParameters): void {
  const mayBeZero = new Set(["buildMs", "executionMs", "minBlockIntervalMs", "packingMs"]);
  for (const [name, value] of Object.entries(parameters)) {
    const least = mayBeZero.has(name) ? 0 : 1;
    if (!Number.isSafeInteger(value) || value < least || value > MAX_PARAMETER_MS) {
      throw new CodedError("PARAMETER_RANGE", `${name} must be ${least}..${MAX_PARAMETER_MS} ms`, {
        field: name,
        got: Number(value),
      });
    }
  }
}
