/** The part of sodium-native 5.1.0 (libsodium 1.0.21) that Mizan uses; the package has no types. */
declare module "sodium-native" {
  interface Sodium {
    /** Memory outside the collected heap: between guard pages, locked, wiped when freed. */
    sodium_malloc(bytes: number): Uint8Array;
    sodium_memzero(buffer: Uint8Array): void;
    /** Fills the 32-byte `publicKey` and the 64-byte `secretKey`. */
    crypto_sign_seed_keypair(publicKey: Uint8Array, secretKey: Uint8Array, seed: Uint8Array): void;
    crypto_sign_detached(signature: Uint8Array, message: Uint8Array, secretKey: Uint8Array): void;
    /** Reads the first 64 bytes of a longer signature; throws on a shorter one. */
    crypto_sign_verify_detached(
      signature: Uint8Array,
      message: Uint8Array,
      publicKey: Uint8Array,
    ): boolean;
  }
  const sodium: Sodium;
  export default sodium;
}
