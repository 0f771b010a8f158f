/** Bytes of a signature, as on the real wire. */
const SIGNATURE_BYTES = 64;

/** Multipliers of the four lanes: odd constants of the SplitMix and Murmur finalizers. */
const LANES = [0x85ebca6b, 0xc2b2ae35, 0x27d4eb2f, 0x165667b1] as const;

/**
 * Stand-in signatures for the simulator: a keyed 128-bit mix of the statement, spread over 64 bytes.
 * Nothing here resists a cryptographer. It resists our own adversaries, who are handed a signer for
 * their own key only, and it costs well under a microsecond where Ed25519 costs dozens.
 */
export class Keyring {
  readonly #secrets: readonly number[];

  constructor(secrets: readonly number[]) {
    this.#secrets = secrets;
  }

  /** The one way to sign as `index`: hand it to the node that holds the key, to nobody else. */
  signer(index: number): (statement: Uint8Array) => Uint8Array {
    const secret = this.#secrets[index] ?? 0;
    return (statement) => spread(mix(secret, statement));
  }

  /** Stand-in public key of 32 bytes: the index, big-endian, in the first two. */
  publicKey(index: number): Uint8Array {
    const key = new Uint8Array(32);
    key[0] = index >> 8;
    key[1] = index & 0xff;
    return key;
  }

  verifyKey(publicKey: Uint8Array, statement: Uint8Array, signature: Uint8Array): boolean {
    const index = ((publicKey[0] ?? 0) << 8) | (publicKey[1] ?? 0);
    return this.verify(index, statement, signature);
  }

  verify(index: number, statement: Uint8Array, signature: Uint8Array): boolean {
    if (signature.length !== SIGNATURE_BYTES) return false;
    const secret = this.#secrets[index];
    if (secret === undefined) return false;
    const lanes = mix(secret, statement);
    const view = new DataView(signature.buffer, signature.byteOffset, SIGNATURE_BYTES);
    for (let i = 0; i < SIGNATURE_BYTES / 4; i++) {
      if (view.getInt32(4 * i) !== word(lanes, i)) return false;
    }
    return true;
  }
}

type Lanes = readonly [number, number, number, number];

function mix(secret: number, statement: Uint8Array): Lanes {
  let a = secret ^ LANES[0];
  let b = secret ^ LANES[1];
  let c = secret ^ LANES[2];
  let d = secret ^ LANES[3] ^ statement.length;
  for (let i = 0; i < statement.length; i += 4) {
    const word =
      (statement[i] ?? 0) |
      ((statement[i + 1] ?? 0) << 8) |
      ((statement[i + 2] ?? 0) << 16) |
      ((statement[i + 3] ?? 0) << 24);
    a = Math.imul(a ^ word, LANES[0]);
    a ^= a >>> 15;
    b = Math.imul(b ^ a ^ word, LANES[1]);
    b ^= b >>> 13;
    c = Math.imul(c ^ b ^ word, LANES[2]);
    c ^= c >>> 16;
    d = Math.imul(d ^ c ^ word, LANES[3]);
    d ^= d >>> 14;
  }
  return [a ^ d, b ^ a, c ^ b, d ^ c];
}

function spread(lanes: Lanes): Uint8Array {
  const out = new Uint8Array(SIGNATURE_BYTES);
  const view = new DataView(out.buffer);
  for (let i = 0; i < SIGNATURE_BYTES / 4; i++) {
    view.setInt32(4 * i, word(lanes, i));
  }
  return out;
}

/** Word `i` of the signature that the lanes stand for. */
function word(lanes: Lanes, i: number): number {
  return Math.imul((lanes[i % 4] ?? 0) + i, 0x9e3779b1);
}
