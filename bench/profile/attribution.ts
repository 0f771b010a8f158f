import { present } from "../../primitives/assert.ts";
import { CodedError } from "../../primitives/errors.ts";
import { STAGES, type Stage, stageOf } from "./stages.ts";

/** One frame of V8's CPU profile (Chrome DevTools protocol, Profiler.ProfileNode). */
export interface ProfileNode {
  readonly id: number;
  readonly callFrame: {
    readonly functionName: string;
    readonly url: string;
    /** Of the function, from 0. */
    readonly lineNumber: number;
  };
  readonly children?: readonly number[];
}

/** What `Profiler.stop` gives, as far as it is read here. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  /** Node that each sample hit, and microseconds since the sample before it. */
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** Self time of one function within one stage. */
export interface FunctionTime {
  readonly name: string;
  readonly stage: Stage;
  readonly microseconds: number;
}

export interface Attribution {
  /** Microseconds of samples that were not idle. */
  readonly busy: number;
  readonly byStage: Readonly<Record<Stage, number>>;
  /** Dearest first. */
  readonly functions: readonly FunctionTime[];
}

/** Reads a profile file's text. Throws CodedError PROFILE_FORMAT for another form. */
export function parseProfile(text: string): CpuProfile {
  const profile: unknown = JSON.parse(text);
  if (isProfile(profile)) return profile;
  throw new CodedError("PROFILE_FORMAT", "not a CPU profile of V8");
}

function isProfile(value: unknown): value is CpuProfile {
  return (
    typeof value === "object" &&
    value !== null &&
    "nodes" in value &&
    "samples" in value &&
    "timeDeltas" in value &&
    Array.isArray(value.nodes) &&
    Array.isArray(value.samples) &&
    Array.isArray(value.timeDeltas)
  );
}

/**
 * Splits the self time of every frame by stage: a frame has the stage that its own function or file
 * decides, otherwise that of its nearest caller. Samples count by the wall time to the next one, so
 * the parts are exact only in relation to one another: a busy machine stretches all of them.
 */
export function attribute(profile: CpuProfile): Attribution {
  const stages = stagesOf(profile);
  const byId = new Map(profile.nodes.map((node) => [node.id, node]));
  const byStage = Object.fromEntries(STAGES.map((stage) => [stage, 0])) as Record<Stage, number>;
  const functions = new Map<string, { name: string; stage: Stage; microseconds: number }>();
  let busy = 0;
  for (const [i, id] of profile.samples.entries()) {
    const node = present(byId.get(id), "node of a sample");
    if (node.callFrame.functionName === "(idle)") continue;
    // A delta stands before its sample: the time that this one lasted is the next one's.
    const microseconds = Math.max(0, profile.timeDeltas[i + 1] ?? 0);
    const stage = present(stages.get(id), "stage of a node");
    busy += microseconds;
    byStage[stage] += microseconds;
    const name = nameOf(node);
    const entry = functions.get(`${stage} ${name}`) ?? { name, stage, microseconds: 0 };
    entry.microseconds += microseconds;
    functions.set(`${stage} ${name}`, entry);
  }
  const dearest = [...functions.values()].toSorted((a, b) => b.microseconds - a.microseconds);
  return { busy, byStage, functions: dearest };
}

/** The stage of every node, from the root down. */
function stagesOf(profile: CpuProfile): ReadonlyMap<number, Stage> {
  const byId = new Map(profile.nodes.map((node) => [node.id, node]));
  const isChild = new Set(profile.nodes.flatMap(({ children }) => children ?? []));
  const stages = new Map<number, Stage>();
  const open: (readonly [ProfileNode, Stage])[] = profile.nodes
    .filter(({ id }) => !isChild.has(id))
    .map((root) => [root, "node"] as const);
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [node, inherited] = next;
    const { functionName, url } = node.callFrame;
    const stage = stageOf(functionName, url) ?? inherited;
    stages.set(node.id, stage);
    for (const id of node.children ?? []) open.push([present(byId.get(id), "child"), stage]);
  }
  return stages;
}

function nameOf({ callFrame: { functionName, url, lineNumber } }: ProfileNode): string {
  const name = functionName === "" ? "(anonymous)" : functionName;
  if (url === "") return name;
  const file = url.replace(/^.*\/node_modules\//, "").replace(/^.*\/dist\//, "");
  return `${name} ${file.replace(/^file:\/\/.*\//, "")}:${lineNumber + 1}`;
}
