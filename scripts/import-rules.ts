/**
 * Who may import whom. One row a room: the longest matching prefix of a file's path names its room.
 * `ours` lists the prefixes of our own files that the room may import beside itself; `packages`
 * the third-party packages and `node:` built-ins ("node:*" for all, "*" for everything).
 */
export interface Room {
  readonly path: string;
  readonly ours: readonly string[];
  readonly packages: readonly string[];
  /** Pure rooms may not name a clock, randomness or a timer. */
  readonly pure: boolean;
}

export const ROOMS: readonly Room[] = [
  { path: "primitives/", ours: [], packages: ["@noble/*", "msgpackr"], pure: true },
  {
    path: "primitives/kernel/",
    ours: ["primitives/assert.ts", "primitives/errors.ts"],
    packages: ["node:*"],
    pure: false,
  },
  {
    path: "primitives/native/",
    ours: ["primitives/"],
    packages: ["node:*", "sodium-native", "@chainsafe/hashtree", "piscina"],
    pure: false,
  },
  {
    path: "primitives/keystore",
    ours: ["primitives/"],
    packages: ["node:*"],
    pure: false,
  },
  { path: "consensus/", ours: ["primitives/"], packages: ["@noble/*"], pure: true },
  { path: "ledger/", ours: ["primitives/"], packages: ["@noble/*"], pure: true },
  {
    path: "client/",
    ours: [
      "primitives/",
      "ledger/",
      "consensus/header.ts",
      "consensus/certificate.ts",
      "consensus/statements.ts",
      "consensus/quorum.ts",
      "consensus/types.ts",
      "consensus/validators.ts",
    ],
    packages: ["@noble/*", "typebox", "typebox/*"],
    pure: false,
  },
  {
    path: "node/",
    ours: ["primitives/", "consensus/", "ledger/", "client/"],
    packages: ["*"],
    pure: false,
  },
  {
    path: "bench/",
    ours: ["primitives/", "consensus/", "ledger/", "client/", "node/", "scripts/"],
    packages: ["*"],
    pure: false,
  },
  {
    path: "scripts/",
    ours: ["primitives/", "consensus/", "ledger/", "client/", "node/", "bench/"],
    packages: ["*"],
    pure: false,
  },
];

/** Rooms that only Node can run: the browser-safe part of primitives must not reach them. */
const NODE_ONLY = ["primitives/native/", "primitives/kernel/", "primitives/keystore"];

/** Rooms behind one other: whoever needs what they do asks that one. */
const BEHIND: readonly (readonly [room: string, front: string])[] = [
  ["primitives/kernel/", "primitives/native/"],
];

/** Names a pure room may not use: each would make two nodes differ. */
const IMPURE =
  /\b(?:Date\.now|new Date|Math\.random|setTimeout|setInterval|setImmediate|performance\.now|crypto\.getRandomValues|process\.)/;

export interface SourceFile {
  /** Path from the root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

export function roomOf(path: string): Room | undefined {
  let best: Room | undefined;
  for (const room of ROOMS) {
    if (path.startsWith(room.path) && room.path.length > (best?.path.length ?? -1)) best = room;
  }
  return best;
}

/** Every import, export-from and dynamic import specifier in the text. */
export function importsOf(text: string): readonly string[] {
  const found: string[] = [];
  const pattern =
    /(?:^|\n)\s*(?:import|export)\b[^"';]*?\bfrom\s*["']([^"']+)["']|(?:^|\n)\s*import\s*["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']\s*\)/g;
  for (const match of text.matchAll(pattern)) {
    const specifier = match[1] ?? match[2] ?? match[3];
    if (specifier !== undefined) found.push(specifier);
  }
  return found;
}

/** The faults of one file, a line each; none when it keeps the rules. */
export function faultsOf(file: SourceFile): readonly string[] {
  const room = roomOf(file.path);
  if (room === undefined) return [`${file.path}: is in no room (see scripts/import-rules.ts)`];
  const isTest = file.path.endsWith(".test.ts") || /\/(?:testing|simulation)\//.test(file.path);
  const faults: string[] = [];
  for (const specifier of importsOf(file.text)) {
    const fault = specifier.startsWith(".")
      ? faultOfOwn(file.path, room, specifier)
      : faultOfPackage(room, specifier, isTest);
    if (fault !== undefined) faults.push(`${file.path}: ${fault}`);
  }
  if (room.pure && !isTest) {
    for (const [i, line] of file.text.split("\n").entries()) {
      const code = line.replace(/\/\/.*$/, "").replace(/^\s*\/?\*.*$/, "");
      const impure = IMPURE.exec(code);
      if (impure !== null) faults.push(`${file.path}:${i + 1}: ${impure[0]} in a pure room`);
    }
  }
  return faults;
}

function faultOfOwn(path: string, room: Room, specifier: string): string | undefined {
  const target = resolve(path, specifier);
  const nodeOnly = NODE_ONLY.some((prefix) => target.startsWith(prefix));
  const mayUseNode = room.packages.includes("*") || room.packages.includes("node:*");
  if (nodeOnly && !mayUseNode) return `may not import ${target}`;
  for (const [behind, front] of BEHIND) {
    if (!target.startsWith(behind) || path.startsWith(behind)) continue;
    if (!path.startsWith(front)) return `may not import ${target}, only ${front} may`;
  }
  if ([room.path, ...room.ours].some((prefix) => target.startsWith(prefix))) return undefined;
  return `may not import ${target}`;
}

function faultOfPackage(room: Room, specifier: string, isTest: boolean): string | undefined {
  if (isTest) return undefined;
  const allowed = room.packages.some((pattern) =>
    pattern.endsWith("*") ? specifier.startsWith(pattern.slice(0, -1)) : specifier === pattern,
  );
  return allowed ? undefined : `may not import ${specifier}`;
}

function resolve(from: string, specifier: string): string {
  const parts = from.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}
