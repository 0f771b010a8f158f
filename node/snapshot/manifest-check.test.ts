import { expect, test } from "vitest";
import { utf8 } from "../../primitives/bytes.ts";
import { chunkHash, encodeChunk } from "./chunk.ts";
import { decodeManifest, encodeManifest, type Manifest, SNAPSHOT_VERSION } from "./manifest.ts";
import { type CertifiedBlock, checkManifest } from "./manifest-check.ts";
import {
  CHAIN,
  certificateBytes,
  certified,
  closing,
  finalize,
  GENESIS_SET,
  headerBytes,
  headerOf,
  ROOT,
  registryOf,
  stateOf,
} from "./testing/certified-chain.ts";

const STATE = stateOf(10);
const CHUNK = encodeChunk(STATE);
const OTHER = "ab".repeat(32);

function manifestOf(height: number, block: CertifiedBlock, changes: Partial<Manifest> = {}) {
  const manifest: Manifest = {
    version: SNAPSHOT_VERSION,
    chainId: CHAIN,
    height,
    ...block,
    stateRoot: headerOf(height, STATE).stateRoot,
    entryCount: STATE.length,
    chunkHashes: [chunkHash(CHUNK)],
    ...changes,
  };
  return manifest;
}

const header = headerOf(20, STATE);
const good = manifestOf(20, certified(header));

function refusal(manifest: Manifest, root = ROOT): Promise<string> {
  return checkManifest(manifest, root).then(
    () => "accepted",
    (error: { code: string }) => error.code,
  );
}

test("a manifest of epoch 0 proves itself to the genesis set", async () => {
  const proven = await checkManifest(decodeManifest(encodeManifest(good)), ROOT);
  expect(proven.header).toEqual(header);
  expect(proven.validators).toEqual(GENESIS_SET);
});

test("what a manifest says about itself must agree with its header", async () => {
  expect(await refusal({ ...good, height: 21 })).toBe("SNAPSHOT_CONTRADICTION");
  expect(await refusal({ ...good, stateRoot: OTHER })).toBe("SNAPSHOT_CONTRADICTION");
  expect(await refusal({ ...good, chunkHashes: [] })).toBe("SNAPSHOT_CONTRADICTION");
  expect(await refusal({ ...good, entryCount: 0 })).toBe("SNAPSHOT_CONTRADICTION");
  expect(await refusal({ ...good, version: 2 })).toBe("SNAPSHOT_VERSION");
});

test("a foreign chain is refused, in the manifest and in its header", async () => {
  expect(await refusal(good, { ...ROOT, chainId: OTHER })).toBe("SNAPSHOT_WRONG_CHAIN");
  expect(await refusal({ ...good, chainId: OTHER })).toBe("SNAPSHOT_WRONG_CHAIN");
  const foreign = headerOf(20, STATE, { chainId: OTHER });
  expect(await refusal(manifestOf(20, certified(foreign)))).toBe("SNAPSHOT_WRONG_CHAIN");
});

test("a header that was changed after it was finalized is refused", async () => {
  const changed = headerOf(20, STATE, { timestampMs: 1 });
  const block = { ...good, header: headerBytes(changed) };
  expect(await refusal(block)).toBe("SNAPSHOT_CERTIFICATE");
});

test("a claim of a greater height is worth nothing without its certificate", async () => {
  const far = headerOf(1_000_000, STATE);
  const block = certified(far, [], finalize(header));
  expect(await refusal(manifestOf(1_000_000, block))).toBe("SNAPSHOT_CERTIFICATE");
});

test("a finalization of too little weight, or with a broken signature, is refused", async () => {
  const light = certified(header, [], finalize(header, ["V0", "V1"]));
  expect(await refusal(manifestOf(20, light))).toBe("SNAPSHOT_CERTIFICATE");
  const whole = finalize(header);
  const signatures = [...whole.signatures.slice(0, 2), new Uint8Array(64).fill(1)];
  const broken = certified(header, [], { ...whole, signatures });
  expect(await refusal(manifestOf(20, broken))).toBe("SNAPSHOT_CERTIFICATE");
  const notarized = certified(header, [], { ...whole, kind: "notarize" });
  expect(await refusal(manifestOf(20, notarized))).toBe("SNAPSHOT_CERTIFICATE");
});

test("bytes that are no manifest, header or certificate are malformed", async () => {
  expect(() => decodeManifest(utf8("snapshot"))).toThrow(
    expect.objectContaining({ code: "SNAPSHOT_MALFORMED" }),
  );
  const bytes = encodeManifest(good);
  for (let at = 0; at < bytes.length; at += 7) {
    const changed = bytes.slice();
    changed[at] = (changed[at] ?? 0) ^ 0x41;
    const outcome = await Promise.resolve()
      .then(() => checkManifest(decodeManifest(changed), ROOT))
      .then(
        ({ manifest }) => manifest,
        (error: { code: string }) => error.code,
      );
    // Chunk hashes and the count are nobody's signature: the state root decides about them.
    if (typeof outcome !== "string") {
      expect(outcome.header).toEqual(good.header);
      expect(outcome.finalization).toEqual(good.finalization);
    } else {
      expect(outcome).toMatch(/^SNAPSHOT_/);
    }
  }
  expect(await refusal({ ...good, header: utf8("x") })).toBe("SNAPSHOT_MALFORMED");
  expect(await refusal({ ...good, finalization: utf8("x") })).toBe("SNAPSHOT_MALFORMED");
});

const SECOND = registryOf("V1", "V2", "V3", "V4");
const THIRD = registryOf("V2", "V3", "V4", "V5");
const FIRST_END = closing(0, 10, SECOND);
const SECOND_END = closing(1, 15, THIRD, SECOND);

function inThirdEpoch(trail: Manifest["epochTrail"], signers = ["V2", "V3", "V4"]) {
  const late = headerOf(20, STATE, { epoch: 2 });
  return manifestOf(20, certified(late, trail, finalize(late, signers, THIRD)));
}

test("a trail leads from the genesis set to the set of the block's epoch", async () => {
  const manifest = inThirdEpoch([FIRST_END, SECOND_END]);
  const proven = await checkManifest(decodeManifest(encodeManifest(manifest)), ROOT);
  expect(proven.validators).toEqual(THIRD);
});

test("a trail with an epoch missing, doubled or out of order is refused", async () => {
  for (const trail of [
    [],
    [FIRST_END],
    [SECOND_END],
    [SECOND_END, FIRST_END],
    [FIRST_END, FIRST_END],
    [FIRST_END, SECOND_END, closing(2, 17, THIRD, THIRD)],
  ]) {
    expect(await refusal(inThirdEpoch(trail))).toBe("SNAPSHOT_TRAIL");
  }
});

test("a trail that names another set than the closing header is refused", async () => {
  const swapped = { ...FIRST_END, validators: registryOf("V1", "V2", "V3", "M") };
  expect(await refusal(inThirdEpoch([swapped, SECOND_END]))).toBe("SNAPSHOT_TRAIL");
  const heavier = SECOND.map((validator, i) => (i === 0 ? { ...validator, weight: 2 } : validator));
  const changed = { ...FIRST_END, validators: heavier };
  expect(await refusal(inThirdEpoch([changed, SECOND_END]))).toBe("SNAPSHOT_TRAIL");
});

test("a closing header must be finalized by its own epoch's set", async () => {
  const usurped = closing(1, 15, THIRD, THIRD);
  expect(await refusal(inThirdEpoch([FIRST_END, usurped]))).toBe("SNAPSHOT_CERTIFICATE");
});

test("an epoch does not end with a block that closes nothing, or below the one before", async () => {
  const open = closing(0, 10, SECOND, GENESIS_SET, { nextValidators: undefined });
  expect(await refusal(inThirdEpoch([open, SECOND_END]))).toBe("SNAPSHOT_TRAIL");
  const earlier = closing(1, 9, THIRD, SECOND);
  expect(await refusal(inThirdEpoch([FIRST_END, earlier]))).toBe("SNAPSHOT_TRAIL");
  const above = closing(1, 25, THIRD, SECOND);
  expect(await refusal(inThirdEpoch([FIRST_END, above]))).toBe("SNAPSHOT_TRAIL");
});

test("a set that cannot tolerate a fault is refused although it was certified", async () => {
  const few = registryOf("V1", "V2", "V3");
  const late = headerOf(20, STATE, { epoch: 1 });
  const trail = [closing(0, 10, few)];
  const block = certified(late, trail, finalize(late, ["V1", "V2", "V3"], few));
  expect(await refusal(manifestOf(20, block))).toBe("SNAPSHOT_TRAIL");
});

test("old validators can't certify a block of the new epoch", async () => {
  const late = headerOf(20, STATE, { epoch: 1 });
  const byOld = finalize(late, ["V0", "V1", "V2"]);
  const block = certified(late, [FIRST_END], byOld);
  expect(await refusal(manifestOf(20, block))).toBe("SNAPSHOT_CERTIFICATE");
  expect(certificateBytes(byOld).length).toBeLessThan(1024);
});
