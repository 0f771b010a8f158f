import { noteEpochClaim } from "./catch-up.ts";
import { acceptCertificate } from "./certificates.ts";
import type { StatusBody } from "./messages.ts";
import { startTimer } from "./pacemaker.ts";
import { weightOf } from "./quorum.ts";
import { answerOlderEpoch, answerStandstill, meetPeer } from "./standstill.ts";
import { noteAnswer } from "./start-gate.ts";
import type { ConsensusState, Turn } from "./state.ts";
import { statusMessage } from "./status-message.ts";
import { weightedMedian } from "./timestamps.ts";
import type { PeerIndex, Vote } from "./types.ts";

/** Once a period, to all: where we stand; while starting, with the question that the gate needs. */
export function onStatusTimer(turn: Turn): void {
  const { state, now } = turn;
  startTimer(turn, "status", now + state.config.parameters.statusMs);
  broadcastStatus(turn);
  watchClock(turn);
}

export function broadcastStatus(turn: Turn): void {
  const { gate, config, ended } = turn.state;
  const votes = config.self === undefined || gate.open || ended;
  const purpose = votes ? "periodic" : "starting";
  turn.effects.push({ type: "broadcast", message: statusMessage(turn, purpose) });
}

export function onStatus(turn: Turn, from: PeerIndex, body: StatusBody): void {
  const { state } = turn;
  const { epoch } = state.config;
  const isValidator = from < state.config.validators.validators.length;
  // Also of a later epoch: the peer's floor may still be the block that closes ours.
  if (body.finalization !== undefined) acceptCertificate(turn, body.finalization, "relay");
  if (body.epoch > epoch) noteEpochClaim(turn.state, from);
  if (body.epoch < epoch) answerOlderEpoch(turn, from, body.epoch);
  if (body.epoch !== epoch || !isValidator || from === state.config.self) return;
  meetPeer(turn, from, body);
  state.clockOffsets.set(from, turn.now - body.clockMs);
  switch (body.purpose) {
    case "periodic":
      return;
    case "answer":
      noteAnswer(turn, from, body);
      return;
    case "starting": {
      const echoes = newestVotesOf(state, from);
      const message = statusMessage(turn, "answer", body.incarnation, echoes);
      turn.effects.push({ type: "send", to: from, message });
      return;
    }
    case "standstill":
      answerStandstill(turn, from, body);
      return;
  }
}

/**
 * The newest vote of each kind that we ever had from a peer: it must find them in its journal. What
 * our own restart forgot, the certificate of the last final block partly tells.
 */
function newestVotesOf(state: ConsensusState, signer: number): readonly Vote[] {
  const { notarize, nullify, finalize } = state.newestVotes.get(signer) ?? {};
  const certified = signatureIn(state, signer);
  const newer = (finalize?.view ?? 0) >= (certified?.view ?? 0) ? finalize : certified;
  return [notarize, nullify, newer].filter((vote) => vote !== undefined);
}

/** The peer's own finalize vote for the last final block, taken out of its certificate. */
function signatureIn(state: ConsensusState, signer: number): Vote | undefined {
  const { finalization } = state.floor;
  if (finalization === undefined || finalization.epoch !== state.config.epoch) return undefined;
  if ((finalization.signers & (1 << signer)) === 0) return undefined;
  let place = 0;
  for (let i = 0; i < signer; i++) if ((finalization.signers & (1 << i)) !== 0) place += 1;
  const signature = finalization.signatures[place];
  if (signature === undefined) return undefined;
  const { kind, epoch, view, target } = finalization;
  return { kind, epoch, view, target, signer, signature };
}

/**
 * Compares the own clock with the weighted median of the validators' last Status clocks, own clock
 * included; says so when the difference passes half the precision, and when it is back.
 */
function watchClock(turn: Turn): void {
  const { state } = turn;
  const { validators, parameters, self } = state.config;
  const items = [...state.clockOffsets].map(([index, value]) => ({
    value,
    weight: weightOf(validators, index),
  }));
  if (self !== undefined) items.push({ value: 0, weight: weightOf(validators, self) });
  const heard = items.reduce((sum, { weight }) => sum + weight, 0);
  const median = weightedMedian(items);
  if (median === undefined || heard < validators.quorum) return;
  const alarm = Math.abs(median) > parameters.precisionMs / 2;
  if (alarm === state.skewAlarm) return;
  state.skewAlarm = alarm;
  turn.effects.push({ type: "report", report: { kind: "clockSkew", offsetMs: median, alarm } });
}
