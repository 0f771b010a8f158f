import type { Prng } from "../../primitives/prng.ts";
import type { FaultMix } from "./fault-mix.ts";

/** A clock jumps by at most this, ten times the precision that timestamps are held to. */
const MAX_CLOCK_JUMP_MS = 5_000;

/** Effects and sends after which a crash amid a step comes at the latest. */
const MAX_BOUNDARIES = 40;

/** Faults of one run: more than any drawn mix makes in its longest time. */
const MAX_FAULTS = 1_000;

export type DiskLoss = "everything" | "journal" | "flipped bit";

/** One thing that goes wrong. Everything about it is drawn before the run: see drawFaults. */
export type Fault =
  | {
      readonly kind: "partition";
      readonly atMs: number;
      readonly first: readonly number[];
      /** Only what `first` sends to the others is lost. */
      readonly oneWay: boolean;
      /** How long the links are cut, and then whole before they are cut again. */
      readonly cuts: readonly { readonly cutMs: number; readonly pauseMs: number }[];
    }
  | {
      readonly kind: "crash";
      readonly atMs: number;
      /** Time until the restart; absent where the node stays down until stabilisation. */
      readonly nodes: readonly { readonly node: number; readonly downMs: number | undefined }[];
    }
  | {
      /** The node dies at this many effects and sends from now, amid whatever it does then. */
      readonly kind: "crashAmid";
      readonly atMs: number;
      readonly node: number;
      readonly boundary: number;
      readonly downMs: number | undefined;
    }
  | {
      readonly kind: "syncError";
      readonly atMs: number;
      readonly node: number;
      readonly downMs: number | undefined;
    }
  | {
      readonly kind: "diskLoss";
      readonly atMs: number;
      readonly node: number;
      readonly loss: DiskLoss;
      readonly downMs: number | undefined;
    }
  | {
      readonly kind: "clockJump";
      readonly atMs: number;
      readonly node: number;
      readonly errorMs: number;
    };

export interface FaultSubjects {
  /** Participants, all of whose links may be cut. */
  readonly size: number;
  /** Nodes that may crash: Byzantine ones are bad enough without. */
  readonly honest: readonly number[];
  /** Honest nodes whose disk may lose what it held; their weight counts as faulty. */
  readonly frail: readonly number[];
}

/**
 * All faults of a run in the order of their times, at random beats until stabilisation. They are
 * drawn beforehand, so that each can be left out of another run without changing the rest.
 */
export function drawFaults(mix: FaultMix, prng: Prng, subjects: FaultSubjects): readonly Fault[] {
  const { honest, frail } = subjects;
  const faults: Fault[] = [];
  const add = (fault: Fault): void => {
    if (faults.length < MAX_FAULTS) faults.push(fault);
  };
  let atMs = prng.below(200);
  while (atMs < mix.stabilisationMs) {
    if (prng.chance(mix.partitionChance)) add(drawPartition(prng, atMs, subjects.size, false));
    if (prng.chance(mix.oneWayChance)) add(drawPartition(prng, atMs, subjects.size, true));
    if (prng.chance(mix.crashChance)) {
      const nodes = [{ node: prng.pick(honest), downMs: drawDownMs(prng) }];
      add({ kind: "crash", atMs, nodes });
    }
    if (prng.chance(mix.crashAllChance)) {
      const nodes = honest.map((node) => ({ node, downMs: drawDownMs(prng) }));
      add({ kind: "crash", atMs, nodes });
    }
    if (prng.chance(mix.boundaryCrashChance)) {
      const boundary = 1 + prng.below(MAX_BOUNDARIES);
      const node = prng.pick(honest);
      add({ kind: "crashAmid", atMs, node, boundary, downMs: drawDownMs(prng) });
    }
    if (prng.chance(mix.syncErrorChance)) {
      add({ kind: "syncError", atMs, node: prng.pick(honest), downMs: drawDownMs(prng) });
    }
    if (frail.length > 0 && prng.chance(mix.diskLossChance)) {
      const loss = prng.pick(["everything", "journal", "flipped bit"] as const);
      add({ kind: "diskLoss", atMs, node: prng.pick(frail), loss, downMs: drawDownMs(prng) });
    }
    if (prng.chance(mix.clockJumpChance)) {
      const errorMs = spread(prng, MAX_CLOCK_JUMP_MS);
      add({ kind: "clockJump", atMs, node: prng.pick(honest), errorMs });
    }
    atMs += 20 + prng.below(400);
  }
  return faults;
}

function drawPartition(prng: Prng, atMs: number, size: number, oneWay: boolean): Fault {
  const order = prng.shuffle(Array.from({ length: size }, (_, i) => i));
  const first = order.slice(0, 1 + prng.below(size - 1)).sort((a, b) => a - b);
  const flaps = prng.chance(0.3) ? 1 + prng.below(5) : 0;
  const cuts = Array.from({ length: 1 + flaps }, () => ({
    cutMs: 20 + prng.below(1_500),
    pauseMs: prng.below(200),
  }));
  return { kind: "partition", atMs, first, oneWay, cuts };
}

/** Some are back at once, some miss a little, some miss all until stabilisation. */
function drawDownMs(prng: Prng): number | undefined {
  if (prng.chance(0.1)) return undefined;
  return prng.chance(0.5) ? prng.below(100) : prng.below(2_000);
}

/** −max … max, whole. */
export function spread(prng: Prng, max: number): number {
  const whole = Math.floor(max);
  return prng.below(2 * whole + 1) - whole;
}

/** One line for people; the number names the fault in `--keep-faults`. */
export function describeFault(fault: Fault, number: number): string {
  const at = `#${number} at ${(fault.atMs / 1000).toFixed(3)} s`;
  const down = (ms: number | undefined): string =>
    ms === undefined ? "down until stabilisation" : `down ${ms} ms`;
  switch (fault.kind) {
    case "partition": {
      const cuts = fault.cuts.map(({ cutMs, pauseMs }) => `${cutMs} ms cut, ${pauseMs} whole`);
      const way = fault.oneWay ? "what they send is lost" : "cut off from the rest";
      return `${at}: nodes ${fault.first.join(" ")} ${way}: ${cuts.join("; ")}`;
    }
    case "crash": {
      const nodes = fault.nodes.map(({ node, downMs }) => `node ${node} ${down(downMs)}`);
      return `${at}: crash: ${nodes.join(", ")}`;
    }
    case "crashAmid":
      return `${at}: node ${fault.node} dies ${fault.boundary} boundaries on, ${down(fault.downMs)}`;
    case "syncError":
      return `${at}: node ${fault.node}: the next sync fails, ${down(fault.downMs)}`;
    case "diskLoss":
      return `${at}: node ${fault.node} loses ${fault.loss}, ${down(fault.downMs)}`;
    case "clockJump":
      return `${at}: node ${fault.node}'s clock jumps to ${fault.errorMs} ms beside true time`;
  }
}
