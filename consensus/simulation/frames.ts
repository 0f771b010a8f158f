import type { ConsensusMessage } from "../messages.ts";
import type { ToyBatch } from "./toy-application.ts";

/**
 * What crosses a link. Consensus messages are the real ones, as objects or, in runs that test the
 * wire format, as the bytes they encode to; batches belong to the toy application.
 */
export type Frame =
  | { readonly type: "consensus"; readonly message: ConsensusMessage }
  | { readonly type: "encoded"; readonly bytes: Uint8Array }
  | { readonly type: "batch"; readonly batch: ToyBatch }
  | { readonly type: "getBatches"; readonly digests: readonly string[] };
