import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RpcCallError } from "../../client/call-errors.ts";
import { fromBase64, toBase64 } from "../../client/rpc/base64.ts";
import { RpcClient } from "../../client/rpc-client.ts";
import { readTransaction, transactionBytes } from "../../client/signing.ts";
import { type Finality, submitAndWait } from "../../client/wait.ts";
import { unsigned, withSignatures } from "../../ledger/envelope.ts";
import type { Kind, Payloads } from "../../ledger/transactions/kinds.ts";
import { present } from "../../primitives/assert.ts";
import { Participants } from "../demo/participants.ts";
import { createLocalNetwork, type LocalNetwork } from "./network-files.ts";
import { startValidator, stopValidator, waitUntilReady } from "./validator-process.ts";

/**
 * What a custodian meets at a running network of four processes: refusals at the door with a reason
 * of their own, and failures that the ledger records.
 */
let root: string;
let network: LocalNetwork;
let parties: Participants;

const ISIN = "PK0PIB003015";
const OWN = {
  investor: undefined,
  parent: undefined,
  ownership: "OWN",
  window: "CONVENTIONAL",
} as const;

/** PKR 600 billion in paisa: more than USD 2bn at 281.5 PKR per USD. */
const AUTHORISED = 60_000_000_000_000n;
/** PKR 563 billion in paisa is the programme's ceiling to the cent. */
const AT_THE_CEILING = 56_300_000_000_000n;
const DENOMINATION = 10_000_000n;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "mizan-reasons-"));
  network = await createLocalNetwork({
    directory: join(root, "net"),
    validators: 4,
    networkName: "reasons",
    genesisTimeMs: Date.now() - 60_000,
    clockOffsetMs: 0,
  });
  for (const validator of network.validators) await startValidator(validator);
  for (const validator of network.validators) await waitUntilReady(validator);
  parties = await Participants.open(network, urlOf(0));
  await parties.settle(["SBP", "FINDIV"], "open-account", {
    account: "ISSUE",
    kind: "ISSUANCE",
    member: "SBP",
    ...OWN,
  });
  for (const member of ["FINDIV", "CUSTODIAN-A", "CUSTODIAN-B"]) {
    const cash = { account: `${member}-CASH`, kind: "CASH_CBDC", member, ...OWN } as const;
    await parties.settle(["SBP", member], "open-account", cash);
  }
  for (const member of ["CUSTODIAN-A", "CUSTODIAN-B"]) {
    const sgla = { account: `${member}-SGLA`, kind: "SGLA", member, ...OWN } as const;
    await parties.settle(["SBP", member], "open-account", sgla);
  }
  await parties.settle(["SBP", "FINDIV"], "register-instrument", {
    isin: ISIN,
    terms: {
      type: "PIB_FIXED",
      body: {
        denomination: DENOMINATION,
        couponRateE4: 70_000,
        couponFrequency: 2,
        issueDate: "2026-08-20",
        maturityDate: "2036-08-20",
        firstCouponDate: "2027-02-20",
        dayCount: "ACT_ACT_ICMA",
      },
    },
  });
  await parties.settle(["FINDIV", "SBP"], "authorise-instrument", {
    isin: ISIN,
    face: AUTHORISED,
    mandateRef: "MANDATE-1",
  });
  await parties.settle(["SBP"], "record-fx-rate", {
    rateE4: 2_815_000,
    effectiveFromMs: Date.now() - 30_000,
    reference: "RATE-1",
  });
}, 180_000);

afterAll(async () => {
  await Promise.all((network?.validators ?? []).map(stopValidator));
  await rm(root, { recursive: true, force: true });
}, 60_000);

function urlOf(index: number): string {
  return present(network.validators[index], "validator").rpcUrl;
}

async function refusalOf(bytes: Uint8Array, node = 0): Promise<RpcCallError> {
  const client = new RpcClient({ endpoints: [urlOf(node)], retry: { maxAttempts: 1 } });
  const error: unknown = await client
    .call("tx.submit", { tx: toBase64(bytes) })
    .then(() => undefined)
    .catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(RpcCallError);
  return error as RpcCallError; // the line above has checked it
}

async function outcomeOf<K extends Kind>(
  signers: readonly [string, ...string[]],
  kind: K,
  payload: Payloads[K],
): Promise<Extract<Finality, { status: "committed" }>["receipt"]> {
  const bytes = parties.prepare(signers, kind, payload, await parties.expiry());
  const finality = await submitAndWait(parties.client, bytes, { waitMs: 60_000 });
  if (finality.status !== "committed") throw new Error(`${kind} is ${finality.status}`);
  return finality.receipt;
}

function issue(face: bigint): Payloads["issue"] {
  return { isin: ISIN, account: "ISSUE", face, mandateRef: "MANDATE-1" };
}

function dvp(face: bigint, cleanAmount: bigint): Payloads["settle-dvp"] {
  return {
    settlementRef: "S-1",
    isin: ISIN,
    face,
    delivererAccount: "ISSUE",
    receiverAccount: "CUSTODIAN-A-SGLA",
    payerCashAccount: "CUSTODIAN-A-CASH",
    payeeCashAccount: "FINDIV-CASH",
    cleanAmount,
    accruedInterest: 0n,
  };
}

describe("refused at the door", () => {
  test("a wrong signature: TX_BAD_SIGNATURE, naming which", async () => {
    const mint = { account: "CUSTODIAN-A-CASH", amount: 1n, reserveRef: "BAD-SIGNATURE" };
    const good = parties.prepare(["SBP"], "mint-cbdc", mint, await parties.expiry());
    const { body, signatures } = readTransaction(good);
    const signature = present(signatures[0], "signature");
    const bytes = new Uint8Array(signature.signature);
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    const spoiled = transactionBytes(
      withSignatures(unsigned(body), [{ ...signature, signature: bytes }]),
    );
    const refusal = await refusalOf(spoiled);
    expect(refusal.code).toBe("TX_BAD_SIGNATURE");
    expect(refusal.detail).toMatchObject({ field: "signatures[0]" });
    // The proper copy of the same transaction is not hurt by it.
    const finality = await submitAndWait(parties.client, good, { waitMs: 60_000 });
    expect(finality).toMatchObject({
      status: "committed",
      receipt: { outcome: { code: "APPLIED" } },
    });
  });

  test("a client reference again with other bytes: IDEMPOTENCY_CONFLICT with the stored id", async () => {
    const expiry = await parties.expiry();
    const mint = (reserveRef: string): Uint8Array =>
      parties.prepare(
        ["SBP"],
        "mint-cbdc",
        { account: "CUSTODIAN-A-CASH", amount: 1n, reserveRef },
        expiry,
        "SAME-REFERENCE",
      );
    const first = mint("REFERENCE-1");
    const finality = await submitAndWait(parties.client, first, { waitMs: 60_000 });
    for (const node of [0, 1, 2, 3]) {
      // Other nodes apply the block a moment later than the one that answered.
      await waitFor(async () => {
        const refusal = await refusalOf(mint("REFERENCE-2"), node);
        return refusal.code === "IDEMPOTENCY_CONFLICT" && refusal.detail.txId === finality.txId;
      });
    }
    // The same bytes again are no conflict: the first result stands, at every node.
    for (const node of [0, 3]) {
      const client = new RpcClient({ endpoints: [urlOf(node)] });
      const again = await client.call("tx.submit", { tx: toBase64(first) });
      expect(again).toMatchObject({ status: "duplicate", txId: finality.txId });
    }
  });

  test("what is no transaction: TX_MALFORMED", async () => {
    const refusal = await refusalOf(present(fromBase64("kwECAw=="), "bytes"));
    expect(refusal.code).toBe("TX_MALFORMED");
  });
});

describe("failed on the ledger, in a receipt and never as an RPC error", () => {
  test("an issue beyond the authorised face, and beyond the programme's ceiling", async () => {
    const overAuthorised = await outcomeOf(["SBP"], "issue", issue(AUTHORISED + DENOMINATION));
    expect(overAuthorised).toMatchObject({
      executed: true,
      outcome: { code: "AUTHORISED_EXCEEDED" },
    });
    const overCeiling = await outcomeOf(["SBP"], "issue", issue(AT_THE_CEILING + DENOMINATION));
    expect(overCeiling).toMatchObject({
      executed: true,
      outcome: { code: "PROGRAMME_CAP_EXCEEDED" },
    });
    const exact = await outcomeOf(["SBP"], "issue", issue(AT_THE_CEILING));
    expect(exact.outcome.code).toBe("APPLIED");
    const oneMore = await outcomeOf(["SBP"], "issue", issue(DENOMINATION));
    expect(oneMore.outcome.code).toBe("PROGRAMME_CAP_EXCEEDED");
  });

  test("a delivery short of cash moves neither leg", async () => {
    const before = await parties.client.call("account.get", { account: "CUSTODIAN-A-CASH" });
    const short = await outcomeOf(
      ["CUSTODIAN-A", "SBP"],
      "settle-dvp",
      dvp(DENOMINATION, 10n ** 9n),
    );
    expect(short).toMatchObject({
      executed: true,
      outcome: { code: "INSUFFICIENT_CASH", isoReason: "MONY" },
    });
    const after = await parties.client.call("account.get", { account: "CUSTODIAN-A-CASH" });
    expect(after.balances).toEqual(before.balances);
    const securities = await parties.client.call("account.get", { account: "CUSTODIAN-A-SGLA" });
    expect(securities.balances).toEqual([]);
  });

  test("a delivery short of securities", async () => {
    const face = AT_THE_CEILING + DENOMINATION;
    const short = await outcomeOf(["CUSTODIAN-A", "SBP"], "settle-dvp", dvp(face, 1n));
    expect(short).toMatchObject({
      executed: true,
      outcome: { code: "INSUFFICIENT_SECURITIES", isoReason: "LACK" },
    });
  });
});

async function waitFor(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error("not so within half a minute");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
