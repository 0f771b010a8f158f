import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES } from "../ed25519/criterion.ts";
import type { VerificationKernel } from "../kernel/kernel.ts";
import { checkRegisteredKeyCases, SelfTestError } from "./self-test.ts";
import { ITEM_FIXED_BYTES, type SignatureSlab, type TablePlace } from "./signature-slab.ts";

/**
 * Run by every thread on its own instance of the kernel before its first verdict. `table`: of the
 * self-test's key. Each case is asked alone and four times at once, so that both lanes and more than
 * one pair answer.
 *
 * @throws SelfTestError SELF_TEST_FAILED, naming the case
 */
export function selfTestKernel(
  kernel: VerificationKernel,
  slab: SignatureSlab,
  table: TablePlace,
): void {
  for (const copies of [1, 4]) {
    checkRegisteredKeyCases((publicKey, message, signature) => {
      if (publicKey.length !== PUBLIC_KEY_BYTES || signature.length !== SIGNATURE_BYTES) {
        return false;
      }
      const item = new Uint8Array(ITEM_FIXED_BYTES + message.length);
      item.set(publicKey);
      item.set(signature, PUBLIC_KEY_BYTES);
      item.set(message, ITEM_FIXED_BYTES);
      slab.clear();
      for (let i = 0; i < copies; i++) slab.add(item, table);
      slab.verify(kernel, 0, copies);
      const verdicts = Array.from({ length: copies }, (_, i) => slab.verdict(i));
      slab.clear();
      if (verdicts.some((verdict) => verdict !== verdicts[0])) {
        throw new SelfTestError("SELF_TEST_FAILED", "Ed25519 self-test: a batch disagrees");
      }
      return verdicts[0] === true;
    });
  }
}
