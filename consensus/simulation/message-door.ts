import { CodecError } from "../../primitives/codec/codec-error.ts";
import { type ConsensusMessage, decodeMessage } from "../messages.ts";
import type { Core } from "./core-port.ts";
import type { Coverage } from "./coverage.ts";
import type { Keyring } from "./keyring.ts";

interface Door {
  readonly keyring: Keyring;
  readonly coverage: Coverage;
}

/** What the codec cannot read, or finds too large, never reaches the core. */
export function readMessage({ coverage }: Door, bytes: Uint8Array): ConsensusMessage | undefined {
  try {
    return decodeMessage(bytes);
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    coverage.count(`unreadable ${error.code}`);
    return undefined;
  }
}

/** As the real driver: one bad signature, and the whole message is dropped. */
export function admits(door: Door, core: Core, message: ConsensusMessage): boolean {
  const { keyring, coverage } = door;
  const needed = core.signaturesOf(message);
  if (typeof needed === "string") {
    coverage.count(`refused ${needed}`);
    return false;
  }
  for (const { publicKey, message: statement, signature } of needed) {
    if (!keyring.verifyKey(publicKey, statement, signature)) {
      coverage.count(`bad signature in ${message.type}`);
      return false;
    }
  }
  coverage.count(`message ${message.type}`);
  return true;
}
