import { CodecError } from "../../primitives/codec/codec-error.ts";
import type { Prng } from "../../primitives/prng.ts";
import { leaderOf, leaderSchedule } from "../leader.ts";
import { encodeMessage } from "../messages.ts";
import { AcrossEpochs } from "./adversaries/across-epochs.ts";
import type { Adversary, AdversaryContext, CreateAdversary } from "./adversaries/adversary.ts";
import { createSilent } from "./adversaries/silent.ts";
import { createTwins } from "./adversaries/twins.ts";
import type { Checker } from "./checker.ts";
import { startRealCore } from "./core-port.ts";
import { Coverage } from "./coverage.ts";
import { EventLog } from "./event-log.ts";
import type { FaultMix } from "./fault-mix.ts";
import type { Frame } from "./frames.ts";
import { NodeModel } from "./node-model.ts";
import { FIRST_EPOCH } from "./run-plan.ts";
import { GENESIS_STATE } from "./toy-application.ts";
import { type EpochStart, START_MS, type World } from "./world.ts";

/** 0xc1 is the one byte that msgpack never uses. */
const UNREADABLE = Uint8Array.of(0xc1);

export interface RosterOptions {
  readonly world: World;
  readonly mix: FaultMix;
  readonly prng: Prng;
  readonly byzantine: readonly number[];
  readonly behaviours: readonly CreateAdversary[];
  /** Participants that keep their behaviour; absent: all. The others fall silent. */
  readonly kept: readonly number[] | undefined;
  readonly withEpochs: boolean;
  /** An oracle of its own for a node that is part of an adversary. */
  readonly createChecker: () => Checker;
}

/** The Byzantine participants of a run and what each of them does. */
export class AdversaryRoster {
  readonly #options: RosterOptions;
  readonly #adversaries = new Map<number, Adversary>();
  readonly #names = new Map<number, string>();
  #newestEpoch = -1;

  constructor(options: RosterOptions) {
    this.#options = options;
    const choice = options.prng.fork("behaviours");
    for (const participant of options.byzantine) {
      const drawn = choice.pick(options.behaviours);
      const create = options.kept?.includes(participant) === false ? createSilent : drawn;
      this.#names.set(participant, drawn.name.replace(/^create/, "").toLowerCase());
      this.#adversaries.set(participant, this.#create(participant, create));
    }
  }

  /** Byzantine participants with the names of the behaviours that were drawn for them. */
  get names(): ReadonlyMap<number, string> {
    return this.#names;
  }

  of(participant: number): Adversary | undefined {
    return this.#adversaries.get(participant);
  }

  start(): void {
    for (const adversary of this.#adversaries.values()) adversary.start();
  }

  /** Some honest node is in an epoch: those who follow from outside are told once. */
  epochBegan(start: EpochStart): void {
    if (start.epoch <= this.#newestEpoch) return;
    this.#newestEpoch = start.epoch;
    for (const adversary of this.#adversaries.values()) {
      if (adversary instanceof AcrossEpochs) adversary.begin(start);
    }
  }

  /** Twins are nodes and follow the epochs by themselves; all others are told. */
  #create(participant: number, create: CreateAdversary): Adversary {
    const context = this.#contextOf(participant);
    if (!this.#options.withEpochs || create === createTwins) return create(context);
    const { epochs, chainId } = this.#options.world;
    return new AcrossEpochs({
      context,
      participant,
      epochs,
      create,
      leaderOf: ({ epoch, anchor }, view) =>
        leaderOf(
          leaderSchedule(chainId, epoch, anchor.digest, epochs.of(epoch).members.length),
          view,
        ),
    });
  }

  #contextOf(index: number): AdversaryContext {
    const { epochs, chainId, genesis, parameters, keyring, clock, send } = this.#options.world;
    const { set, epoch } = epochs.of(FIRST_EPOCH);
    const leaders = leaderSchedule(chainId, epoch, chainId, set.validators.length);
    return {
      index,
      set,
      chainId,
      epoch,
      genesis,
      genesisState: GENESIS_STATE,
      formerCertificates: () => [],
      nextValidators: (height) => epochs.nextValidators(epoch, height),
      parameters,
      leaderOf: (view) => leaderOf(leaders, view),
      prng: this.#options.prng.fork(`adversary ${index}`),
      clockMs: () => START_MS + clock.nowMs,
      later: (delayMs, run) => clock.after(delayMs, run),
      send: (to, frame) => send(index, to, this.#toWire(frame)),
      sign: keyring.signer(index),
      spawnTwin: (label, sendAsTwin) => this.#spawnTwin(index, label, sendAsTwin),
    };
  }

  /** Its oracle and its log are its own: what a Byzantine node does to itself is no violation. */
  #spawnTwin(index: number, label: string, send: (to: number, frame: Frame) => void): NodeModel {
    const { mix, world, prng, createChecker } = this.#options;
    const ownWorld: World = {
      ...world,
      checker: createChecker(),
      log: new EventLog(),
      coverage: new Coverage(),
      encoded: false,
      watched: false,
      latestClockMs: START_MS,
      epochBegan: () => {},
      // A twin sees a part of its peers, and would wait for the answers of the rest for ever.
      startCore: (config, records, lastCommitted) =>
        startRealCore({ ...config, startGate: "open" }, records, lastCommitted),
      send: (_from, to, frame) => send(to, frame),
    };
    return new NodeModel(index, ownWorld, prng.fork(`${label} of ${index}`), {
      disk: mix.disk,
      minExecutionMs: mix.minExecutionMs,
      maxExecutionMs: mix.maxExecutionMs,
      clockErrorMs: 0,
      clockDrift: 0,
      clockSetAtMs: 0,
      staleTimers: false,
    });
  }

  /** A message that no encoder writes arrives as bytes that no decoder reads. */
  #toWire(frame: Frame): Frame {
    if (!this.#options.mix.encoded || frame.type !== "consensus") return frame;
    try {
      return { type: "encoded", bytes: encodeMessage(frame.message) };
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      return { type: "encoded", bytes: UNREADABLE };
    }
  }
}
