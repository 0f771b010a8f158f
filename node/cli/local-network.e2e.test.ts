import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EXIT } from "../exit-codes.ts";
import { type LocalNetwork, readLocalNetwork } from "../local-network/network-files.ts";
import { type CommandResult, CompiledProgram } from "../local-network/testing/compiled-program.ts";
import { killNow, killValidator, pidOf } from "../local-network/validator-process.ts";

/**
 * A user's first hour, with the program alone: a network is brought up, two institutions sign one
 * transaction apart, it settles, its effect is proved, and everything is taken down again. The tests
 * go on where the one before has ended.
 */
let program: CompiledProgram;
let directory: string;
let network: LocalNetwork;
const onExit = (): void => network?.validators.forEach(killNow);

beforeAll(async () => {
  program = await CompiledProgram.build();
  directory = join(program.directory, "mizan-net");
  process.once("exit", onExit);
}, 60_000);

afterAll(async () => {
  const left = await readLocalNetwork(directory).catch(() => undefined);
  await Promise.all((left?.validators ?? []).map(killValidator));
  process.off("exit", onExit);
  await program.remove();
}, 60_000);

async function mizan(...args: readonly string[]): Promise<CommandResult> {
  return program.run([...args, "--json"]);
}

/** What a command that must succeed printed: one document. */
async function documentOf(...args: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
  const { code, stdout, stderr } = await mizan(...args);
  expect({ code, stderr }).toEqual({ code: EXIT.OK, stderr: "" });
  return JSON.parse(stdout) as Readonly<Record<string, unknown>>;
}

async function errorOf(
  exitCode: number,
  ...args: readonly string[]
): Promise<Readonly<Record<string, unknown>>> {
  const { code, stdout } = await mizan(...args);
  expect(code).toBe(exitCode);
  const { error } = JSON.parse(stdout) as { readonly error: Readonly<Record<string, unknown>> };
  return error;
}

function rpcOf(index: number): readonly string[] {
  return ["--rpc", network.validators[index]?.rpcUrl ?? ""];
}

function inFolder(name: string): string {
  return join(program.directory, name);
}

async function build(name: string, member: string, kind: string, payload: object): Promise<string> {
  const payloadFile = inFolder(`${name}.json`);
  await writeFile(payloadFile, JSON.stringify(payload));
  const file = inFolder(`${name}.tx`);
  const args = ["--member", member, "--kind", kind, "--payload", payloadFile, "--out", file];
  await documentOf("tx", "build", ...rpcOf(0), ...args);
  return file;
}

async function signAs(member: string, file: string, out: string): Promise<string> {
  const key = ["--key", network.memberKeys[member] ?? "", "--member", member, "--key-id", "ops-1"];
  const pass = ["--passphrase-file", network.passphraseFile];
  await documentOf("tx", "sign", file, ...key, ...pass, "--out", out);
  return out;
}

describe("net up", () => {
  test("makes a network of four, ready to settle, and says what next", async () => {
    const { code, stdout, stderr } = await program.run(["net", "up"]);
    expect(code).toBe(EXIT.OK);
    network = await readLocalNetwork(directory);
    expect(network.validators).toHaveLength(4);
    for (const { name, rpcUrl } of network.validators) {
      expect(stdout).toContain(rpcUrl);
      expect(stderr).toContain(`${name} is ready`);
    }
    expect(stdout).toContain(network.chainId);
    expect(stdout).toContain("mizan net down --purge");
    expect((await stat(network.passphraseFile)).mode & 0o777).toBe(0o600);
  }, 120_000);

  test("again: the same network goes on; another size is refused", async () => {
    const pids = await Promise.all(network.validators.map(pidOf));
    expect(await documentOf("net", "up")).toMatchObject({ chainId: network.chainId });
    expect(await Promise.all(network.validators.map(pidOf))).toEqual(pids);
    expect(await errorOf(EXIT.USAGE, "net", "up", "--nodes", "7")).toMatchObject({
      code: "USAGE",
      message: expect.stringContaining("holds a network of 4"),
    });
  }, 120_000);

  test("status shows every node", async () => {
    const { nodes } = await documentOf("status");
    expect(nodes).toMatchObject(network.validators.map(({ name }) => ({ name, state: "ok" })));
  });
});

describe("a transaction that two institutions sign apart", () => {
  const account = "CUSTODIAN-A-CASH";
  let signed: string;
  let txId: unknown;

  test("build, inspect, sign, merge", async () => {
    const built = await build("open", "SBP", "open-account", {
      account,
      kind: "CASH_CBDC",
      member: "CUSTODIAN-A",
      ownership: "OWN",
      window: "CONVENTIONAL",
    });
    const inspected = await documentOf("tx", "inspect", built);
    expect(inspected).toMatchObject({
      body: { kind: "open-account", member: "SBP", payload: { account } },
      signedBy: [],
    });
    txId = inspected["txId"];
    expect((await program.run(["tx", "inspect", built])).stdout).toContain(account);
    const bySbp = await signAs("SBP", built, inFolder("open.sbp.tx"));
    const byCustodian = await signAs("CUSTODIAN-A", built, inFolder("open.custodian.tx"));
    signed = inFolder("open.signed.tx");
    expect(await documentOf("tx", "merge", byCustodian, bySbp, "--out", signed)).toEqual({
      txId,
      file: signed,
      signedBy: ["CUSTODIAN-A/ops-1", "SBP/ops-1"],
    });
    // One signature is not enough, and the door says so.
    expect(await errorOf(EXIT.FAILURE, "tx", "submit", bySbp, ...rpcOf(0))).toMatchObject({
      code: "TX_MISSING_SIGNER",
    });
  }, 120_000);

  test("submit and get, at another node too; sent again it is the same", async () => {
    const final = { status: "committed", txId, receipt: { outcome: { code: "APPLIED" } } };
    const submitted = await documentOf("tx", "submit", signed, ...rpcOf(0));
    expect(submitted).toMatchObject(final);
    expect(await documentOf("tx", "get", String(txId), ...rpcOf(0))).toEqual(submitted);
    expect(await documentOf("tx", "submit", signed, ...rpcOf(3))).toEqual(submitted);
    const unknown = "0".repeat(64);
    const { code, stdout } = await mizan("tx", "get", unknown, ...rpcOf(0));
    expect(code).toBe(EXIT.NOT_READY);
    expect(JSON.parse(stdout)).toMatchObject({ status: "unknown", txId: unknown });
  }, 120_000);

  test("a failure on the ledger is a receipt with exit code 1", async () => {
    const nobody = { account: "NOBODY", amount: "1", reserveRef: "R-0" };
    const file = await build("nobody", "SBP", "mint-cbdc", nobody);
    await signAs("SBP", file, file);
    const { code, stdout } = await mizan("tx", "submit", file, ...rpcOf(0));
    expect(code).toBe(EXIT.FAILURE);
    expect(JSON.parse(stdout)).toMatchObject({
      status: "committed",
      receipt: { executed: true, outcome: { code: "ACCOUNT_UNKNOWN" }, field: "account" },
    });
  }, 120_000);
});

describe("a proof of holding", () => {
  const account = "CUSTODIAN-A-CASH";
  const asset = "PKR-CBDC";
  let proof: string;

  function verify(file: string): readonly string[] {
    const pin = ["--genesis", network.genesisFile, "--chain-id", network.chainId];
    return ["account", "verify-proof", file, ...pin];
  }

  test("is taken from a node and checked without one", async () => {
    const payload = { account, amount: "12345", reserveRef: "R-1" };
    const file = await build("mint", "SBP", "mint-cbdc", payload);
    await signAs("SBP", file, file);
    await documentOf("tx", "submit", file, ...rpcOf(0));
    expect(await documentOf("account", "get", account, ...rpcOf(0))).toMatchObject({
      account,
      balances: [{ asset, total: "12345" }],
    });
    proof = inFolder("proof.json");
    await documentOf("account", "proof", account, asset, ...rpcOf(0), "--out", proof);
    expect(await documentOf(...verify(proof))).toMatchObject({
      account,
      asset,
      balance: { total: "12345" },
    });
  }, 120_000);

  test.each([
    { field: "account", value: "CUSTODIAN-B-CASH", code: "PROOF_WRONG_KEY" },
    { field: "proof.value", value: null, code: "PROOF_PATH" },
    { field: "proof.height", value: "999999", code: "PROOF_MALFORMED" },
    { field: "proof.commit", value: "AAAA", code: "PROOF_MALFORMED" },
    { field: "proof.path", value: undefined, code: "PROOF_FILE_MALFORMED" },
    { field: "proof", value: "none", code: "PROOF_FILE_MALFORMED" },
  ])("with $field changed to $value is refused: $code", async ({ field, value, code }) => {
    const changed: unknown = JSON.parse(await readFile(proof, "utf8"), (_key, node) => node);
    set(changed, field.split("."), value);
    const file = inFolder("changed.json");
    await writeFile(file, JSON.stringify(changed));
    expect(await errorOf(EXIT.FAILURE, ...verify(file))).toMatchObject({ code });
  });

  test("against another genesis is refused: GENESIS_MISMATCH", async () => {
    const args = verify(proof).with(-1, "0".repeat(64));
    expect(await errorOf(EXIT.INTEGRITY, ...args)).toMatchObject({ code: "GENESIS_MISMATCH" });
  });
});

describe("net down", () => {
  test("stops every validator, again changes nothing, and up goes on with the same chain", async () => {
    const names = network.validators.map(({ name }) => name);
    expect(await documentOf("net", "down")).toEqual({
      stopped: names.map((name) => ({ name, how: "stopped" })),
      purged: false,
    });
    expect(await documentOf("net", "down")).toEqual({
      stopped: names.map((name) => ({ name, how: "not-running" })),
      purged: false,
    });
    const { code, stdout } = await mizan("status");
    expect(code).toBe(EXIT.NOT_READY);
    expect(JSON.parse(stdout)).toMatchObject({ nodes: names.map(() => ({ state: "stopped" })) });
    await documentOf("net", "up");
    expect(await documentOf("account", "get", "CUSTODIAN-A-CASH", ...rpcOf(2))).toMatchObject({
      balances: [{ total: "12345" }],
    });
  }, 180_000);

  test("with --purge leaves no process and no file; where nothing is, it is content", async () => {
    const pids = await Promise.all(network.validators.map(pidOf));
    expect(await documentOf("net", "down", "--purge")).toMatchObject({ purged: true });
    await expect(stat(directory)).rejects.toMatchObject({ code: "ENOENT" });
    // A process that nobody has collected yet still has a number, but runs no command.
    const commands = pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => ""));
    expect(await Promise.all(commands)).toEqual(pids.map(() => ""));
    expect(await documentOf("net", "down", "--purge")).toEqual({ stopped: [], purged: false });
  }, 120_000);

  test("a network of seven comes up and goes down; a strange directory is left alone", async () => {
    const seven = inFolder("seven");
    const made = await documentOf("net", "up", "--nodes", "7", "--dir", seven);
    expect(made["validators"]).toHaveLength(7);
    const { nodes } = await documentOf("status", "--dir", seven);
    expect(nodes).toHaveLength(7);
    const { stopped } = await documentOf("net", "down", "--purge", "--dir", seven);
    expect(stopped).toHaveLength(7);
    const strange = await program.folder("strange");
    await writeFile(join(strange, "letter.txt"), "not ours");
    expect(await errorOf(EXIT.FAILURE, "net", "up", "--dir", strange)).toMatchObject({
      code: "DIRECTORY_NOT_EMPTY",
    });
    expect(await readFile(join(strange, "letter.txt"), "utf8")).toBe("not ours");
  }, 180_000);
});

/** Changes one value of JSON; undefined removes it. */
function set(json: unknown, [name = "", ...rest]: readonly string[], value: unknown): void {
  if (typeof json !== "object" || json === null) throw new Error(`nothing to change at ${name}`);
  if (rest.length > 0) set(Object.getOwnPropertyDescriptor(json, name)?.value, rest, value);
  else if (value === undefined) Reflect.deleteProperty(json, name);
  else Reflect.set(json, name, value);
}
