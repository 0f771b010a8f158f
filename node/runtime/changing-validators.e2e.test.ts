import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RpcCallError } from "../../client/call-errors.ts";
import { EpochTrail } from "../../client/epoch-trail.ts";
import { pinGenesis } from "../../client/genesis-pin.ts";
import { LedgerReads } from "../../client/reads.ts";
import { toBase64 } from "../../client/rpc/base64.ts";
import type { MethodName, ParamsOf, ResultOf } from "../../client/rpc/methods.ts";
import { RpcClient } from "../../client/rpc-client.ts";
import { PIB_TERMS } from "../../ledger/testing/test-ledger.ts";
import { present } from "../../primitives/assert.ts";
import { fromHex } from "../../primitives/bytes.ts";
import { Participants } from "../demo/participants.ts";
import {
  addLocalValidator,
  createLocalNetwork,
  type LocalNetwork,
  type LocalNetworkOptions,
  type LocalValidator,
  renewLocalKeys,
} from "../local-network/network-files.ts";
import { ValidatorChanges } from "../local-network/testing/validator-changes.ts";
import {
  killValidator,
  logFile,
  startValidator,
  stopValidator,
  waitUntilReady,
} from "../local-network/validator-process.ts";

/**
 * Real processes under a steady load of settlements: a fifth validator joins a network of four, one
 * of the first four leaves, the keys of a third are rotated, and a node is killed in the last epoch.
 */
const ISIN = "PK0PIB003015";
const { denomination } = PIB_TERMS.body;

let directory: string;
let options: LocalNetworkOptions;
let network: LocalNetwork;
let parties: Participants;
let changes: ValidatorChanges;
let joiner: LocalValidator;
let load: Load;
const nodes = new Map<string, LocalValidator>();

function node(name: string): LocalValidator {
  return present(nodes.get(name), `node ${name}`);
}

function call<M extends MethodName>(
  validator: LocalValidator,
  method: M,
  params: ParamsOf<M>,
): Promise<ResultOf<M>> {
  return new RpcClient({ endpoints: [validator.rpcUrl] }).call(method, params);
}

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 120_000;
  while (!(await condition().catch(() => false))) {
    if (performance.now() > end) throw new Error(`did not happen: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function untilEpoch(epoch: number, ...names: readonly string[]): Promise<void> {
  for (const name of names) {
    await until(`${name} is in epoch ${epoch}`, async () => {
      const { epoch: at } = await call(node(name), "chain.validators", {});
      return Number(at) === epoch;
    });
  }
}

/** Until a final block of this epoch carries the signature of the validator with this name. */
async function untilItVotes(name: string, epoch: number): Promise<void> {
  const client = new RpcClient({ endpoints: [node("sbp-karachi").rpcUrl] });
  await until(`${name} votes in epoch ${epoch}`, () => changes.hasVoted(client, name, epoch));
}

async function headOf(validator: LocalValidator): Promise<number> {
  return Number((await call(validator, "chain.info", {})).height);
}

async function untilInStep(validator: LocalValidator): Promise<void> {
  await until(`${validator.name} is in step`, async () => {
    const [ahead, own] = await Promise.all([headOf(node("sbp-karachi")), headOf(validator)]);
    return own >= ahead - 3;
  });
}

/** Settles one DvP after the other, and watches when blocks become final. */
class Load {
  settled = 0;
  largestGapMs = 0;
  /** In which epoch the largest gap began. */
  gapIn = "";
  readonly failures: unknown[] = [];
  #stopping = false;
  readonly #running: Promise<unknown>;

  constructor() {
    this.#running = Promise.all([this.#settle(), this.#settle(), this.#watch()]);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running;
  }

  async #settle(): Promise<void> {
    while (!this.#stopping) {
      try {
        this.settled += 1;
        await settleOne(`LOAD-${this.settled}`);
      } catch (error) {
        this.failures.push(error);
      }
    }
  }

  async #watch(): Promise<void> {
    let height = 0;
    let sinceMs = performance.now();
    while (!this.#stopping) {
      const info = await call(node("sbp-karachi"), "chain.info", {}).catch(() => undefined);
      const now = performance.now();
      if (info !== undefined && Number(info.height) > height) {
        if (height > 0 && now - sinceMs > this.largestGapMs) {
          this.largestGapMs = now - sinceMs;
          this.gapIn = `before block ${info.height} of epoch ${info.epoch}`;
        }
        height = Number(info.height);
        sinceMs = now;
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

async function settleOne(settlementRef: string): Promise<void> {
  await parties.settle(["CUSTODIAN-B", "SBP"], "settle-dvp", {
    settlementRef,
    isin: ISIN,
    face: denomination,
    delivererAccount: "ISS",
    receiverAccount: "B-SGLA",
    payerCashAccount: "B-CASH",
    payeeCashAccount: "GOV-CASH",
    cleanAmount: 1_000n,
    accruedInterest: 0n,
  });
}

async function prepareLedger(): Promise<void> {
  const own = {
    investor: undefined,
    parent: undefined,
    ownership: "OWN",
    window: "CONVENTIONAL",
  } as const;
  const office = ["SBP", "FINDIV"] as const;
  const open = (account: string, kind: "ISSUANCE" | "CASH_CBDC" | "SGLA", member: string) => {
    const signers = kind === "ISSUANCE" ? office : (["SBP", member] as const);
    return parties.settle(signers, "open-account", { account, kind, member, ...own });
  };
  await open("ISS", "ISSUANCE", "SBP");
  await open("GOV-CASH", "CASH_CBDC", "FINDIV");
  await open("B-CASH", "CASH_CBDC", "CUSTODIAN-B");
  await open("B-SGLA", "SGLA", "CUSTODIAN-B");
  await parties.settle(office, "register-instrument", { isin: ISIN, terms: PIB_TERMS });
  const face = 100_000n * denomination;
  await parties.settle(office, "authorise-instrument", { isin: ISIN, face, mandateRef: "M-1" });
  const { blockTime } = await parties.client.call("chain.info", {});
  const rate = { rateE4: 2_815_000, effectiveFromMs: Number(blockTime), reference: "FX-1" };
  await parties.settle(["SBP"], "record-fx-rate", rate);
  const issued = { isin: ISIN, account: "ISS", face, mandateRef: "M-1" };
  await parties.settle(["SBP"], "issue", issued);
  const minted = { account: "B-CASH", amount: 1_000_000_000n, reserveRef: "R-1" };
  await parties.settle(["SBP"], "mint-cbdc", minted);
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "mizan-epochs-"));
  options = {
    directory: join(directory, "net"),
    validators: 4,
    networkName: "epochs",
    genesisTimeMs: Date.now(),
    clockOffsetMs: 0,
    epochLengthBlocks: 1_000_000,
    consensus: { heartbeatMs: 2_000 },
  };
  network = await createLocalNetwork(options);
  for (const validator of network.validators) nodes.set(validator.name, validator);
  await Promise.all(network.validators.map((validator) => startValidator(validator)));
  await Promise.all(network.validators.map((validator) => waitUntilReady(validator)));
  parties = await Participants.open(network, [
    node("sbp-karachi").rpcUrl,
    node("sbp-islamabad").rpcUrl,
  ]);
  changes = new ValidatorChanges(network, parties);
  await prepareLedger();
  load = new Load();
}, 240_000);

afterAll(async () => {
  await load?.stop();
  await Promise.all([...nodes.values()].map((validator) => killValidator(validator)));
  await rm(directory, { recursive: true, force: true });
}, 60_000);

test("a fifth validator joins, and votes in the next epoch", { timeout: 240_000 }, async () => {
  const added = await addLocalValidator(network, { name: "sbp-lahore", member: "SBP" }, options);
  joiner = added.validator;
  nodes.set(joiner.name, joiner);
  // A stranger until its admission is on the ledger.
  await startValidator(joiner);
  await changes.propose({
    action: "ADMIT",
    name: joiner.name,
    member: joiner.member,
    consensusKey: fromHex(added.consensusKey),
    networkKey: fromHex(added.networkKey),
    weight: 1,
  });
  await untilInStep(joiner);
  const { validators, pending } = await call(joiner, "chain.validators", {});
  expect(validators).toHaveLength(4);
  expect(pending).toMatchObject([{ action: "ADMIT", name: "sbp-lahore", ready: false }]);
  expect(await refusalBy(joiner)).toBe("OBSERVER");
  await changes.declareReady(joiner);
  await untilEpoch(1, ...nodes.keys());
  await untilItVotes("sbp-lahore", 1);
  await waitUntilReady(joiner);
  // Its own transactions are taken now, and those of the old epoch's journal are gone.
  await submitTo(joiner);
  for (const { directory: folder } of nodes.values()) {
    expect(await readdir(join(folder, "data", "journal"))).toEqual(["epoch-1"]);
  }
});

/** A transaction of its own through this node alone, final. */
async function submitTo(validator: LocalValidator): Promise<void> {
  const through = await Participants.open(network, validator.rpcUrl);
  const rate = {
    rateE4: 2_815_000,
    effectiveFromMs: Date.now() + 1_000_000 * (load.settled + 1),
    reference: `FX-${load.settled}`,
  };
  await through.settle(["SBP"], "record-fx-rate", rate);
}

/** Why this node takes no transactions. */
async function refusalBy(validator: LocalValidator): Promise<unknown> {
  const minted = { account: "B-CASH", amount: 1n, reserveRef: "never" };
  const bytes = parties.prepare(["SBP"], "mint-cbdc", minted, await parties.expiry());
  const client = new RpcClient({ endpoints: [validator.rpcUrl] });
  try {
    return await client.call("tx.submit", { tx: toBase64(bytes) }, { timeoutMs: 1_000 });
  } catch (error) {
    return error instanceof RpcCallError ? error.code : error;
  }
}

test("one of the first four leaves and goes on following", { timeout: 240_000 }, async () => {
  await changes.propose({ action: "REMOVE", name: "custodian-a", member: "CUSTODIAN-A" });
  await untilEpoch(2, ...nodes.keys());
  const { validators, quorum } = await call(joiner, "chain.validators", {});
  expect(validators.map(({ name }) => name)).toEqual([
    "sbp-karachi",
    "sbp-islamabad",
    "findiv-islamabad",
    "sbp-lahore",
  ]);
  expect(quorum).toBe(3);
  const left = node("custodian-a");
  const before = await headOf(left);
  await until("it follows", async () => (await headOf(left)) > before + 5);
  expect(await refusalBy(left)).toBe("OBSERVER");
});

test("the keys of a third are rotated", { timeout: 240_000 }, async () => {
  const rotating = node("findiv-islamabad");
  expect(await stopValidator(rotating)).toBe("stopped");
  const keys = await renewLocalKeys(network, rotating);
  await changes.propose({
    action: "ROTATE",
    name: rotating.name,
    member: "FINDIV",
    consensusKey: fromHex(keys.consensusKey),
    networkKey: fromHex(keys.networkKey),
  });
  // With its new keys it is an observer for the rest of the epoch.
  await startValidator(rotating);
  await untilInStep(rotating);
  expect((await call(rotating, "chain.info", {})).epoch).toBe("2");
  await changes.declareReady(rotating);
  await untilEpoch(3, ...nodes.keys());
  await untilItVotes("findiv-islamabad", 3);
  await waitUntilReady(rotating);
});

test("a node that is killed in a later epoch comes back in it", { timeout: 240_000 }, async () => {
  await killValidator(joiner);
  const settled = load.settled;
  await until("settlement goes on with three of four", async () => load.settled > settled + 5);
  await startValidator(joiner);
  await waitUntilReady(joiner);
  await untilInStep(joiner);
  await untilItVotes("sbp-lahore", 3);
});

test("all have one state, and proofs hold over the epochs", { timeout: 240_000 }, async () => {
  await load.stop();
  const logs = await Promise.all(
    [...nodes.values()].map((each) => readFile(logFile(each), "utf8")),
  );
  const switches = logs
    .flatMap((log) => log.split("\n"))
    .filter((line) => line.includes("epoch.begun"))
    .map((line) => Number(/"milliseconds":([0-9]+)/.exec(line)?.[1]));
  console.log(
    `${load.settled} settlements over four epochs; the largest gap between final blocks was ` +
      `${Math.round(load.largestGapMs)} ms, ${load.gapIn}; a core took over within ` +
      `${Math.max(...switches)} ms at most, ${switches.length} times`,
  );
  expect(load.failures).toEqual([]);
  await until("the heads are equal", async () => {
    const heads = await Promise.all(
      [...nodes.values()].map((each) => call(each, "chain.info", {})),
    );
    return new Set(heads.map(({ blockHash, stateRoot }) => `${blockHash} ${stateRoot}`)).size === 1;
  });
  const pin = pinGenesis(JSON.parse(await readFile(network.genesisFile, "utf8")), network.chainId);
  for (const validator of nodes.values()) {
    // Of the one that left and of the one that joined as of the others.
    const reads = new LedgerReads(new RpcClient({ endpoints: [validator.rpcUrl] }));
    const trail = new EpochTrail(pin);
    await reads.followTrail(trail);
    expect(trail.epoch).toBe(3);
    const { at, value } = await reads.provenBalance(trail, "B-SGLA", ISIN);
    expect(value.total).toBe(BigInt(load.settled) * denomination);
    expect(at.height).toBeGreaterThan(0);
    const log = await readFile(logFile(validator), "utf8");
    expect(log.split("\n").filter((line) => /"level":"?(fatal|60)/.test(line))).toEqual([]);
  }
});
