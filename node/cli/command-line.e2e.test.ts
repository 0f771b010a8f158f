import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { present } from "../../primitives/assert.ts";
import { EXIT } from "../exit-codes.ts";
import type { CommandResult, CompiledProgram } from "../local-network/testing/compiled-program.ts";
import { TestNetwork, until } from "../local-network/testing/test-network.ts";

/** The program as a script or an operator meets it: what it prints, and how it ends. */
let files: TestNetwork | undefined;

beforeAll(async () => {
  files = await TestNetwork.create("command-line");
}, 120_000);

afterAll(async () => {
  await files?.close();
}, 60_000);

function network(): TestNetwork {
  return present(files, "the network's files");
}

function program(): CompiledProgram {
  return network().program;
}

/** The one document that a command printed with --json: more or less than one does not parse. */
function documentOf({ stdout }: CommandResult): unknown {
  expect(stdout.endsWith("\n")).toBe(true);
  return JSON.parse(stdout);
}

async function configWith(name: string, change: (toml: string) => string): Promise<string> {
  const toml = await readFile(network().validator(0).configFile, "utf8");
  const file = join(network().validator(0).directory, name);
  await writeFile(file, change(toml));
  return file;
}

test("a wrong command line ends with exit code 2, and the way to the help", async () => {
  const asText = await program().run(["frob"]);
  expect(asText).toMatchObject({ code: EXIT.USAGE, stdout: "" });
  expect(asText.stderr).toContain("unknown command 'frob'");
  expect(asText.stderr).toContain("--help");
  const asJson = await program().run(["frob", "--json"]);
  expect(asJson).toMatchObject({ code: EXIT.USAGE, stderr: "" });
  expect(documentOf(asJson)).toMatchObject({ error: { code: "USAGE" } });
});

describe("keys", () => {
  test("a new key is encrypted, of mode 0600, shown without its passphrase, never overwritten", async () => {
    const folder = await program().folder("keys");
    const file = join(folder, "ops-2.key.json");
    const make = [
      "keys",
      "new",
      "--role",
      "member",
      "--out",
      file,
      "--passphrase-fd",
      "3",
      "--json",
    ];
    const made = await program().run(make, "a passphrase\n");
    expect(made.code).toBe(EXIT.OK);
    const document = documentOf(made);
    expect(document).toEqual({
      file,
      role: "member",
      publicKey: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(documentOf(await program().run(["keys", "show", file, "--json"]))).toEqual(document);
    const content = await readFile(file, "utf8");
    const again = await program().run(make, "a passphrase\n");
    expect(documentOf(again)).toMatchObject({ error: { code: "KEYSTORE_EXISTS" } });
    expect(again.code).toBe(EXIT.FAILURE);
    expect(await readFile(file, "utf8")).toBe(content);
  });
});

describe("configuration", () => {
  test("a misspelt key is named, with what was meant, and nothing starts", async () => {
    const file = await configWith("typo.toml", (toml) => toml.replace("dataDir", "datadir"));
    for (const command of [["config", "check"], ["start"]]) {
      const result = await program().run([...command, "--config", file, "--json"]);
      expect(result).toMatchObject({ code: EXIT.USAGE, stderr: "" });
      expect(documentOf(result)).toMatchObject({
        error: {
          code: "CONFIG_INVALID",
          message: expect.stringMatching(/UNKNOWN_KEY node\.datadir .*did you mean dataDir\?/),
        },
      });
    }
  });

  test("an API that others could reach is refused: RPC_NOT_LOOPBACK", async () => {
    const { configFile } = network().validator(0);
    const result = await program().run([
      "start",
      "--config",
      configFile,
      "--set",
      "rpc.listen=0.0.0.0:7680",
      "--json",
    ]);
    expect(result.code).toBe(EXIT.USAGE);
    expect(documentOf(result)).toMatchObject({
      error: {
        code: "CONFIG_INVALID",
        message: expect.stringContaining("RPC_NOT_LOOPBACK rpc.listen"),
      },
    });
  });

  test("another genesis than the pinned one is refused, whoever pins it", async () => {
    const pin = "0".repeat(64);
    const { configFile } = network().validator(0);
    const byFile = await configWith("pin.toml", (toml) =>
      toml.replace(network().network.chainId, pin),
    );
    for (const args of [
      ["--config", byFile],
      ["--config", configFile, "--set", `chain.genesisHash=${pin}`],
    ]) {
      const result = await program().run(["start", ...args, "--json"]);
      expect(result.code).toBe(EXIT.INTEGRITY);
      expect(documentOf(result)).toMatchObject({
        error: {
          code: "GENESIS_MISMATCH",
          data: { expected: pin, got: network().network.chainId },
        },
      });
    }
  });

  test("is shown with the source of each value, and without secrets", async () => {
    const { configFile } = network().validator(0);
    const args = ["config", "show", "--config", configFile, "--set", "log.level=debug"];
    const shown = await program().run(args);
    expect(shown.code).toBe(EXIT.OK);
    expect(shown.stdout).toMatch(/^level = "debug" # flag/m);
    expect(shown.stdout).toMatch(/^format = "json" # default/m);
    expect(shown.stdout).not.toContain(network().network.passphraseFile);
    expect(documentOf(await program().run([...args, "--json"]))).toMatchObject({
      values: { "log.level": "debug" },
    });
  });
});

describe("start", () => {
  test("a second process on the same data is refused with the first one's pid", async () => {
    await network().spawn(0);
    await until("it runs", async () =>
      (await network().log(0)).some(({ event }) => event === "node.started"),
    );
    const started = (await network().log(0)).find(({ event }) => event === "node.starting");
    const args = ["start", "--config", network().validator(0).configFile];
    const second = await program().run([
      ...args,
      "--set",
      "rpc.listen=127.0.0.1:0",
      "--set",
      "ops.listen=127.0.0.1:0",
    ]);
    expect(second.code).toBe(EXIT.LOCKED);
    expect(second.stderr).toContain("mizan: DB_LOCKED: ");
    expect(second.stderr).toContain(`process ${String(started?.["pid"])}`);
    // The log has it too, for whoever looks there.
    const lines = second.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as object);
    expect(lines.at(-1)).toMatchObject({ event: "node.not-started", level: "fatal" });
    expect(await network().terminate(0)).toEqual({ code: EXIT.OK, signal: null });
  });

  test("a port that is taken ends the start with its reason", async () => {
    const { configFile, opsUrl } = network().validator(1);
    await network().spawn(0);
    await until(
      "it listens",
      async () =>
        (await network().log(0)).filter(({ event }) => event === "node.started").length === 2,
    );
    const taken = new URL(network().validator(0).rpcUrl).host;
    expect(opsUrl).not.toContain(taken);
    const result = await program().run([
      "start",
      "--config",
      configFile,
      "--set",
      `rpc.listen=${taken}`,
    ]);
    expect(result.code).toBe(EXIT.FAILURE);
    expect(result.stderr).toContain("EADDRINUSE");
    expect(await network().terminate(0)).toEqual({ code: EXIT.OK, signal: null });
  });

  test("log.format = pretty writes text for people, to the last line", async () => {
    const { configFile } = network().validator(2);
    const running = program().start([
      "start",
      "--config",
      configFile,
      "--set",
      "log.format=pretty",
    ]);
    await until("it listens", async () => {
      try {
        return (await fetch(`${network().validator(2).opsUrl}/livez`)).ok;
      } catch {
        return false;
      }
    });
    running.kill("SIGTERM");
    const { code, stdout } = await running.result;
    expect(code).toBe(EXIT.OK);
    const lines = stdout.trimEnd().split("\n");
    expect(lines.some((line) => line.includes("INFO") && line.includes("node node.starting"))).toBe(
      true,
    );
    expect(lines.at(-1)).toContain("node.shutdown");
    expect(lines.at(-1)).toContain("finished");
    for (const line of lines) expect(line.startsWith("{")).toBe(false);
  });
});
