import { present } from "../../primitives/assert.ts";
import { CodecError } from "../../primitives/codec/codec-error.ts";
import { Prng } from "../../primitives/prng.ts";
import { decodeMessage } from "../messages.ts";
import { type ConsensusParameters, LAN_PARAMETERS } from "../parameters.ts";
import { BEHAVIOURS } from "./adversaries/behaviours.ts";
import { AdversaryRoster } from "./adversary-roster.ts";
import { Checker } from "./checker.ts";
import { Clients } from "./clients.ts";
import { startRealCore } from "./core-port.ts";
import { Coverage } from "./coverage.ts";
import { EventLog } from "./event-log.ts";
import { HEALTHY_DISK, HEALTHY_EXECUTION_MS, HEALTHY_LINKS } from "./fault-mix.ts";
import { FaultSchedule } from "./fault-schedule.ts";
import { spread } from "./faults.ts";
import type { Frame } from "./frames.ts";
import { IdleMonitor } from "./idle-monitor.ts";
import { LivenessMonitor } from "./liveness-monitor.ts";
import { NetworkModel } from "./network-model.ts";
import { NodeModel } from "./node-model.ts";
import { drawRunPlan, FIRST_EPOCH, type RunPlan } from "./run-plan.ts";
import type { SimulationOptions, SimulationResult } from "./simulation-options.ts";
import { hashText } from "./toy-application.ts";
import { VirtualClock } from "./virtual-clock.ts";
import { START_MS, type World } from "./world.ts";

export type { Cuts, SimulationOptions, SimulationResult } from "./simulation-options.ts";

/** Views far shorter than the links are slow: view after view is nullified until stabilisation. */
const HASTY: Partial<ConsensusParameters> = {
  deltaMs: 4,
  buildMs: 2,
  executionMs: 2,
  minBlockIntervalMs: 2,
};

/** For each validator. A healthy run stays below a tenth of it: beyond it something feeds on itself. */
const MAX_EVENTS = 20_000;

/** How often the run is asked whether it is done. */
const CHECK_INTERVAL_MS = 50;

/** Chance that a run that may be watched at rest is, and for how long. */
const IDLE_CHANCE = 0.3;
const IDLE_MS = 6_000;

/** One run from genesis through faults to a healthy network where everything is final. */
export function simulate(options: SimulationOptions): SimulationResult {
  return new Simulation(options).run();
}

class Simulation {
  readonly #options: SimulationOptions;
  readonly #prng: Prng;
  readonly #plan: RunPlan;
  readonly #clock = new VirtualClock();
  readonly #log: EventLog;
  readonly #network: NetworkModel<Frame>;
  readonly #world: World;
  readonly #nodes = new Map<number, NodeModel>();
  readonly #roster: AdversaryRoster;
  readonly #schedule: FaultSchedule;
  readonly #monitor: LivenessMonitor;
  readonly #idle: IdleMonitor;
  readonly #clients: Clients;

  constructor(options: SimulationOptions) {
    this.#options = options;
    const epochs = options.epochs === true ? " epochs" : "";
    this.#prng = new Prng(options.seed).fork(`n=${options.n}${epochs}`);
    this.#plan = drawRunPlan(options, this.#prng);
    this.#log = new EventLog(options.trace);
    this.#network = new NetworkModel<Frame>({
      clock: this.#clock,
      prng: this.#prng.fork("network"),
      size: this.#plan.participants,
      quality: this.#plan.mix.links,
      deliver: (from, to, frame) => this.#deliver(from, to, frame),
    });
    this.#world = this.#createWorld();
    this.#createNodes();
    this.#roster = this.#createRoster();
    this.#schedule = this.#createSchedule();
    this.#monitor = new LivenessMonitor({
      checker: this.#world.checker,
      held: () => [...this.#nodes.values()].flatMap((node) => node.application.held),
      parameters: this.#world.parameters,
      epochsEnd: options.epochs,
    });
    this.#idle = this.#createIdleMonitor();
    this.#clients = new Clients({
      clock: this.#clock,
      prng: this.#prng.fork("clients"),
      pauseMs: this.#plan.mix.clientPauseMs,
      kept: options.cuts?.keepBursts,
      submit: (draw, transactions) => this.#submit(draw, transactions),
    });
  }

  run(): SimulationResult {
    this.#describe();
    this.#startAll();
    this.#roster.start();
    this.#schedule.start();
    this.#clients.start();
    this.#clock.after(this.#plan.mix.stabilisationMs, () => this.#stabilise());
    const { checker } = this.#world;
    const { n, maxEvents = MAX_EVENTS * n } = this.#options;
    while (checker.violations.length === 0 && !this.#idle.done) {
      if (!this.#clock.runNext(Number.POSITIVE_INFINITY)) break;
      if (this.#log.count > maxEvents) checker.fail("LOAD", `more than ${maxEvents} events`);
    }
    return this.#result();
  }

  #result(): SimulationResult {
    const { checker, coverage } = this.#world;
    return {
      seed: this.#options.seed,
      n: this.#options.n,
      violations: checker.violations,
      events: this.#log.count,
      blocks: checker.height,
      views: checker.highestView,
      widestGap: checker.widestGap,
      withEpochs: this.#options.epochs === true,
      epochs: Math.max(...checker.epochs) - FIRST_EPOCH,
      convictions: checker.convictions,
      virtualMs: this.#clock.nowMs,
      eventLogHash: this.#log.fingerprint,
      mix: this.#plan.mix,
      faults: this.#plan.faults,
      adversaries: this.#roster.names,
      bursts: this.#clients.bursts,
      idle: this.#idle.summary,
      coverage: coverage.counts,
    };
  }

  /** Spares come when they like, and have to catch up by then. */
  #startAll(): void {
    for (const node of this.#plan.honest) {
      const { stabilisationMs } = this.#plan.mix;
      const late = node < this.#options.n ? 0 : this.#prng.below(stabilisationMs);
      if (late === 0) this.#start(node);
      else {
        this.#clock.after(late, () => {
          if (!this.#node(node).isUp) this.#start(node);
        });
      }
    }
  }

  #createWorld(): World {
    const { mix, keyring, directory } = this.#plan;
    const { seed, n } = this.#options;
    const chainId = hashText(`simulated genesis ${seed} ${n}`);
    const parameters = {
      ...LAN_PARAMETERS,
      ...(mix.hasty ? HASTY : {}),
      heartbeatMs: mix.heartbeatMs,
      ...this.#options.parameters,
    };
    return {
      clock: this.#clock,
      log: this.#log,
      checker: this.#createChecker(chainId, parameters),
      coverage: new Coverage(),
      keyring,
      epochs: directory,
      chainId,
      genesis: { height: 0, view: 0, digest: chainId, timestampMs: START_MS },
      parameters,
      encoded: mix.encoded,
      watched: mix.watched,
      send: (from, to, frame) => {
        this.#idle.sent(frame);
        this.#network.send(from, to, frame);
      },
      epochBegan: (start) => this.#roster.epochBegan(start),
      validCertificates: new WeakSet(),
      latestClockMs: START_MS,
      startCore: this.#options.startCore ?? startRealCore,
      sabotage: this.#options.sabotage ?? {},
    };
  }

  #createChecker(genesisDigest: string, parameters: ConsensusParameters): Checker {
    return new Checker({
      epochs: this.#plan.directory,
      honest: this.#plan.honest,
      genesisDigest,
      genesisTimestampMs: START_MS,
      precisionMs: parameters.precisionMs,
      now: () => this.#clock.nowMs,
    });
  }

  #createNodes(): void {
    const { mix, honest } = this.#plan;
    for (const index of honest) {
      const prng = this.#prng.fork(`node ${index}`);
      const conditions = {
        disk: mix.disk,
        minExecutionMs: mix.minExecutionMs,
        maxExecutionMs: mix.maxExecutionMs,
        clockErrorMs: spread(prng, mix.maxClockErrorMs),
        clockDrift: spread(prng, mix.maxClockDrift),
        clockSetAtMs: 0,
        staleTimers: prng.chance(0.3),
      };
      this.#nodes.set(index, new NodeModel(index, this.#world, prng, conditions));
    }
  }

  #createRoster(): AdversaryRoster {
    const { cuts, adversaries = BEHAVIOURS, epochs } = this.#options;
    const { chainId, parameters } = this.#world;
    return new AdversaryRoster({
      world: this.#world,
      mix: this.#plan.mix,
      prng: this.#prng,
      byzantine: this.#plan.byzantine,
      behaviours: adversaries,
      kept: cuts?.keepAdversaries,
      withEpochs: epochs === true,
      createChecker: () => this.#createChecker(chainId, parameters),
    });
  }

  #createSchedule(): FaultSchedule {
    const { faults, dealt, participants, honest } = this.#plan;
    const chosen = dealt.map((number) => present(faults[number], "a drawn fault"));
    return new FaultSchedule(chosen, this.#clock, {
      size: participants,
      honest,
      cut: (from, to) => this.#network.cut(from, to),
      mend: (from, to) => this.#network.mend(from, to),
      isUp: (node) => this.#node(node).isUp,
      crash: (node) => this.#node(node).crash(),
      crashAmid: (node, boundary, onDeath) => this.#node(node).crashAmid(boundary, onDeath),
      failSync: (node, onDeath) => this.#node(node).failSync(onDeath),
      loseDisk: (node, loss) => this.#node(node).loseDisk(loss),
      disarm: (node) => this.#node(node).disarm(),
      restart: (node) => this.#start(node),
      setClockError: (node, errorMs) => this.#node(node).setClock(errorMs, 0),
    });
  }

  /** Quiet is a network where every leader speaks and the view times fit the links. */
  #createIdleMonitor(): IdleMonitor {
    const { mix, byzantine, faults, dealt } = this.#plan;
    const watch = this.#prng.fork("idle").chance(IDLE_CHANCE);
    const silenced = dealt.some((number) => faults[number]?.kind === "diskLoss");
    const quiet = !mix.hasty && byzantine.length === 0 && !silenced;
    const drawn = watch && quiet ? IDLE_MS : 0;
    return new IdleMonitor({
      checker: this.#world.checker,
      parameters: this.#world.parameters,
      participants: this.#plan.participants,
      forMs: this.#options.idleMs ?? drawn,
      submit: (transaction) => {
        const node = this.#plan.honest[0];
        if (node !== undefined) this.#node(node).submit(transaction);
      },
    });
  }

  #deliver(from: number, to: number, frame: Frame): void {
    const adversary = this.#roster.of(to);
    if (adversary === undefined) {
      this.#node(to).receive(from, frame);
      return;
    }
    const plain = frame.type === "encoded" ? readFrame(frame.bytes) : frame;
    if (plain !== undefined) adversary.receive(from, plain);
  }

  /** Starts a node and lets it and its peers see one another, as new connections do. */
  #start(node: number): void {
    this.#node(node).start();
    for (let peer = 0; peer < this.#plan.participants; peer++) {
      if (peer === node) continue;
      this.#clock.after(1 + this.#prng.below(20), () => {
        this.#node(node).peerConnected(peer);
        this.#nodes.get(peer)?.peerConnected(node);
      });
    }
  }

  #submit(draw: number, transactions: readonly string[]): void {
    const { honest } = this.#plan;
    const node = this.#node(present(honest[draw % honest.length], "an honest node"));
    for (const transaction of transactions) node.submit(transaction);
  }

  #stabilise(): void {
    this.#log.record(this.#clock.nowMs, -1, "HEALED", "");
    this.#network.quality = HEALTHY_LINKS;
    const clocks = this.#prng.fork("healed clocks");
    for (const node of this.#nodes.values()) {
      node.conditions.disk = HEALTHY_DISK;
      node.conditions.minExecutionMs = 0;
      node.conditions.maxExecutionMs = HEALTHY_EXECUTION_MS;
      node.setClock(spread(clocks, this.#plan.mix.maxClockErrorMs), 0);
      node.refreshDisk();
    }
    const down = this.#plan.honest.filter((node) => !this.#node(node).isUp);
    const behind = this.#plan.honest.filter(
      (node) => down.includes(node) || this.#node(node).observes,
    );
    this.#schedule.stop();
    this.#clients.stabilised();
    this.#monitor.begin(this.#clock.nowMs, behind, down.length === this.#plan.honest.length);
    this.#watch();
  }

  #watch(): void {
    const { nowMs } = this.#clock;
    this.#monitor.check(nowMs);
    if (this.#monitor.clientsMayStop) this.#clients.stop();
    if (this.#monitor.done) this.#idle.check(nowMs);
    this.#clock.after(CHECK_INTERVAL_MS, () => this.#watch());
  }

  #describe(): void {
    const weights = this.#plan.directory.of(FIRST_EPOCH).set.validators.map(({ weight }) => weight);
    const { mix, byzantine, frail } = this.#plan;
    this.#log.record(0, -1, "RUN", `seed ${this.#options.seed}`, () =>
      JSON.stringify({ weights, byzantine, frail, mix }),
    );
  }

  #node(index: number): NodeModel {
    return present(this.#nodes.get(index), `honest node ${index}`);
  }
}

function readFrame(bytes: Uint8Array): Frame | undefined {
  try {
    return { type: "consensus", message: decodeMessage(bytes) };
  } catch (error) {
    if (error instanceof CodecError) return undefined;
    throw error;
  }
}
