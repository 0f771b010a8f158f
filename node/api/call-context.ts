import type { HeadWatch, LongPoll } from "./long-polls.ts";
import type { NodePorts } from "./ports.ts";

/** What one call may use. */
export interface CallContext {
  readonly ports: NodePorts;
  readonly heads: HeadWatch;
  /** Whether the call may wait: calls of a batch may not, each would delay those after it. */
  readonly mayWait: boolean;
  /**
   * A place to wait in, which ends when the client goes away or the node closes; undefined when
   * all places are taken. The dispatcher releases it.
   */
  enterWait(): LongPoll | undefined;
}
