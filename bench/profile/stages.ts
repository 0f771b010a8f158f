/** What the CPU of a validator goes into. The order is that of the table. */
export const STAGES = [
  "decode",
  "verify",
  "gossip",
  "net",
  "execute",
  "merkle",
  "store",
  "votes",
  "rpc",
  "events",
  "log",
  "node",
  "gc",
  "native",
] as const;
export type Stage = (typeof STAGES)[number];

export const STAGE_TEXT: Readonly<Record<Stage, string>> = {
  decode: "transactions and batches from bytes: scan, schema, canonical check, ids",
  verify: "main thread's side of verification: hand-over, cache of verdicts, keys",
  gossip: "packing, pool and acknowledgement of batches",
  net: "mesh: frames, yamux, Noise, sockets of peers",
  execute: "admission, execution, receipts, invariants, encoding of records",
  merkle: "state tree and receipts root",
  store: "block commit, batch bodies, encoding of events and index",
  votes: "consensus core, driver, certificates, journal",
  rpc: "HTTP, JSON-RPC, schema checks, intake",
  events: "events and blocks read for clients",
  log: "logger and metrics",
  node: "the rest of the runtime, timers, Node itself",
  gc: "garbage collection on the main thread",
  native: "outside JavaScript and not told apart: system calls, compiler",
};

/**
 * Which stage a frame decides, by the file it stands in: the first rule that matches counts. Files
 * that serve many stages (the codec, hashes, bytes, Node's own) are not named: their time belongs
 * to the nearest caller that is.
 */
const FILE_RULES: readonly (readonly [pattern: RegExp, stage: Stage])[] = [
  [/\/primitives\/merkle\//, "merkle"],
  [/\/ledger\/envelope\./, "decode"],
  [/\/primitives\/(native\/(verif|signature|worker|sodium)|ed25519|kernel|verifier)/, "verify"],
  [/\/runtime\/signature-check\./, "verify"],
  [/\/ledger\//, "execute"],
  [/\/storage\/(journal|segment)/, "votes"],
  [/\/storage\//, "store"],
  [/classic-level|abstract-level/, "store"],
  [/\/consensus\//, "votes"],
  [/\/runtime\/(consensus|durable-outbox|epoch)/, "votes"],
  [/\/dissemination\//, "gossip"],
  [/\/api\/(event|chain|state|validator|json-view)/, "events"],
  [/\/runtime\/(chain-queries|state-queries)/, "events"],
  [/\/api\//, "rpc"],
  [/\/runtime\/(transaction-intake|transaction-waiters)/, "rpc"],
  [/\/client\/rpc\//, "rpc"],
  [/fastify|find-my-way|light-my-request|avvio|typebox|fast-json|secure-json/, "rpc"],
  [/^node:_http|^node:internal\/http|llhttp/, "rpc"],
  [/\/node\/net\//, "net"],
  [/node_modules\/(libp2p|@libp2p|@chainsafe|@noble\/ciphers|it-|uint8|multiformats)/, "net"],
  [/node_modules\/(@multiformats|main-event|race-|p-|any-signal|abort-error)/, "net"],
  [/pino|sonic-boom|prom-client|\/observability\//, "log"],
  [/\/runtime\/(mesh-logger|node-meter)/, "log"],
];

/** Functions that decide a stage other than that of their file. */
const FUNCTION_RULES: ReadonlyMap<string, readonly [pattern: RegExp, stage: Stage]> = new Map([
  ["readBatch", [/\/dissemination\//, "decode"]],
  ["encodeEvent", [/\/ledger\/events/, "store"]],
  ["decodeEvent", [/\/ledger\/events/, "events"]],
  ["committedBlock", [/\/runtime\/ledger-application/, "store"]],
  ["(garbage collector)", [/^$/, "gc"]],
  ["(program)", [/^$/, "native"]],
]);

/** The stage that this frame decides; undefined where its callers do. */
export function stageOf(functionName: string, url: string): Stage | undefined {
  const rule = FUNCTION_RULES.get(functionName);
  if (rule?.[0].test(url) === true) return rule[1];
  return FILE_RULES.find(([pattern]) => pattern.test(url))?.[1];
}
