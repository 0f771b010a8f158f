import { fromHex } from "../bytes.ts";
import { CodedError } from "../errors.ts";
import type { VerifySignature } from "../verifier.ts";

/** This machine's verification backend doesn't decide as the network does: it must not serve. */
export class SelfTestError extends CodedError<"SELF_TEST_FAILED"> {
  override readonly name = "SelfTestError";
}

/** "Mizan self-test", signed with the key of the seed 4d 4d … 4d. */
export const SELF_TEST_KEY = "62a611b472d89b0e5fc93c069b9f700b4c552d55bc0e87b56008ef17b6b2bebe";
const MESSAGE = "4d697a616e2073656c662d74657374";
const HONEST =
  "1728902e0e411a4cafd2b3398785591c8bee625d3f69ed6ed0df8827b164a686" +
  "aea030269325d75ad218b5111798d50f22939035ac3c6c9ca0e124a5b5a5f10f";

/**
 * What the holder of an honest key can make, and the verdict of the criterion. The torsion cases
 * add a point of order 2, 4 or 8 to R before k is hashed: cofactored verifiers accept them.
 */
const REGISTERED_KEY_CASES: readonly (readonly [
  name: string,
  signature: string,
  valid: boolean,
])[] = [
  ["honest", HONEST, true],
  [
    "R with a component of order 2",
    "f35eaf8791f6ff3122907d7b78f9b519049f193614f3b3f046f8b51d4bd28ded" +
      "8b61bb3582b8b8b795f34d66025e14f2347eb522a8289d7f4c51da2c193f4f08",
    false,
  ],
  [
    "R with a component of order 4",
    "63f43bce39c5bcf39490bf3a4942fa28d3aad406c4a7840d52ea2f8a69e12cf4" +
      "aedf1027fc94d446bb6490e5c1cb8e7838aa3c28c33f6357fcedc5a8d207bc01",
    false,
  ],
  [
    "R with a component of order 8",
    "ac9b4a5840481df20207e4658ced14cd5a8c219e560040151fb0dae11ea396fa" +
      "d7516aea55383e9ba4b8a8c62b493164fe03bc397f3630bd5b43790a7c036d0d",
    false,
  ],
  [
    "R = identity",
    "0100000000000000000000000000000000000000000000000000000000000000" +
      "63803cf3a25a8beb6dc6c587525145122c0e13f8c0007ce7c702e1d0c25b9f0a",
    false,
  ],
  [
    "S + L",
    "1728902e0e411a4cafd2b3398785591c8bee625d3f69ed6ed0df8827b164a686" +
      "9b742683ad88e9b2a8b5acb4f591b42422939035ac3c6c9ca0e124a5b5a5f11f",
    false,
  ],
  ["63 bytes", HONEST.slice(0, 126), false],
  ["65 bytes", `${HONEST}00`, false],
  ["no bytes", "", false],
];

/** Checks any backend on registered keys. Throws SelfTestError. */
export function checkRegisteredKeyCases(verify: VerifySignature): void {
  const publicKey = fromHex(SELF_TEST_KEY);
  const message = fromHex(MESSAGE);
  for (const [name, signature, valid] of REGISTERED_KEY_CASES) {
    expectVerdict(verify, [message, publicKey, fromHex(signature)], valid, name);
  }
  const other = fromHex(`${MESSAGE}00`);
  expectVerdict(verify, [other, publicKey, fromHex(HONEST)], false, "another message");
}

/**
 * Checks that libsodium is the release we pin, on the cases of ed25519-speccheck (message, public
 * key, signature). Most of their keys can't be registered, so the network never asks these
 * questions; but the answers tell a cofactored or differently strict build at once. The pinned
 * release accepts number 3 alone (mixed-order A and R, which satisfy the cofactorless equation).
 */
export function checkReleaseBehaviour(verify: VerifySignature): void {
  SPECCHECK_CASES.forEach(([message, publicKey, signature], index) => {
    const inputs = [fromHex(message), fromHex(publicKey), fromHex(signature)] as const;
    expectVerdict(verify, inputs, index === ACCEPTED_BY_RELEASE, `speccheck ${index}`);
  });
}

function expectVerdict(
  verify: VerifySignature,
  [message, publicKey, signature]: readonly [Uint8Array, Uint8Array, Uint8Array],
  expected: boolean,
  name: string,
): void {
  const got = verify(publicKey, message, signature);
  if (got === expected) return;
  throw new SelfTestError("SELF_TEST_FAILED", `Ed25519 self-test "${name}": got ${got}`, {
    case: name,
    got,
    expected,
  });
}

const ACCEPTED_BY_RELEASE = 3;

/** cases.json of novifinancial/ed25519-speccheck, Apache-2.0. */
const SPECCHECK_CASES: readonly (readonly [string, string, string])[] = [
  [
    "8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a0000000000000000000000000000000000000000000000000000000000000000",
  ],
  [
    "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
  ],
  [
    "aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab",
    "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e",
  ],
  [
    "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
    "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
    "9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009",
  ],
  [
    "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
    "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
    "160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed5125ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09",
  ],
  [
    "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
    "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
    "21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405",
  ],
  [
    "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
    "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
    "e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514",
  ],
  [
    "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
    "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
    "8ce5b96c8f26d0ab6c47958c9e68b937104cd36e13c33566acd2fe8d38aa19427e71f98a473474f2f13f06f97c20d58cc3f54b8bd0d272f42b695dd7e89a8c22",
  ],
  [
    "9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
    "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff03be9678ac102edcd92b0210bb34d7428d12ffc5df5f37e359941266a4e35f0f",
  ],
  [
    "9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
    "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffca8c5b64cd208982aa38d4936621a4775aa233aa0505711d8fdcfdaa943d4908",
  ],
  [
    "e96b7021eb39c1a163b6da4e3093dcd3f21387da4cc4572be588fafae23c155b",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dca5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
  ],
  [
    "39a591f5321bbe07fd5a23dc2f39d025d74526615746727ceefd6e82ae65c06f",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dca5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
  ],
];
