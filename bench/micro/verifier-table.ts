import { createPublicKey, type KeyObject, verify as verifyByOpenssl } from "node:crypto";
import { invariant, present } from "../../primitives/assert.ts";
import { toHex } from "../../primitives/bytes.ts";
import { verifyOracle } from "../../primitives/ed25519/criterion.ts";
import { LocalKernel, MAX_STAGED, type TableSize } from "../../primitives/native/local-kernel.ts";
import { verifySodium } from "../../primitives/native/sodium.ts";
import type { SignatureCheck, VerifySignature } from "../../primitives/verifier.ts";
import { median } from "./median.ts";
import { signedStatements } from "./signed-statements.ts";
import type { SuiteTable } from "./suite.ts";

const BATCHES = [1, 2, 16, 64, 256] as const;
const KEYS = [8, 64, 512] as const;
/** Each verifier has its turn in every round: what else the machine does falls on all alike. */
const ROUNDS = { full: 41, quick: 5 };
/** Signatures in a turn: turns of about 3 ms, so that an interruption is as likely in each. */
const TURN_SIGNATURES = { oracle: 2, openssl: 24, sodium: 64, kernel: 512 };

/** One line of the table: something that verifies signatures `from` up to `to`. */
interface Contestant {
  readonly verifier: string;
  readonly keys: number;
  readonly batch: number | "any";
  readonly turnSignatures: number;
  readonly verify: (from: number, to: number) => boolean;
  readonly times: number[];
}

/**
 * Every verifier of the network's criterion on one thread, in one run, in turns: medians over the
 * rounds, and the ratio to libsodium with the same number of keys. All but the kernel take one
 * signature at a time, so a batch makes no difference to them.
 */
export async function measureVerifiers(quick: boolean): Promise<SuiteTable> {
  const contestants = KEYS.flatMap(contestantsFor);
  const rounds = quick ? ROUNDS.quick : ROUNDS.full;
  // The first round compiles the code and fetches the tables.
  for (let round = -1; round < rounds; round++) {
    for (const contestant of contestants) {
      const time = turn(contestant, Math.max(round, 0));
      if (round >= 0) contestant.times.push(time);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  const reference = new Map(
    contestants
      .filter(({ verifier }) => verifier === SODIUM)
      .map(({ keys, times }) => [keys, { median: median(times), best: Math.min(...times) }]),
  );
  return {
    title:
      `verifiers on one core, ${rounds} rounds in turns, median and best; ratios: sodium-native's ` +
      "with the same keys over this one's",
    header: [
      "verifier",
      "keys",
      "batch",
      "us/signature",
      "best",
      "signatures/s",
      "ratio",
      "of best",
    ],
    numeric: [1, 2, 3, 4, 5, 6, 7],
    rows: contestants.map(({ verifier, keys, batch, times }) => {
      const us = median(times);
      const best = Math.min(...times);
      const sodium = present(reference.get(keys), "sodium-native");
      const perSecond = String(Math.round(1e6 / us));
      const ratios = [sodium.median / us, sodium.best / best];
      return [verifier, String(keys), String(batch), us, best, perSecond, ...ratios];
    }),
  };
}

const SODIUM = "sodium-native";

function contestantsFor(keys: number): readonly Contestant[] {
  const checks = signedStatements(MAX_STAGED, keys);
  const single = (verifier: string, verify: VerifySignature, turnSignatures: number) => ({
    verifier,
    keys,
    batch: "any" as const,
    turnSignatures,
    verify: oneByOne(checks, verify),
    times: [],
  });
  const sizes: readonly TableSize[] = keys === 512 ? ["cold", "hot"] : ["hot"];
  return [
    single("noble points (oracle)", verifyOracle, TURN_SIGNATURES.oracle),
    single("OpenSSL, keys imported before", opensslWith(checks), TURN_SIGNATURES.openssl),
    single(SODIUM, verifySodium, TURN_SIGNATURES.sodium),
    ...sizes.flatMap((size) => kernelContestants(checks, keys, size)),
  ];
}

function kernelContestants(
  checks: readonly SignatureCheck[],
  keys: number,
  size: TableSize,
): readonly Contestant[] {
  const kernel = LocalKernel.open({ hot: size === "hot" ? keys : 0, cold: keys });
  if (kernel === undefined) return [];
  for (const publicKey of new Map(checks.map((c) => [toHex(c.publicKey), c.publicKey])).values()) {
    invariant(kernel.addKey(publicKey, size), "a signer's key has a table");
  }
  const verify = kernel.stage(checks);
  return BATCHES.map((batch) => ({
    verifier: `kernel, tables of ${size === "hot" ? "512" : "102"} KiB`,
    keys,
    batch,
    turnSignatures: batch === 1 ? TURN_SIGNATURES.kernel / 4 : TURN_SIGNATURES.kernel,
    verify,
    times: [],
  }));
}

/** Microseconds a signature. Rounds go through all signatures, so that no few of them stay warm. */
function turn({ batch, turnSignatures, verify }: Contestant, round: number): number {
  const size = batch === "any" ? 1 : batch;
  const first = (round * turnSignatures) % MAX_STAGED;
  const start = process.hrtime.bigint();
  let all = true;
  for (let done = 0; done < turnSignatures; done += size) {
    const from = (first + done) % MAX_STAGED;
    all = verify(from, from + size) && all;
  }
  const time = Number(process.hrtime.bigint() - start) / 1_000;
  invariant(all, "all of them verify");
  return time / turnSignatures;
}

function oneByOne(
  checks: readonly SignatureCheck[],
  verify: VerifySignature,
): (from: number, to: number) => boolean {
  return (from, to) => {
    let all = true;
    for (let i = from; i < to; i++) {
      const { publicKey, message, signature } = present(checks[i], "check");
      all = verify(publicKey, message, signature) && all;
    }
    return all;
  };
}

/** SubjectPublicKeyInfo of an Ed25519 key up to its 32 bytes (RFC 8410, section 4). */
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");

/** As a program that keeps its keys would use it; importing a key takes as long as verifying. */
function opensslWith(checks: readonly SignatureCheck[]): VerifySignature {
  const imported = new Map<Uint8Array, KeyObject>();
  for (const { publicKey } of checks) {
    if (imported.has(publicKey)) continue;
    const der = Buffer.concat([SPKI_PREFIX, publicKey]);
    imported.set(publicKey, createPublicKey({ key: der, format: "der", type: "spki" }));
  }
  return (publicKey, message, signature) =>
    verifyByOpenssl(null, message, present(imported.get(publicKey), "imported key"), signature);
}
