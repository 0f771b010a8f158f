import { present } from "../../primitives/assert.ts";
import { Prng } from "../../primitives/prng.ts";
import { leaderOf, leaderSchedule } from "../leader.ts";
import { decodeMessage, encodeMessage } from "../messages.ts";
import { type ConsensusParameters, LAN_PARAMETERS } from "../parameters.ts";
import { AcrossEpochs } from "./adversaries/across-epochs.ts";
import type { Adversary, AdversaryContext, CreateAdversary } from "./adversaries/adversary.ts";
import { createEquivocator } from "./adversaries/equivocator.ts";
import { createForger } from "./adversaries/forger.ts";
import { createLeaper } from "./adversaries/leaper.ts";
import { createSilent } from "./adversaries/silent.ts";
import { createTwins } from "./adversaries/twins.ts";
import { Checker, type Violation } from "./checker.ts";
import { type StartCore, startRealCore } from "./core-port.ts";
import { Coverage } from "./coverage.ts";
import { Changes, drawEpochPlan, EpochDirectory } from "./epoch-directory.ts";
import { EventLog, type TraceSink } from "./event-log.ts";
import {
  drawFaultMix,
  type FaultMix,
  FaultSchedule,
  HEALTHY_DISK,
  HEALTHY_LINKS,
} from "./fault-schedule.ts";
import type { Frame } from "./frames.ts";
import { Keyring } from "./keyring.ts";
import { LivenessMonitor } from "./liveness-monitor.ts";
import { NetworkModel } from "./network-model.ts";
import { NodeModel } from "./node-model.ts";
import { GENESIS_STATE, hashText } from "./toy-application.ts";
import { drawByzantine, drawValidatorSet } from "./validator-weights.ts";
import { VirtualClock } from "./virtual-clock.ts";
import { type EpochStart, type Sabotage, START_MS, type World } from "./world.ts";

export interface SimulationOptions {
  readonly seed: number;
  /** Validators, 4 to 25. */
  readonly n: number;
  /** Epochs end every few blocks, and validators change. */
  readonly epochs?: boolean;
  readonly trace?: TraceSink;
  /** Replaces parts of what the seed draws: for directed tests. */
  readonly mix?: Partial<FaultMix>;
  readonly adversaries?: readonly CreateAdversary[];
  readonly parameters?: Partial<ConsensusParameters>;
  readonly startCore?: StartCore;
  readonly sabotage?: Sabotage;
  /** Events after which the run counts as running away. */
  readonly maxEvents?: number;
}

export interface SimulationResult {
  readonly seed: number;
  readonly n: number;
  readonly violations: readonly Violation[];
  /** Events that cores and nodes saw. */
  readonly events: number;
  /** Height of the finalized chain. */
  readonly blocks: number;
  /** Highest view that a node told of. */
  readonly views: number;
  /** Whether epochs were to end in this run. */
  readonly withEpochs: boolean;
  /** Epochs that have ended at some node. */
  readonly epochs: number;
  /** Proofs of contradiction on the chain. */
  readonly convictions: number;
  readonly virtualMs: number;
  /** Equal for equal seeds. */
  readonly eventLogHash: string;
  readonly mix: FaultMix;
  /** How often each kind of thing happened at honest nodes. */
  readonly coverage: ReadonlyMap<string, number>;
}

/** Each run has its own key secrets and chain, so nothing of one run is valid in another. */
const EPOCH = 1;

/** Equivocation twice: it is what the protocol exists for. */
const ADVERSARIES: readonly CreateAdversary[] = [
  createEquivocator,
  createEquivocator,
  createLeaper,
  createTwins,
  createForger,
  createSilent,
];

/** A healthy run stays below a tenth of this: beyond it something feeds on itself. */
const MAX_EVENTS = 1_500_000;

/** How often the run is asked whether it is done. */
const CHECK_INTERVAL_MS = 50;

/** One run from genesis through faults to a healthy network where everything is final. */
export function simulate(options: SimulationOptions): SimulationResult {
  return new Simulation(options).run();
}

class Simulation {
  readonly #options: SimulationOptions;
  readonly #prng: Prng;
  readonly #mix: FaultMix;
  readonly #clock = new VirtualClock();
  readonly #log: EventLog;
  readonly #network: NetworkModel<Frame>;
  readonly #world: World;
  readonly #honest: readonly number[];
  readonly #nodes = new Map<number, NodeModel>();
  readonly #adversaries = new Map<number, Adversary>();
  readonly #schedule: FaultSchedule;
  readonly #monitor: LivenessMonitor;
  readonly #participants: number;
  #transactions = 0;
  #newestEpoch = -1;

  constructor(options: SimulationOptions) {
    this.#options = options;
    const epochs = options.epochs === true ? " epochs" : "";
    this.#prng = new Prng(options.seed).fork(`n=${options.n}${epochs}`);
    this.#mix = { ...drawFaultMix(this.#prng.fork("mix")), ...options.mix };
    this.#log = new EventLog(options.trace);
    const plan = options.epochs ? drawEpochPlan(options.n, this.#prng.fork("plan")) : undefined;
    this.#participants = options.n + (plan?.spares ?? 0);
    const keyring = drawKeyring(this.#prng.fork("keys"), this.#participants);
    const set = drawValidatorSet(options.n, this.#prng.fork("weights"), keyring);
    const byzantine = this.#mix.byzantine ? drawByzantine(set, this.#prng.fork("traitors")) : [];
    const everyone = Array.from({ length: this.#participants }, (_, i) => i);
    this.#honest = everyone.filter((i) => !byzantine.includes(i));
    const changes =
      plan && new Changes(plan, this.#prng.fork("sets"), keyring, byzantine, this.#participants);
    const directory = new EpochDirectory(EpochDirectory.fixed(set, EPOCH).of(EPOCH), changes);
    this.#network = new NetworkModel<Frame>({
      clock: this.#clock,
      prng: this.#prng.fork("network"),
      size: this.#participants,
      quality: this.#mix.links,
      deliver: (from, to, frame) => this.#deliver(from, to, frame),
    });
    this.#world = this.#createWorld(keyring, directory);
    this.#createNodes(byzantine);
    this.#schedule = new FaultSchedule(this.#mix, this.#prng.fork("faults"), this.#clock, {
      size: this.#participants,
      honest: this.#honest,
      cut: (from, to) => this.#network.cut(from, to),
      mend: (from, to) => this.#network.mend(from, to),
      isUp: (node) => this.#node(node).isUp,
      crash: (node) => this.#node(node).crash(),
      restart: (node) => this.#start(node),
      setClockError: (node, errorMs) => {
        this.#node(node).conditions.clockErrorMs = errorMs;
      },
    });
    this.#monitor = new LivenessMonitor(
      this.#world.checker,
      () => [...this.#nodes.values()].flatMap((node) => node.application.held),
      this.#world.parameters,
      options.epochs,
    );
  }

  run(): SimulationResult {
    this.#describe();
    for (const node of this.#honest) {
      // Spares come when they like, and have to catch up by then.
      const late = node < this.#options.n ? 0 : this.#prng.below(this.#mix.stabilisationMs);
      if (late === 0) this.#start(node);
      else {
        this.#clock.after(late, () => {
          if (!this.#node(node).isUp) this.#start(node);
        });
      }
    }
    for (const adversary of this.#adversaries.values()) adversary.start();
    this.#schedule.start();
    this.#inject();
    this.#clock.after(this.#mix.stabilisationMs, () => this.#stabilise());
    const { checker } = this.#world;
    const { maxEvents = MAX_EVENTS } = this.#options;
    while (checker.violations.length === 0 && !this.#monitor.done) {
      if (!this.#clock.runNext(Number.POSITIVE_INFINITY)) break;
      if (this.#log.count > maxEvents) checker.fail("LOAD", `more than ${maxEvents} events`);
    }
    return {
      seed: this.#options.seed,
      n: this.#options.n,
      violations: checker.violations,
      events: this.#log.count,
      blocks: checker.height,
      views: checker.highestView,
      withEpochs: this.#options.epochs === true,
      epochs: Math.max(...checker.epochs) - EPOCH,
      convictions: checker.convictions,
      virtualMs: this.#clock.nowMs,
      eventLogHash: this.#log.fingerprint,
      mix: this.#mix,
      coverage: this.#world.coverage.counts,
    };
  }

  #createWorld(keyring: Keyring, epochs: EpochDirectory): World {
    const { seed, n } = this.#options;
    const chainId = hashText(`simulated genesis ${seed} ${n}`);
    const parameters = {
      ...LAN_PARAMETERS,
      heartbeatMs: this.#mix.heartbeatMs,
      ...this.#options.parameters,
    };
    return {
      clock: this.#clock,
      log: this.#log,
      checker: this.#createChecker(epochs, parameters),
      coverage: new Coverage(),
      keyring,
      epochs,
      chainId,
      genesis: { height: 0, view: 0, digest: chainId, timestampMs: START_MS },
      parameters,
      encoded: this.#mix.encoded,
      watched: this.#mix.watched,
      send: (from, to, frame) => this.#network.send(from, to, frame),
      epochBegan: (start) => this.#epochBegan(start),
      validCertificates: new WeakSet(),
      latestClockMs: START_MS,
      startCore: this.#options.startCore ?? startRealCore,
      sabotage: this.#options.sabotage ?? {},
    };
  }

  #createChecker(epochs: EpochDirectory, parameters: ConsensusParameters): Checker {
    return new Checker({
      epochs,
      honest: this.#honest,
      genesisDigest: hashText(`simulated genesis ${this.#options.seed} ${this.#options.n}`),
      genesisTimestampMs: START_MS,
      precisionMs: parameters.precisionMs,
      now: () => this.#clock.nowMs,
    });
  }

  #createNodes(byzantine: readonly number[]): void {
    const { disk, minExecutionMs, maxExecutionMs } = this.#mix;
    for (const index of this.#honest) {
      const prng = this.#prng.fork(`node ${index}`);
      const conditions = {
        disk,
        minExecutionMs,
        maxExecutionMs,
        clockErrorMs: 0,
        staleTimers: prng.chance(0.3),
      };
      this.#nodes.set(index, new NodeModel(index, this.#world, prng, conditions));
    }
    const choice = this.#prng.fork("behaviours");
    for (const index of byzantine) {
      const create = choice.pick(this.#options.adversaries ?? ADVERSARIES);
      this.#adversaries.set(index, this.#createAdversary(index, create));
    }
  }

  /** Twins are nodes and follow the epochs by themselves; all others are told. */
  #createAdversary(participant: number, create: CreateAdversary): Adversary {
    const context = this.#adversaryContext(participant);
    if (this.#options.epochs !== true || create === createTwins) return create(context);
    const { epochs, chainId } = this.#world;
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

  #epochBegan(start: EpochStart): void {
    if (start.epoch <= this.#newestEpoch) return;
    this.#newestEpoch = start.epoch;
    for (const adversary of this.#adversaries.values()) {
      if (adversary instanceof AcrossEpochs) adversary.begin(start);
    }
  }

  #adversaryContext(index: number): AdversaryContext {
    const { epochs, chainId, genesis, parameters, keyring } = this.#world;
    const { set, epoch } = epochs.of(EPOCH);
    const leaders = leaderSchedule(chainId, epoch, chainId, set.validators.length);
    return {
      index,
      set,
      chainId,
      epoch,
      genesis,
      genesisState: GENESIS_STATE,
      nextValidators: (height) => epochs.nextValidators(epoch, height),
      parameters,
      leaderOf: (view) => leaderOf(leaders, view),
      prng: this.#prng.fork(`adversary ${index}`),
      clockMs: () => START_MS + this.#clock.nowMs,
      later: (delayMs, run) => this.#clock.after(delayMs, run),
      send: (to, frame) => this.#network.send(index, to, this.#toWire(frame)),
      sign: keyring.signer(index),
      spawnTwin: (label, send) => this.#spawnTwin(index, label, send),
    };
  }

  /** Its oracle and its log are its own: what a Byzantine node does to itself is no violation. */
  #spawnTwin(index: number, label: string, send: (to: number, frame: Frame) => void): NodeModel {
    const { disk, minExecutionMs, maxExecutionMs } = this.#mix;
    const world: World = {
      ...this.#world,
      checker: this.#createChecker(this.#world.epochs, this.#world.parameters),
      log: new EventLog(),
      coverage: new Coverage(),
      encoded: false,
      watched: false,
      latestClockMs: START_MS,
      epochBegan: () => {},
      send: (_from, to, frame) => send(to, frame),
    };
    return new NodeModel(index, world, this.#prng.fork(`${label} of ${index}`), {
      disk,
      minExecutionMs,
      maxExecutionMs,
      clockErrorMs: 0,
      staleTimers: false,
    });
  }

  #toWire(frame: Frame): Frame {
    if (!this.#mix.encoded || frame.type !== "consensus") return frame;
    return { type: "encoded", bytes: encodeMessage(frame.message) };
  }

  #deliver(from: number, to: number, frame: Frame): void {
    const adversary = this.#adversaries.get(to);
    if (adversary === undefined) {
      this.#node(to).receive(from, frame);
      return;
    }
    const plain: Frame =
      frame.type === "encoded" ? { type: "consensus", message: decodeMessage(frame.bytes) } : frame;
    adversary.receive(from, plain);
  }

  /** Starts a node and lets it and its peers see one another, as new connections do. */
  #start(node: number): void {
    this.#node(node).start();
    for (let peer = 0; peer < this.#participants; peer++) {
      if (peer === node) continue;
      this.#clock.after(1 + this.#prng.below(20), () => {
        this.#node(node).peerConnected(peer);
        this.#nodes.get(peer)?.peerConnected(node);
      });
    }
  }

  /** Clients hand transactions to random nodes until the chain has shown that it lives. */
  #inject(): void {
    if (this.#monitor.clientsMayStop) return;
    const node = this.#node(this.#prng.pick(this.#honest));
    const burst = 1 + this.#prng.below(4);
    for (let i = 0; i < burst; i++) {
      this.#transactions += 1;
      node.submit(`tx${this.#transactions}`);
    }
    this.#clock.after(20 + this.#prng.below(this.#mix.clientPauseMs), () => this.#inject());
  }

  #stabilise(): void {
    this.#log.record(this.#clock.nowMs, -1, "HEALED", "");
    this.#network.quality = HEALTHY_LINKS;
    for (const node of this.#nodes.values()) {
      node.conditions.disk = HEALTHY_DISK;
      node.conditions.minExecutionMs = 0;
      node.conditions.maxExecutionMs = 4;
      node.refreshDisk();
    }
    this.#schedule.stop();
    this.#monitor.begin(this.#clock.nowMs);
    this.#watch();
  }

  #watch(): void {
    this.#monitor.check(this.#clock.nowMs);
    this.#clock.after(CHECK_INTERVAL_MS, () => this.#watch());
  }

  #describe(): void {
    const byzantine = [...this.#adversaries.keys()];
    const weights = this.#world.epochs.of(EPOCH).set.validators.map(({ weight }) => weight);
    this.#log.record(0, -1, "RUN", `seed ${this.#options.seed}`, () =>
      JSON.stringify({ weights, byzantine, mix: this.#mix }),
    );
  }

  #node(index: number): NodeModel {
    return present(this.#nodes.get(index), `honest node ${index}`);
  }
}

function drawKeyring(prng: Prng, size: number): Keyring {
  return new Keyring(Array.from({ length: size }, () => prng.nextUint32()));
}
