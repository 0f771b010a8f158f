import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "smol-toml";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ConfigError, type ConfigProblem } from "./config-error.ts";
import { NAMED_OPTIONS } from "./layers.ts";
import { type ConfigSources, checkGenesisPin, loadConfig } from "./load.ts";
import { printConfig } from "./print.ts";

const HASH = "ab".repeat(32);

const MINIMAL = `
[chain]
genesisPath = "genesis.json"
genesisHash = "${HASH}"

[node]
name = "sbp-karachi"
dataDir = "/var/lib/mizan"
consensusKeyFile = "keys/consensus.json"
networkKeyFile = "keys/network.json"
passphraseFile = "keys/passphrase"
`;

const PEERS = `
[[net.peers]]
name = "sbp-lahore"
addresses = ["/ip4/10.0.0.8/tcp/7600", "lahore.example:7600"]

[[net.peers]]
name = "finance-division"
addresses = ["[2001:db8::1]:7600"]
`;

let root: string;
let file: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "mizan-config-"));
  file = join(root, "etc", "node.toml");
  await mkdir(join(root, "etc"));
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

async function load(toml: string, sources: ConfigSources = {}) {
  await writeFile(file, toml);
  return loadConfig({ file, cwd: root, ...sources });
}

async function problemsOf(
  toml: string,
  sources: ConfigSources = {},
): Promise<readonly ConfigProblem[]> {
  try {
    await load(toml, sources);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

/** The minimal configuration with one key set, in place of its line where it has one. */
function withKey(section: string, key: string, value: string): string {
  const lines = MINIMAL.split("\n").filter((line) => !line.startsWith(`${key} = `));
  const at = lines.indexOf(`[${section}]`);
  if (at < 0) lines.push(`[${section}]`, `${key} = ${value}`);
  else lines.splice(at + 1, 0, `${key} = ${value}`);
  return lines.join("\n");
}

describe("a good configuration", () => {
  test("takes defaults for the rest, resolves paths against the file, and is frozen", async () => {
    const { config, origins } = await load(MINIMAL + PEERS);
    expect(config.chain).toEqual({
      genesisPath: join(root, "etc", "genesis.json"),
      genesisHash: HASH,
      clockOffsetMs: 0,
    });
    expect(config.node.dataDir).toBe("/var/lib/mizan");
    expect(config.net.peers[1]).toEqual({
      name: "finance-division",
      addresses: ["[2001:db8::1]:7600"],
    });
    expect(config.rpc.listen).toEqual({ host: "127.0.0.1", port: 7680 });
    expect(config.shutdown.deadlineMs).toBe(15_000);
    expect(config.log).toEqual({ level: "info", format: "json" });
    expect(origins.get("node.name")).toEqual({ source: "file", name: file });
    expect(origins.get("rpc.listen")).toEqual({ source: "default", name: "" });
    expect(Object.isFrozen(config) && Object.isFrozen(config.net.peers[0]?.addresses)).toBe(true);
  });

  test("flag wins over environment, environment over file, file over default", async () => {
    const toml = `${MINIMAL}\n[consensus]\ndeltaMs = 60\nheartbeatMs = 20000\nstatusMs = 500\n`;
    const env = { MIZAN_CONSENSUS_DELTA_MS: "70", MIZAN_CONSENSUS_STATUS_MS: "600", HOME: "/root" };
    const flags = { "consensus.deltaMs": "80", "--node-data-dir": "data" };
    const { config, origins } = await load(toml, { env, flags });
    expect(config.consensus).toMatchObject({ deltaMs: 80, statusMs: 600, heartbeatMs: 20_000 });
    expect(config.node.dataDir).toBe(join(root, "data"));
    expect(origins.get("consensus.deltaMs")).toEqual({
      source: "flag",
      name: "--consensus-delta-ms",
    });
    expect(origins.get("consensus.statusMs")).toEqual({
      source: "env",
      name: "MIZAN_CONSENSUS_STATUS_MS",
    });
  });

  test("can come from the environment alone, lists included", async () => {
    const env: Record<string, string> = {
      MIZAN_CHAIN_GENESIS_PATH: "/g.json",
      MIZAN_CHAIN_GENESIS_HASH: HASH,
      MIZAN_NODE_NAME: "a",
      MIZAN_NODE_DATA_DIR: "/d",
      MIZAN_NODE_CONSENSUS_KEY_FILE: "/c",
      MIZAN_NODE_NETWORK_KEY_FILE: "/n",
      MIZAN_NODE_PASSPHRASE_FILE: "/p",
      MIZAN_NET_LISTEN: "127.0.0.1:7600, /ip4/127.0.0.1/tcp/7601",
      MIZAN_NET_PEERS: '[{ name = "b", addresses = ["127.0.0.1:7602"] }]',
    };
    const { config } = await loadConfig({ env });
    expect(config.net).toEqual({
      listen: ["127.0.0.1:7600", "/ip4/127.0.0.1/tcp/7601"],
      peers: [{ name: "b", addresses: ["127.0.0.1:7602"] }],
    });
    env["MIZAN_NET_LISTEN"] = "";
    expect((await loadConfig({ env })).config.net.listen).toEqual([]);
  });

  test("numbers in variables and flags are plain decimals, signed where that is in range", async () => {
    const offset = (text: string) => ({ env: { MIZAN_CHAIN_CLOCK_OFFSET_MS: text } });
    expect((await load(MINIMAL, offset("-60000"))).config.chain.clockOffsetMs).toBe(-60_000);
    for (const text of ["", " 1", "1e3", "0x10", "007", "+1", "-0", "1.0", "９", "true"]) {
      expect(await problemsOf(MINIMAL, offset(text)), text).toMatchObject([
        { reason: "WRONG_TYPE", path: "chain.clockOffsetMs" },
      ]);
    }
    expect(await problemsOf(MINIMAL, { flags: { "consensus.deltaMs": "-1" } })).toMatchObject([
      { reason: "OUT_OF_RANGE", path: "consensus.deltaMs" },
    ]);
  });

  test("names its own file by MIZAN_CONFIG", async () => {
    await writeFile(file, MINIMAL);
    const { config } = await loadConfig({ env: { MIZAN_CONFIG: "etc/node.toml" }, cwd: root });
    expect(config.node.name).toBe("sbp-karachi");
  });
});

describe("every mistake is found, by name", () => {
  test("all problems of all sources come at once", async () => {
    const toml = `
      [chain]
      genesisPath = 7
      genesisHash = "XYZ"
      [node]
      naem = "a"
      dataDir = "/d"
      [consensus]
      deltaMs = 0
      heartbeatMs = "30s"
      statusMs = 1.5
      standstillMs = 99999999999999999999
      [[net.peers]]
      name = "b"
      adresses = ["x"]
      [[net.peers]]
      name = "no spaces allowed"
      addresses = ["ftp://x", "127.0.0.1:99999"]
      [mempol]
      maxBytes = 1
      [log]
      level = "loud"`;
    const env = { MIZAN_RPC_LISTEN: "0.0.0.0:7680", MIZAN_RCP_LISTEN: "127.0.0.1:1" };
    const flags = { "shutdown.deadlineMS": "1", "--ops-listen": "nowhere" };
    const problems = await problemsOf(toml, { env, flags });
    expect(problems.map(({ reason, path }) => `${reason} ${path}`).sort()).toEqual(
      [
        "BAD_FORMAT chain.genesisHash",
        "BAD_FORMAT log.level",
        "BAD_FORMAT net.peers[1].addresses[0]",
        "BAD_FORMAT net.peers[1].addresses[1]",
        "BAD_FORMAT net.peers[1].name",
        "BAD_FORMAT ops.listen",
        "MISSING net.peers[0].addresses",
        "MISSING node.consensusKeyFile",
        "MISSING node.name",
        "MISSING node.networkKeyFile",
        "MISSING node.passphraseFile",
        "OUT_OF_RANGE consensus.deltaMs",
        "RPC_NOT_LOOPBACK rpc.listen",
        "UNKNOWN_KEY MIZAN_RCP_LISTEN",
        "UNKNOWN_KEY mempol",
        "UNKNOWN_KEY net.peers[0].adresses",
        "UNKNOWN_KEY node.naem",
        "UNKNOWN_KEY shutdown.deadlineMS",
        "WRONG_TYPE chain.genesisPath",
        "WRONG_TYPE consensus.heartbeatMs",
        "WRONG_TYPE consensus.standstillMs",
        "WRONG_TYPE consensus.statusMs",
      ].sort(),
    );
    const suggestions = Object.fromEntries(
      problems.filter((p) => p.suggestion !== undefined).map((p) => [p.path, p.suggestion]),
    );
    expect(suggestions).toEqual({
      MIZAN_RCP_LISTEN: "MIZAN_RPC_LISTEN",
      mempol: "mempool",
      "net.peers[0].adresses": "addresses",
      "node.naem": "name",
      "shutdown.deadlineMS": "shutdown.deadlineMs",
    });
    const delta = problems.find(({ path }) => path === "consensus.deltaMs");
    expect(delta).toEqual({
      reason: "OUT_OF_RANGE",
      path: "consensus.deltaMs",
      origin: { source: "file", name: file },
      got: "0",
      expected: "an integer 1..600000",
    });
  });

  test("an error lists each problem on a line of its own", async () => {
    const error: unknown = await load("[node]\nname = 'a\\nb'").catch((e: unknown) => e);
    expect(error).toMatchObject({ code: "CONFIG_INVALID" });
    if (!(error instanceof ConfigError)) throw error;
    expect(error.message.split("\n").length).toBe(error.problems.length + 1);
  });

  test.each(NAMED_OPTIONS)("$path misspelt, by file and variable", async ({ path, variable }) => {
    const [section = "", key = ""] = path.split(".");
    expect(await problemsOf(withKey(section, `${key}x`, "1"))).toMatchObject([
      { reason: "UNKNOWN_KEY", path: `${path}x`, suggestion: key },
    ]);
    expect(await problemsOf(MINIMAL, { env: { [`${variable}_`]: "1" } })).toMatchObject([
      { reason: "UNKNOWN_KEY", path: `${variable}_`, suggestion: variable },
    ]);
  });

  test.each(NAMED_OPTIONS)("$path of a wrong type", async ({ path }) => {
    const [section = "", key = ""] = path.split(".");
    const problems = await problemsOf(withKey(section, key, "true"));
    expect(problems).toMatchObject([{ reason: "WRONG_TYPE", path }]);
  });

  test("a file that is missing or no TOML, without quoting its content", async () => {
    expect(await problemsOf(MINIMAL, { file: join(root, "none.toml") })).toContainEqual(
      expect.objectContaining({ reason: "UNREADABLE" }),
    );
    await writeFile(file, 'passphrase = "hunter2" oops');
    const error: unknown = await loadConfig({ file }).catch((e: unknown) => e);
    expect(String(error)).toContain("line 1");
    expect(String(error)).not.toContain("hunter2");
    expect(await problemsOf("[__proto__]\nx = 1")).toContainEqual(
      expect.objectContaining({ reason: "SYNTAX" }),
    );
  });

  test("values that exclude one another", async () => {
    const toml =
      MINIMAL +
      PEERS.replace("sbp-lahore", "sbp-karachi") +
      PEERS.replace("sbp-lahore", "finance-division") +
      "" +
      "[consensus]\nheartbeatMs = 50\n[ops]\nlisten = '127.0.0.1:7680'\n";
    const problems = await problemsOf(toml);
    expect(new Set(problems.map(({ reason }) => reason))).toEqual(new Set(["CONFLICT"]));
    expect(problems.map(({ path }) => path)).toEqual([
      "consensus.heartbeatMs",
      "ops.listen",
      "net.peers",
      "net.peers",
      "net.peers",
    ]);
    expect(
      await problemsOf(`${MINIMAL}[net]\nlisten = ['127.0.0.1:1', '127.0.0.1:1']`),
    ).toMatchObject([{ reason: "CONFLICT", path: "net.listen[1]" }]);
  });
});

describe("the API listens on this machine only", () => {
  test.each([
    ["127.0.0.1:7680", "127.0.0.1"],
    ["127.8.9.1:0", "127.8.9.1"],
    ["[::1]:7680", "::1"],
    ["[0:0:0:0:0:0:0:1]:7680", "0:0:0:0:0:0:0:1"],
    ["localhost:7680", "127.0.0.1"],
  ])("%s", async (listen, host) => {
    const { config } = await load(MINIMAL, { flags: { "rpc.listen": listen } });
    expect(config.rpc.listen.host).toBe(host);
  });

  test.each([
    "0.0.0.0:7680",
    "[::]:7680",
    "10.0.0.7:7680",
    "128.0.0.1:7680",
    "example.com:7680",
    "localhost.example.com:7680",
    "127.0.0.1.example.com:7680",
    "[fe80::1]:7680",
    "0x7f.1:7680",
    "2130706433:7680",
    "*:7680",
  ])("not %s, whatever the source", async (listen) => {
    const refused = [{ reason: "RPC_NOT_LOOPBACK", path: "rpc.listen" }];
    expect(await problemsOf(`${MINIMAL}[rpc]\nlisten = "${listen}"`)).toMatchObject(refused);
    expect(await problemsOf(MINIMAL, { env: { MIZAN_RPC_LISTEN: listen } })).toMatchObject(refused);
    expect(await problemsOf(MINIMAL, { flags: { "rpc.listen": listen } })).toMatchObject(refused);
  });

  test.each(["7680", "127.0.0.1", "127.0.0.1:99999", ":7680", "[127.0.0.1]:7680"])(
    "%s is no listener",
    async (listen) => {
      const problems = await problemsOf(MINIMAL, { flags: { "rpc.listen": listen } });
      expect(problems.map(({ path }) => path)).toEqual(["rpc.listen"]);
    },
  );
});

describe("the genesis pin", () => {
  const other = "cd".repeat(32);
  test("refuses another document, whichever source pinned it", async () => {
    expect(() => checkGenesisPin(loaded, HASH)).not.toThrow();
    const sources: readonly (readonly [string, ConfigSources])[] = [
      [`file ${file}`, {}],
      ["env MIZAN_CHAIN_GENESIS_HASH", { env: { MIZAN_CHAIN_GENESIS_HASH: HASH } }],
      ["flag --chain-genesis-hash", { flags: { "chain.genesisHash": HASH } }],
    ];
    for (const [origin, source] of sources) {
      const pinned = await load(MINIMAL, source);
      expect(() => checkGenesisPin(pinned, other)).toThrow(
        expect.objectContaining({
          code: "GENESIS_MISMATCH",
          data: { got: other, expected: HASH, origin },
        }),
      );
    }
  });

  let loaded: Awaited<ReturnType<typeof load>>;
  beforeEach(async () => {
    loaded = await load(MINIMAL);
  });
});

describe("printing", () => {
  test("shows each value with its source and hides where the passphrase is", async () => {
    const flags = { "node.passphraseFile": "correct horse battery staple" };
    const loaded = await load(MINIMAL + PEERS, { flags });
    const printed = printConfig(loaded);
    expect(printed).toContain('listen = "127.0.0.1:7680" # default');
    expect(printed).toContain(`name = "sbp-karachi" # file ${file}`);
    expect(printed).toContain('passphraseFile = "(hidden)" # flag --node-passphrase-file');
    expect(printed).not.toContain("horse");
    expect(printed).toContain(loaded.hash);
    for (const { path } of NAMED_OPTIONS) {
      expect(printed).toMatch(new RegExp(`^${path.split(".")[1]} = .* # `, "m"));
    }
  });

  test("is TOML that means the same configuration", async () => {
    const first = await load(MINIMAL + PEERS);
    const printed = printConfig(first);
    expect(parse(printed)["net"]).toEqual(first.config.net);
    const second = await load(printed);
    expect({ ...second.config, node: 0 }).toEqual({ ...first.config, node: 0 });
    expect(second.hash).toBe(first.hash);
    const third = await load(MINIMAL + PEERS, { flags: { "log.level": "debug" } });
    expect(third.hash).not.toBe(first.hash);
  });

  test("a secret under a wrong key is not echoed", async () => {
    const toml = MINIMAL.replace("passphraseFile", "passphrase").replace(
      "keys/passphrase",
      "hunter2",
    );
    const error: unknown = await load(toml).catch((e: unknown) => e);
    expect(String(error)).toContain("did you mean passphraseFile?");
    expect(String(error)).not.toContain("hunter2");
    const hidden: unknown = await load(MINIMAL, {
      flags: { "node.passphraseFile": `hunter2\0` },
    }).catch((e: unknown) => e);
    expect(String(hidden)).toContain("node.passphraseFile");
    expect(String(hidden)).not.toContain("hunter2");
  });
});
