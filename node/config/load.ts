import { dirname, resolve } from "node:path";
import { present } from "../../primitives/assert.ts";
import { toHex, utf8 } from "../../primitives/bytes.ts";
import { CodedError } from "../../primitives/errors.ts";
import { sha256 } from "../../primitives/sha256.ts";
import { checkValue, expectedOf, isTable } from "./check-value.ts";
import { ConfigError, type ConfigProblem, describeOrigin, type Origin } from "./config-error.ts";
import {
  CONFIG_FILE_VARIABLE,
  environmentLayer,
  fileLayer,
  flagLayer,
  type LayerValue,
  NAMED_OPTIONS,
  optionAt,
} from "./layers.ts";
import { parseListener } from "./listener.ts";
import type { Option } from "./option.ts";
import type { NodeConfig, RawConfig } from "./options.ts";

export interface ConfigSources {
  /** TOML file; without it the one that MIZAN_CONFIG names, or none. */
  readonly file?: string | undefined;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** `MIZAN_…` variables that something else reads: not ours to refuse. */
  readonly otherVariables?: readonly string[];
  /** Values by dotted path (`rpc.listen`) or flag (`--rpc-listen`). */
  readonly flags?: Readonly<Record<string, string>>;
  /** Where relative paths of `file`, variables and flags start. */
  readonly cwd?: string;
}

export interface LoadedConfig {
  readonly config: NodeConfig;
  /** Where each value came from, by dotted path, in the order of the options. */
  readonly origins: ReadonlyMap<string, Origin>;
  /** Effective values by dotted path, hidden ones replaced: safe to print. */
  readonly shown: ReadonlyMap<string, unknown>;
  /** SHA-256 of `shown`: two nodes, or two starts, with the same configuration show the same. */
  readonly hash: string;
}

const HIDDEN = "(hidden)";

/**
 * The effective configuration: default < file < environment < flag. Throws ConfigError with every
 * problem of every source, of values that another source overrides too.
 */
export async function loadConfig(sources: ConfigSources): Promise<LoadedConfig> {
  const { env = {}, flags = {}, cwd = process.cwd() } = sources;
  const problems: ConfigProblem[] = [];
  const named = sources.file ?? env[CONFIG_FILE_VARIABLE];
  const file = named === undefined ? undefined : resolve(cwd, named);
  const layers = [
    file === undefined ? new Map<string, LayerValue>() : await fileLayer(file, problems),
    environmentLayer(env, sources.otherVariables ?? [], problems),
    flagLayer(flags, problems),
  ];
  const effective = new Map<string, LayerValue>();
  for (const { path, option } of NAMED_OPTIONS) {
    const { fallback } = option;
    if (fallback !== undefined) {
      effective.set(path, { value: fallback, origin: { source: "default", name: "" } });
    }
    for (const layer of layers) {
      const given = layer.get(path);
      if (given === undefined) continue;
      checkValue(option, given.value, path, given.origin, problems);
      effective.set(path, given);
    }
    if (!effective.has(path)) {
      const origin = { source: "default", name: "" } as const;
      problems.push({ reason: "MISSING", path, origin, expected: expectedOf(option) });
    }
  }
  if (problems.length === 0) checkTogether(effective, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  return build(effective, cwd);
}

/** Values that are right by themselves and wrong together. */
function checkTogether(values: ReadonlyMap<string, LayerValue>, problems: ConfigProblem[]): void {
  const conflict = (path: string, expected: string): void => {
    const { origin } = present(values.get(path), path);
    problems.push({ reason: "CONFLICT", path, origin, expected });
  };
  const raw = nested(values);
  const { consensus, net, node, rpc, ops } = raw;
  if (consensus.heartbeatMs <= consensus.minBlockIntervalMs) {
    conflict("consensus.heartbeatMs", "more than consensus.minBlockIntervalMs");
  }
  if (rpc.listen === ops.listen && parseListener(rpc.listen)?.port !== 0) {
    conflict("ops.listen", "another address than rpc.listen");
  }
  const names = net.peers.map((peer) => peer.name);
  for (const [i, name] of names.entries()) {
    if (names.indexOf(name) !== i) conflict("net.peers", `peer ${name} once`);
    if (name === node.name) conflict("net.peers", `no peer ${name}: that is this node`);
  }
}

function build(values: ReadonlyMap<string, LayerValue>, cwd: string): LoadedConfig {
  const absolute = new Map<string, LayerValue>();
  for (const [path, { value, origin }] of values) {
    const base = origin.source === "file" ? dirname(origin.name) : cwd;
    const isPath = formOf(path) === "path" && typeof value === "string";
    absolute.set(path, { value: isPath ? resolve(base, value) : value, origin });
  }
  const { rpc, ops, ...rest } = nested(absolute);
  const config = {
    ...rest,
    rpc: { listen: present(parseListener(rpc.listen), "rpc listener") },
    ops: { listen: present(parseListener(ops.listen), "ops listener") },
  };
  const shown = new Map<string, unknown>();
  const origins = new Map<string, Origin>();
  for (const [path, { value, origin }] of absolute) {
    shown.set(path, isHidden(path) ? HIDDEN : value);
    origins.set(path, origin);
  }
  const hash = toHex(sha256(utf8(JSON.stringify([...shown]))));
  return Object.freeze({ config: deepFreeze(config), origins, shown, hash });
}

function scalarAt(path: string) {
  const option: Option | undefined = optionAt(path)?.option;
  return option?.kind === "scalar" ? option : undefined;
}

function formOf(path: string) {
  return scalarAt(path)?.form;
}

function isHidden(path: string): boolean {
  return scalarAt(path)?.hidden === true;
}

function nested(values: ReadonlyMap<string, LayerValue>): RawConfig {
  const out: Record<string, Record<string, unknown>> = {};
  for (const { path } of NAMED_OPTIONS) {
    const [section = "", key = ""] = path.split(".");
    const table = out[section] ?? {};
    out[section] = table;
    table[key] = structuredClone(present(values.get(path), path).value);
  }
  // Every option is present and passed the check of its own schema, from which the type derives.
  return out as RawConfig;
}

function deepFreeze<T>(value: T): T {
  if (Array.isArray(value)) for (const item of value) deepFreeze(item);
  else if (isTable(value)) for (const item of Object.values(value)) deepFreeze(item);
  return Object.freeze(value);
}

/** Throws CodedError GENESIS_MISMATCH unless the document's hash is the pinned one. */
export function checkGenesisPin(loaded: LoadedConfig, actualHash: string): void {
  const { genesisHash, genesisPath } = loaded.config.chain;
  if (actualHash === genesisHash) return;
  const origin = present(loaded.origins.get("chain.genesisHash"), "origin of the pin");
  throw new CodedError(
    "GENESIS_MISMATCH",
    `${genesisPath} has hash ${actualHash}, but chain.genesisHash (${describeOrigin(origin)}) pins ` +
      genesisHash,
    { got: actualHash, expected: genesisHash, origin: describeOrigin(origin) },
  );
}
