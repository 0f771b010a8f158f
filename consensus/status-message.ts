import type { ConsensusMessage, StatusPurpose } from "./messages.ts";
import type { Turn } from "./state.ts";
import type { Vote } from "./types.ts";

/** Where this node stands, now. */
export function statusMessage(
  turn: Turn,
  purpose: StatusPurpose,
  answerTo = 0,
  echoes: readonly Vote[] = [],
): ConsensusMessage {
  const { state, now } = turn;
  return {
    type: "status",
    body: {
      epoch: state.config.epoch,
      view: state.view,
      floorView: state.floor.view,
      floorHeight: state.floor.height,
      finalization: state.floor.finalization,
      clockMs: Math.max(0, now),
      incarnation: state.incarnation,
      purpose,
      answerTo,
      echoes,
    },
  };
}
