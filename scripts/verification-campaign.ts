import { Command, InvalidArgumentError } from "commander";
import { invariant, present } from "../primitives/assert.ts";
import { toHex } from "../primitives/bytes.ts";
import { verifyOracle } from "../primitives/ed25519/criterion.ts";
import { commitmentsOf, Forger } from "../primitives/ed25519/forger.ts";
import { type MutationCase, mutate, signedMessage } from "../primitives/ed25519/mutation.ts";
import { LocalKernel } from "../primitives/native/local-kernel.ts";
import { verifyOpenssl } from "../primitives/native/openssl-verify.ts";
import { nativeSigner, verifySodium } from "../primitives/native/sodium.ts";
import { Prng } from "../primitives/prng.ts";
import type { SignatureCheck } from "../primitives/verifier.ts";

/*
 * Compares the verifiers of the network's criterion on random signatures and mutations of them:
 * kernel (in batches of random size, with large and small tables), sodium-native and OpenSSL on all,
 * the oracle on a sampled share, for it takes as long for one as the others for ten. Each verdict is
 * also known by construction. A seed names the whole campaign.
 */

const KEYS = 16;
/** Every so manieth case is a forgery by the holder of the key. */
const FORGERIES = 8;
/** Commitments that forgeries choose from, each with the eight torsion points. */
const COMMITMENTS = 16;
const BATCH_SIZES = [1, 2, 3, 5, 16, 64, 200, 256];

export interface CampaignPlan {
  readonly mutations: number;
  readonly seed: number;
  /** The oracle looks at one case in so many. */
  readonly oracleEvery: number;
}

export interface CampaignReport {
  readonly mutations: number;
  readonly accepted: number;
  readonly seenByOracle: number;
  /** Cases on which a verifier was wrong: key, message, signature, and who said what. */
  readonly disagreements: readonly string[];
}

/** `onProgress`: called with the number of cases done, now and then. */
export function runCampaign(
  plan: CampaignPlan,
  onProgress: (done: number) => void = () => {},
): CampaignReport {
  const random = new Prng(plan.seed);
  const cases = new CaseMaker(random);
  const kernel = present(LocalKernel.open({ hot: KEYS, cold: KEYS }), "the kernel runs here");
  cases.publicKeys.forEach((key, i) => {
    invariant(kernel.addKey(key, i % 2 === 0 ? "hot" : "cold"), "a signer's key has a table");
  });
  const disagreements: string[] = [];
  let accepted = 0;
  let seenByOracle = 0;
  let done = 0;
  while (done < plan.mutations && disagreements.length < 10) {
    const size = Math.min(random.pick(BATCH_SIZES), plan.mutations - done);
    const batch = Array.from({ length: size }, () => cases.next());
    const verdicts = kernel.verify(batch.map(({ check }) => check));
    batch.forEach((one, i) => {
      const isSampled = (done + i) % plan.oracleEvery === 0;
      if (isSampled) seenByOracle += 1;
      if (one.valid) accepted += 1;
      const fault = faultOf(one, verdicts[i] === true, isSampled);
      if (fault !== undefined) disagreements.push(fault);
    });
    done += size;
    onProgress(done);
  }
  return { mutations: done, accepted, seenByOracle, disagreements };
}

function faultOf(one: MutationCase, byKernel: boolean, askOracle: boolean): string | undefined {
  const { publicKey, message, signature } = one.check;
  const verdicts = {
    construction: one.valid,
    kernel: byKernel,
    sodium: verifySodium(publicKey, message, signature),
    openssl: verifyOpenssl(publicKey, message, signature),
    ...(askOracle ? { oracle: verifyOracle(publicKey, message, signature) } : {}),
  };
  if (new Set(Object.values(verdicts)).size === 1) return undefined;
  return `${JSON.stringify(verdicts)} ${[publicKey, message, signature].map(toHex).join(" ")}`;
}

class CaseMaker {
  readonly #random: Prng;
  readonly #signers;
  readonly #forgers: readonly Forger[];
  readonly #commitments: readonly {
    readonly r: bigint;
    readonly encodings: readonly Uint8Array[];
  }[];

  constructor(random: Prng) {
    this.#random = random;
    const seeds = Array.from({ length: KEYS }, () =>
      Uint8Array.from({ length: 32 }, () => random.below(256)),
    );
    this.#signers = seeds.map(nativeSigner);
    this.#forgers = seeds.map((seed) => new Forger(seed));
    // r = 0 makes R itself a torsion point, the neutral one first.
    this.#commitments = Array.from({ length: COMMITMENTS }, (_, i) => {
      const r = i === 0 ? 0n : BigInt(1 + random.below(2 ** 31));
      return { r, encodings: commitmentsOf(r) };
    });
  }

  get publicKeys(): readonly Uint8Array[] {
    return this.#signers.map((signer) => signer.publicKey);
  }

  next(): MutationCase {
    const random = this.#random;
    const honest = signedMessage(random.pick(this.#signers), random);
    if (random.below(FORGERIES) === 0) return this.#forged(honest);
    return mutate(honest, present(this.#signers[0], "signer"), random);
  }

  #forged({ message }: SignatureCheck): MutationCase {
    const random = this.#random;
    const { r, encodings } = random.pick(this.#commitments);
    const torsion = random.below(encodings.length);
    const encodedR = present(encodings[torsion], "encoding");
    const check = random.pick(this.#forgers).sign(encodedR, r, message);
    return { check, valid: torsion === 0 && r !== 0n };
  }
}

function wholeNumber(text: string): number {
  if (!/^[0-9]{1,12}$/.test(text)) throw new InvalidArgumentError("a whole number");
  return Number(text);
}

if (import.meta.url === `file://${process.argv[1] ?? ""}`) {
  await new Command("verify:campaign")
    .description("Compares the verifiers on random mutations; exits with 1 if they disagree")
    .option("--mutations <n>", "how many", wholeNumber, 10_000)
    .option("--seed <n>", "names the campaign", wholeNumber, 1)
    .option("--oracle-every <n>", "one in so many also goes to the slow oracle", wholeNumber, 200)
    .action((flags: CampaignPlan) => {
      let reported = 0;
      const report = runCampaign(flags, (done) => {
        if (done - reported < flags.mutations / 20) return;
        reported = done;
        process.stderr.write(`${done} of ${flags.mutations}\n`);
      });
      for (const disagreement of report.disagreements) console.error(disagreement);
      console.log(
        `seed ${flags.seed}: ${report.mutations} signatures, ${report.accepted} of them valid; ` +
          `kernel, sodium-native, OpenSSL on all, the oracle on ${report.seenByOracle}: ` +
          `${report.disagreements.length} disagreements`,
      );
      process.exitCode = report.disagreements.length > 0 ? 1 : 0;
    })
    .parseAsync();
}
