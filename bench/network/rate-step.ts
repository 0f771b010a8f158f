import { join } from "node:path";
import { toBase64 } from "../../client/rpc/base64.ts";
import { RpcClient } from "../../client/rpc-client.ts";
import { transactionBytes } from "../../client/signing.ts";
import type { LocalNetwork } from "../../node/local-network/network-files.ts";
import { type ChainShape, chainShape } from "./chain-shape.ts";
import type { FinalityLog } from "./finality-log.ts";
import type { Market, Mix } from "./market.ts";
import type { NetworkUnderTest } from "./network-under-test.ts";
import { type Prepared, type Sending, sendOpenLoop } from "./open-loop.ts";
import { farExpiry, type Parties } from "./parties.ts";
import {
  bytesBelow,
  cpuSecondsOf,
  frameBytesSent,
  machineCpuSeconds,
  ownCpuSeconds,
} from "./process-usage.ts";
import { type Quantiles, quantilesOf } from "./quantiles.ts";
import { settleAll } from "./settling.ts";
import { SubmitDoor } from "./submit-door.ts";

/** What stays the same for all rates of a run. */
export interface Bench {
  readonly underTest: NetworkUnderTest;
  readonly network: LocalNetwork;
  readonly parties: Parties;
  readonly market: Market;
  readonly log: FinalityLog;
  readonly mix: Mix;
  /** Transactions in one call of `tx.submitBatch` at most. */
  readonly atOnce: number;
}

export interface ValidatorUse {
  readonly name: string;
  readonly cpuSeconds: number;
  readonly diskBytes: number;
  /** Sent to the other validators, as their frames count it. */
  readonly wireBytes: number;
}

/** What one rate came to. Everything is counted from its first sending to its last finality. */
export interface RateResult {
  /** Sendings a second, and for how many seconds. */
  readonly rate: number;
  readonly seconds: number;
  readonly offered: number;
  readonly admitted: number;
  /** Refusals by reason; unanswered ones as `no answer: <reason>`. */
  readonly refused: Readonly<Record<string, number>>;
  /** Became final, seen by the client. */
  readonly settled: number;
  /** Taken by a node and not final, by status. Empty unless something is wrong. */
  readonly open: Readonly<Record<string, number>>;
  readonly elapsedSeconds: number;
  readonly settledPerSecond: number;
  readonly chain: ChainShape;
  /** From the intended time of sending to finality, ms. */
  readonly finalityMs: Quantiles | undefined;
  /** From the intended time of sending to the node's answer, ms. */
  readonly answerMs: Quantiles | undefined;
  /** How late the generator was, ms: above a few, it is overloaded itself. */
  readonly generatorLagMs: Quantiles | undefined;
  readonly generatorCpuSeconds: number;
  /** What all other processes took meanwhile: much of it, and the run was disturbed. */
  readonly othersCpuSeconds: number;
  readonly validators: readonly ValidatorUse[];
}

interface Usage {
  readonly generatorCpuSeconds: number;
  readonly machineCpuSeconds: number;
  readonly validators: readonly ValidatorUse[];
}

/** Told when the first is about to be sent and when the last is final. */
export interface RateWatch {
  begin(): Promise<void>;
  end(): Promise<void>;
}

/** Prepares, sends and settles one rate. */
export async function runRate(
  bench: Bench,
  rate: number,
  seconds: number,
  watch?: RateWatch,
): Promise<RateResult> {
  const { network, log } = bench;
  const client = new RpcClient({ endpoints: network.validators.map(({ rpcUrl }) => rpcUrl) });
  const prepared = prepare(bench, Math.round(rate * seconds), await farExpiry(client));
  const startHeight = await heightOf(client);
  await watch?.begin();
  const before = await usage(bench);
  const sendings = await sendTo(network, prepared, rate, bench.atOnce);
  const open = await settleAll(sendings, log, client);
  const used = difference(before, await usage(bench));
  await watch?.end();
  const validatorSeconds = used.validators.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
  const ourSeconds = validatorSeconds + used.generatorCpuSeconds;
  return {
    rate,
    seconds,
    offered: sendings.length,
    admitted: sendings.filter(({ reply }) => reply.kind === "admitted").length,
    refused: tally(sendings.map(refusalOf)),
    open: tally(open.values()),
    ...timesOf(sendings, log),
    chain: await chainShape(client, startHeight, await heightOf(client)),
    generatorCpuSeconds: used.generatorCpuSeconds,
    othersCpuSeconds: Math.max(0, used.machineCpuSeconds - ourSeconds),
    validators: used.validators,
  };
}

/** Over connections of this rate's own: those of the one before may be closed by now. */
async function sendTo(
  network: LocalNetwork,
  prepared: readonly Prepared[],
  rate: number,
  atOnce: number,
): Promise<readonly Sending[]> {
  const doors = network.validators.map(({ rpcUrl }) => new SubmitDoor(rpcUrl));
  try {
    return await sendOpenLoop(prepared, rate, doors, atOnce);
  } finally {
    for (const door of doors) door.close();
  }
}

function prepare(bench: Bench, count: number, expiry: number): readonly Prepared[] {
  const { parties, market, mix } = bench;
  return market.take(parties, count, mix, expiry).map((transaction) => {
    return { txId: transaction.txId, text: toBase64(transactionBytes(transaction)) };
  });
}

async function heightOf(client: RpcClient): Promise<number> {
  return Number((await client.call("chain.info", {})).height);
}

async function usage(bench: Bench): Promise<Usage> {
  const { underTest, network } = bench;
  const validators = network.validators.map(async (validator): Promise<ValidatorUse> => {
    const [cpuSeconds, diskBytes, wireBytes] = await Promise.all([
      cpuSecondsOf(underTest.pidOf(validator)),
      bytesBelow(join(validator.directory, "data")),
      frameBytesSent(validator.opsUrl),
    ]);
    return { name: validator.name, cpuSeconds, diskBytes, wireBytes };
  });
  return {
    validators: await Promise.all(validators),
    generatorCpuSeconds: ownCpuSeconds(),
    machineCpuSeconds: machineCpuSeconds(),
  };
}

function difference(before: Usage, after: Usage): Usage {
  return {
    generatorCpuSeconds: after.generatorCpuSeconds - before.generatorCpuSeconds,
    machineCpuSeconds: after.machineCpuSeconds - before.machineCpuSeconds,
    validators: after.validators.map(({ name, cpuSeconds, diskBytes, wireBytes }, i) => ({
      name,
      cpuSeconds: cpuSeconds - (before.validators[i]?.cpuSeconds ?? 0),
      diskBytes: diskBytes - (before.validators[i]?.diskBytes ?? 0),
      wireBytes: wireBytes - (before.validators[i]?.wireBytes ?? 0),
    })),
  };
}

function timesOf(sendings: readonly Sending[], log: FinalityLog) {
  const finality: number[] = [];
  const startedAt = sendings[0]?.intendedAt ?? 0;
  let endedAt = startedAt;
  for (const { txId, intendedAt } of sendings) {
    const seenAt = log.seenAt(txId);
    if (seenAt === undefined) continue;
    finality.push(seenAt - intendedAt);
    endedAt = Math.max(endedAt, seenAt);
  }
  const elapsedSeconds = (endedAt - startedAt) / 1_000;
  const answered = sendings.filter(({ reply }) => reply.kind !== "unanswered");
  return {
    settled: finality.length,
    elapsedSeconds,
    settledPerSecond: elapsedSeconds > 0 ? finality.length / elapsedSeconds : 0,
    finalityMs: quantilesOf(finality),
    answerMs: quantilesOf(answered.map(({ intendedAt, repliedAt }) => repliedAt - intendedAt)),
    generatorLagMs: quantilesOf(sendings.map(({ intendedAt, sentAt }) => sentAt - intendedAt)),
  };
}

function refusalOf({ reply }: Sending): string | undefined {
  switch (reply.kind) {
    case "admitted":
      return undefined;
    case "refused":
      return reply.reason;
    case "unanswered":
      return `no answer: ${reply.reason}`;
  }
}

function tally(reasons: Iterable<string | undefined>): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const reason of reasons) {
    if (reason !== undefined) counts[reason] = (counts[reason] ?? 0) + 1;
  }
  return counts;
}
