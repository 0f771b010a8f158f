import { sameTarget } from "./certificate.ts";
import type { StatusBody } from "./messages.ts";
import { weightOfBitmap } from "./quorum.ts";
import { requestSignature } from "./safety-guard.ts";
import { type ConsensusState, halt, type Turn } from "./state.ts";
import type { PeerIndex, Vote } from "./types.ts";

/**
 * After every process start no vote leaves this node before validators of quorum weight, itself
 * included, have told what they hold of its votes. If its journal was lost or rolled back, some
 * honest one among them shows a vote that the journal lacks, and the node never votes again with
 * this key. An answer counts for this very start only; a floor proven in one is reached first.
 */
export function noteAnswer(turn: Turn, from: PeerIndex, body: StatusBody): void {
  const { state } = turn;
  if (body.answerTo !== state.incarnation) return;
  const { gate } = state;
  if (!gate.open) for (const echo of body.echoes) checkEcho(turn, echo);
  if (gate.open || isAnswered(state)) return;
  gate.answered |= 1 << from;
  // Views of another epoch are other numbers: its floor is none to wait for.
  if (body.finalization?.epoch === state.config.epoch) {
    gate.targetView = Math.max(gate.targetView, body.finalization.view);
  }
}

/**
 * Compares an echoed vote with what the journal held when this process started. What happened since
 * says nothing: catching up moves the floor past votes that a lost journal should have held.
 */
function checkEcho(turn: Turn, echo: Vote): void {
  const { gate } = turn.state;
  if (echo.view <= gate.settledView) return;
  const own = gate.remembered.get(echo.view)?.[echo.kind];
  if (own !== undefined && sameTarget(own.target, echo.target)) return;
  const detail = `a ${echo.kind} vote of our key in view ${echo.view} is not in our journal`;
  halt(turn, "AMNESIA", echo.view, detail);
}

function isAnswered(state: ConsensusState): boolean {
  const { self, validators } = state.config;
  const own = self === undefined ? 0 : 1 << self;
  return weightOfBitmap(validators, state.gate.answered | own) >= validators.quorum;
}

/**
 * Opens the gate when its conditions hold. Votes that the journal remembers get their signatures
 * again, so that this node's own tally and its peers have them; nothing else would repeat them.
 */
export function openGate(turn: Turn): void {
  const { state } = turn;
  const { gate } = state;
  if (gate.open || state.ended || state.incarnation === 0 || state.config.self === undefined)
    return;
  if (state.halted !== undefined || !isAnswered(state)) return;
  if (state.floor.view < gate.targetView || state.floor.view < state.voteFloorView) return;
  gate.open = true;
  gate.remembered.clear();
  turn.effects.push({ type: "report", report: { kind: "votingEnabled", view: state.view } });
  for (const view of [...state.views.keys()].sort((a, b) => a - b)) {
    const own = state.views.get(view)?.own ?? {};
    for (const kind of ["notarize", "nullify", "finalize"] as const) {
      if (own[kind] !== undefined && own[kind].signature === undefined) {
        requestSignature(turn, kind, view);
      }
    }
  }
}
