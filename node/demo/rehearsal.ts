import { pinGenesis } from "../../client/genesis-pin.ts";
import { checkBalanceProof } from "../../client/proof-check.ts";
import { LedgerReads } from "../../client/reads.ts";
import type { ProofJson } from "../../client/rpc/methods.ts";
import { RpcClient } from "../../client/rpc-client.ts";
import { CBDC } from "../../ledger/types.ts";
import { present } from "../../primitives/assert.ts";
import { CodedError } from "../../primitives/errors.ts";
import {
  type LocalNetwork,
  type LocalValidator,
  readGenesisFile,
} from "../local-network/network-files.ts";
import {
  killValidator,
  startValidator,
  waitUntilReady,
} from "../local-network/validator-process.ts";
import {
  type Allotment,
  type AuctionTotals,
  allot,
  postedInThousands,
  same,
} from "./allotments.ts";
import { AUCTION, readAuctionSheet } from "./auction-sheet.ts";
import { Participants, type Settled } from "./participants.ts";

/** Made up, with a right check digit. */
export const ISIN = "PK0PIB003015";
/** Illustrative: PKR per USD times 10^4. */
export const FX_RATE_E4 = 2_815_000;

const CATCH_UP_MS = 60_000;
const POLL_MS = 100;

export interface SettledRow extends Allotment {
  readonly txId: string;
  readonly height: number;
  readonly milliseconds: number;
}

export interface RehearsalReport {
  readonly rows: readonly SettledRow[];
  readonly totals: AuctionTotals;
  /** What the ledger posted, PKR million times 10^3. */
  readonly posted: AuctionTotals;
  readonly supplyFace: bigint;
  readonly killed: {
    readonly name: string;
    readonly afterRow: number;
    readonly caughtUpMs: number;
  };
  readonly roots: readonly {
    readonly name: string;
    readonly height: number;
    readonly stateRoot: string;
  }[];
  readonly proof: {
    readonly account: string;
    readonly face: bigint;
    readonly height: number;
    readonly blockDigest: string;
  };
}

export type Progress = (line: string) => void;

/**
 * Settles the auction on a running network, with one validator killed and restarted on the way.
 * Starts no process once the signal has aborted, and rejects with its reason.
 */
export async function rehearse(
  network: LocalNetwork,
  progress: Progress,
  signal: AbortSignal,
): Promise<RehearsalReport> {
  const { allotments, totals } = allot(await readAuctionSheet());
  progress(`bid sheet: ${allotments.length} accepted bids, all figures recomputed and equal`);
  const [serving] = network.validators;
  const { rpcUrl } = present(serving, "a validator");
  const parties = await Participants.open(network, rpcUrl, signal);
  await prepareLedger(parties, allotments, totals, progress);

  const victim = present(network.validators.at(-2), "a validator that does not serve the client");
  const half = Math.floor(allotments.length / 2);
  const rows: SettledRow[] = [];
  for (const allotment of allotments) {
    const settled = await settleAllotment(parties, allotment);
    rows.push({ ...allotment, ...placeOf(settled) });
    progress(
      `row ${String(allotment.row).padStart(2)} final in block ${settled.receipt.height}` +
        ` after ${Math.round(settled.milliseconds)} ms`,
    );
    if (allotment.row === half) {
      await killValidator(victim);
      progress(`killed ${victim.name} with SIGKILL; settlement goes on with three of four`);
    }
  }
  signal.throwIfAborted();
  await startValidator(victim);
  const restartedAt = performance.now();
  progress(`restarted ${victim.name}`);
  const roots = await waitForEqualRoots(network.validators, signal);
  const caughtUpMs = performance.now() - restartedAt;
  await waitUntilReady(victim, signal);
  progress(
    `${victim.name} has caught up: all nodes have root ${roots[0]?.stateRoot.slice(0, 16)}…`,
  );

  const { posted, supplyFace } = await readBack(parties, rows);
  const proof = await proveHolding(network, parties, rows);
  progress(`proof of holding of ${proof.account} verified offline against the genesis`);
  return {
    rows,
    totals,
    posted,
    supplyFace,
    killed: { name: victim.name, afterRow: half, caughtUpMs },
    roots,
    proof,
  };
}

function placeOf(settled: Settled) {
  const { txId, receipt, milliseconds } = settled;
  return { txId, height: receipt.height, milliseconds };
}

/** Accounts, instrument, authorisation, exchange rate, issue, and coins for the buyers. */
async function prepareLedger(
  parties: Participants,
  allotments: readonly Allotment[],
  totals: AuctionTotals,
  progress: Progress,
): Promise<void> {
  const own = {
    investor: undefined,
    parent: undefined,
    ownership: "OWN",
    window: "CONVENTIONAL",
  } as const;
  const issuance = { account: "SBP-ISSUANCE", kind: "ISSUANCE", member: "SBP", ...own } as const;
  await parties.settle(["SBP", "FINDIV"], "open-account", issuance);
  for (const member of ["FINDIV", "CUSTODIAN-A", "CUSTODIAN-B"]) {
    const cash = { account: `${member}-CASH`, kind: "CASH_CBDC", member, ...own } as const;
    await parties.settle(["SBP", member], "open-account", cash);
  }
  for (const member of ["CUSTODIAN-A", "CUSTODIAN-B"]) {
    const sgla = { account: `${member}-SGLA`, kind: "SGLA", member, ...own } as const;
    await parties.settle(["SBP", member], "open-account", sgla);
  }
  progress("opened six accounts");
  const { couponRateE4, couponFrequency, issueDate, maturityDate } = AUCTION.terms;
  await parties.settle(["SBP", "FINDIV"], "register-instrument", {
    isin: ISIN,
    terms: {
      type: "PIB_FIXED",
      body: {
        denomination: AUCTION.denomination,
        couponRateE4,
        couponFrequency,
        issueDate,
        maturityDate,
        firstCouponDate: AUCTION.firstCouponDate,
        dayCount: "ACT_ACT_ICMA",
      },
    },
  });
  const face = totals.face * 100_000n;
  await parties.settle(["FINDIV", "SBP"], "authorise-instrument", {
    isin: ISIN,
    face,
    mandateRef: "MANDATE/PIB/2021-03-03",
  });
  const { blockTime } = await parties.client.call("chain.info", {});
  await parties.settle(["SBP"], "record-fx-rate", {
    rateE4: FX_RATE_E4,
    effectiveFromMs: Number(blockTime),
    reference: "ILLUSTRATIVE",
  });
  await parties.settle(["SBP"], "issue", {
    isin: ISIN,
    account: "SBP-ISSUANCE",
    face,
    mandateRef: "MANDATE/PIB/2021-03-03",
  });
  progress(`registered, authorised and issued ${ISIN}`);
  for (const buyer of ["CUSTODIAN-A", "CUSTODIAN-B"] as const) {
    const needed = allotments
      .filter((allotment) => allotment.buyer === buyer)
      .reduce((sum, { clean, accrued }) => sum + clean + accrued, 0n);
    await parties.settle(["SBP"], "mint-cbdc", {
      account: `${buyer}-CASH`,
      amount: needed,
      reserveRef: `RESERVE/${buyer}/1`,
    });
  }
  progress("minted the buyers' coins against reserve references");
}

/** The central bank delivers as the issuer's agent; the cash goes to the Finance Division. */
function settleAllotment(parties: Participants, allotment: Allotment): Promise<Settled> {
  const { row, buyer, face, clean, accrued } = allotment;
  return parties.settle([buyer, "SBP"], "settle-dvp", {
    settlementRef: `PIB-20210303-${String(row).padStart(2, "0")}`,
    isin: ISIN,
    face,
    delivererAccount: "SBP-ISSUANCE",
    receiverAccount: `${buyer}-SGLA`,
    payerCashAccount: `${buyer}-CASH`,
    payeeCashAccount: "FINDIV-CASH",
    cleanAmount: clean,
    accruedInterest: accrued,
  });
}

/** Waits until every validator has the same root at the height of the furthest one. */
async function waitForEqualRoots(
  validators: readonly LocalValidator[],
  signal: AbortSignal,
): Promise<RehearsalReport["roots"]> {
  const deadline = performance.now() + CATCH_UP_MS;
  for (;;) {
    signal.throwIfAborted();
    const heads = await Promise.all(validators.map(headOf));
    const [first] = heads;
    if (
      first !== undefined &&
      heads.every((head) => head?.height === first.height && head.stateRoot === first.stateRoot)
    ) {
      return heads.map((head) => present(head, "a head"));
    }
    if (performance.now() > deadline) {
      const seen = heads.map((head) => `${head?.name}@${head?.height}`).join(" ");
      throw new CodedError("NOT_EQUAL", `the nodes do not agree after a minute: ${seen}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function headOf(
  validator: LocalValidator,
): Promise<RehearsalReport["roots"][number] | undefined> {
  try {
    const client = new RpcClient({ endpoints: [validator.rpcUrl], callTimeoutMs: 2_000 });
    const { height, stateRoot } = await client.call("chain.info", {});
    return { name: validator.name, height: Number(height), stateRoot };
  } catch {
    // Just started: it does not listen yet.
    return undefined;
  }
}

/** What the ledger itself says was moved, from its events, compared with the published totals. */
async function readBack(
  parties: Participants,
  rows: readonly SettledRow[],
): Promise<{ readonly posted: AuctionTotals; readonly supplyFace: bigint }> {
  const reads = new LedgerReads(parties.client);
  let clean = 0n;
  let accrued = 0n;
  let face = 0n;
  let cursor = "genesis";
  for (;;) {
    const page = await reads.events({ cursor, limit: 500, filter: { types: ["settlementFinal"] } });
    for (const { event } of page.events) {
      if (event.type !== "settlementFinal") continue;
      const row = rows[Number(event.body.settlementRef.slice(-2)) - 1];
      same(`posted clean of ${event.body.settlementRef}`, event.body.cleanAmount, row?.clean ?? 0n);
      clean += event.body.cleanAmount;
      accrued += event.body.accruedInterest;
      face += event.body.face;
    }
    if (page.events.length === 0) break;
    cursor = page.nextCursor;
  }
  const posted = {
    face: postedInThousands(face),
    realised: postedInThousands(clean),
    accrued: postedInThousands(accrued),
    total: postedInThousands(clean + accrued),
  };
  for (const name of ["face", "realised", "accrued", "total"] as const) {
    same(`posted ${name}`, posted[name], AUCTION.published[name]);
  }
  const treasury = await reads.account("FINDIV-CASH");
  const proceeds = treasury?.balances.find(({ asset }) => asset === CBDC)?.total ?? 0n;
  if (proceeds !== clean + accrued) {
    throw new CodedError("PROCEEDS_DIFFER", "the treasury did not receive what was posted", {
      got: proceeds,
      expected: clean + accrued,
    });
  }
  const supply = present(await reads.supply(ISIN), "supply of the bond");
  return { posted, supplyFace: supply.outstanding };
}

/** Takes one proof from the node, then checks it with nothing but the genesis document. */
async function proveHolding(
  network: LocalNetwork,
  parties: Participants,
  rows: readonly SettledRow[],
): Promise<RehearsalReport["proof"]> {
  const account = "CUSTODIAN-B-SGLA";
  const proof: ProofJson = await parties.client.call("account.proof", { account, asset: ISIN });
  const { document } = await readGenesisFile(network.genesisFile);
  const pin = pinGenesis(document, network.chainId);
  const { at, value } = checkBalanceProof(pin, proof, account, ISIN);
  const expected = rows
    .filter(({ buyer }) => buyer === "CUSTODIAN-B")
    .reduce((sum, { face }) => sum + face, 0n);
  same("proven holding", value.total, expected);
  return { account, face: value.total, height: at.height, blockDigest: at.blockDigest };
}
