import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RpcCallError } from "../../client/call-errors.ts";
import { fromBase64, toBase64 } from "../../client/rpc/base64.ts";
import { readTransaction, transactionBytes } from "../../client/signing.ts";
import { unsigned, withSignatures } from "../../ledger/envelope.ts";
import { present } from "../../primitives/assert.ts";
import type { Participants } from "../demo/participants.ts";
import {
  AT_THE_CEILING,
  AUTHORISED,
  DENOMINATION,
  dvp,
  ISIN,
  issue,
  mint,
  openMarket,
  outcomeOf,
  receiptOf,
} from "./testing/test-market.ts";
import { TestNetwork, until } from "./testing/test-network.ts";

/**
 * What a custodian meets at a running network of four processes: refusals at the door with a reason
 * of their own, and failures that the ledger records.
 */
let running: TestNetwork | undefined;
let parties: Participants;

beforeAll(async () => {
  running = await TestNetwork.create("reasons");
  await running.start();
  parties = await running.participants();
  await openMarket(parties);
}, 180_000);

afterAll(async () => {
  await running?.close();
}, 60_000);

function network(): TestNetwork {
  return present(running, "the network");
}

async function refusalOf(bytes: Uint8Array, node = 0): Promise<RpcCallError> {
  const submitted = network()
    .client(node)
    .call("tx.submit", { tx: toBase64(bytes) });
  const error: unknown = await submitted.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof RpcCallError) return error;
  throw new Error("the node did not refuse it", { cause: error });
}

describe("refused at the door", () => {
  test("a wrong signature: TX_BAD_SIGNATURE, naming which", async () => {
    const payload = mint(1n, "BAD-SIGNATURE");
    const good = parties.prepare(["SBP"], "mint-cbdc", payload, await parties.expiry());
    const { body, signatures } = readTransaction(good);
    const signature = present(signatures[0], "signature");
    const bytes = new Uint8Array(signature.signature);
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    const spoiled = transactionBytes(
      withSignatures(unsigned(body), [{ ...signature, signature: bytes }]),
    );
    const refusal = await refusalOf(spoiled);
    expect(refusal).toMatchObject({
      code: "TX_BAD_SIGNATURE",
      retry: "rebuild",
      detail: { field: "signatures[0]" },
    });
    // The proper copy of the same transaction is not hurt by it.
    const receipt = await receiptOf(parties.client, good);
    expect(receipt.outcome.code).toBe("APPLIED");
  });

  test("a client reference again with other bytes: IDEMPOTENCY_CONFLICT with the stored id", async () => {
    const expiry = await parties.expiry();
    const of = (reserveRef: string): Uint8Array =>
      parties.prepare(["SBP"], "mint-cbdc", mint(1n, reserveRef), expiry, "SAME-REFERENCE");
    const first = of("REFERENCE-1");
    const { txId } = await receiptOf(parties.client, first);
    for (const node of network().validators.keys()) {
      // Another node applies the block a moment later than the one that answered; until then it
      // takes the second transaction, which the ledger refuses in its block.
      await until(`node ${node} has the first one`, async () => {
        const found = await network().client(node).call("tx.get", { txId });
        return found.status === "committed";
      });
      const refusal = await refusalOf(of("REFERENCE-2"), node);
      expect(refusal).toMatchObject({
        code: "IDEMPOTENCY_CONFLICT",
        retry: "never",
        detail: { txId },
      });
    }
  });

  test("the same bytes again: no conflict, but the first receipt, at every node", async () => {
    const payload = mint(1n, "AGAIN");
    const bytes = parties.prepare(["SBP"], "mint-cbdc", payload, await parties.expiry());
    const receipt = await receiptOf(parties.client, bytes);
    for (const node of network().validators.keys()) {
      const client = network().client(node);
      await until(`node ${node} has it`, async () => {
        const found = await client.call("tx.get", { txId: receipt.txId });
        return found.status === "committed";
      });
      const again = await client.call("tx.submit", { tx: toBase64(bytes) });
      expect(again).toMatchObject({ status: "duplicate", txId: receipt.txId });
      expect(again.receipt).toMatchObject({
        height: String(receipt.height),
        index: receipt.index,
        outcome: { code: "APPLIED" },
      });
    }
  });

  test("what is no transaction: TX_MALFORMED", async () => {
    const refusal = await refusalOf(present(fromBase64("kwECAw=="), "bytes"));
    expect(refusal.code).toBe("TX_MALFORMED");
  });
});

describe("failed on the ledger, in a receipt and never as an RPC error", () => {
  test("an issue beyond the authorised face, and beyond the programme's ceiling", async () => {
    const overAuthorised = issue(AUTHORISED + DENOMINATION);
    expect(await outcomeOf(parties, ["SBP"], "issue", overAuthorised)).toMatchObject({
      executed: true,
      outcome: { code: "AUTHORISED_EXCEEDED" },
    });
    const overCeiling = issue(AT_THE_CEILING + DENOMINATION);
    expect(await outcomeOf(parties, ["SBP"], "issue", overCeiling)).toMatchObject({
      executed: true,
      outcome: { code: "PROGRAMME_CAP_EXCEEDED" },
    });
    const exact = await outcomeOf(parties, ["SBP"], "issue", issue(AT_THE_CEILING));
    expect(exact.outcome.code).toBe("APPLIED");
    const oneMore = await outcomeOf(parties, ["SBP"], "issue", issue(DENOMINATION));
    expect(oneMore.outcome.code).toBe("PROGRAMME_CAP_EXCEEDED");
    const { issued } = await parties.client.call("asset.supply", { asset: ISIN });
    expect(issued).toBe(String(AT_THE_CEILING));
  });

  test("a delivery short of cash moves neither leg", async () => {
    const before = await parties.client.call("account.get", { account: "CUSTODIAN-A-CASH" });
    const payload = dvp(DENOMINATION, 10n ** 9n);
    expect(await outcomeOf(parties, ["CUSTODIAN-A", "SBP"], "settle-dvp", payload)).toMatchObject({
      executed: true,
      outcome: { code: "INSUFFICIENT_CASH", isoReason: "MONY" },
    });
    const after = await parties.client.call("account.get", { account: "CUSTODIAN-A-CASH" });
    expect(after.balances).toEqual(before.balances);
    const securities = await parties.client.call("account.get", { account: "CUSTODIAN-A-SGLA" });
    expect(securities.balances).toEqual([]);
  });

  test("a delivery short of securities", async () => {
    const payload = dvp(AT_THE_CEILING + DENOMINATION, 1n);
    expect(await outcomeOf(parties, ["CUSTODIAN-A", "SBP"], "settle-dvp", payload)).toMatchObject({
      executed: true,
      outcome: { code: "INSUFFICIENT_SECURITIES", isoReason: "LACK" },
    });
  });
});
