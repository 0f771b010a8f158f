import { join } from "node:path";
import { present } from "../../../primitives/assert.ts";
import type { Signer } from "../../../primitives/ed25519/signer.ts";
import { readPassphrase, type UnlockedKey, unlockKeyFile } from "../../../primitives/keystore.ts";
import { nativeSigner } from "../../../primitives/native/sodium.ts";
import { Mesh, type NetLogger } from "../../net/mesh.ts";
import { PROTOCOL_VERSION } from "../../runtime/chain-queries.ts";
import { type LocalNetwork, readGenesisFile } from "../network-files.ts";

const SILENT: NetLogger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** Signs with the true consensus key of a validator. */
export async function consensusSignerOf(network: LocalNetwork, index: number): Promise<Signer> {
  const { seed } = await keyOf(network, index, "consensus");
  return nativeSigner(seed);
}

/** A mesh with the true network key of a validator, whose own process must not run; not started. */
export async function meshOf(network: LocalNetwork, index: number): Promise<Mesh> {
  const { genesis } = await readGenesisFile(network.genesisFile);
  const { seed } = await keyOf(network, index, "network");
  const addressOf = (place: number): string =>
    `127.0.0.1:${present(network.validators[place], "a validator").peerPort}`;
  return Mesh.create({
    chainId: network.chainId,
    self: index,
    networkSeed: seed,
    peers: genesis.validators.map(({ name, networkKey }, place) => ({
      index: place,
      name,
      networkKey,
      addresses: [addressOf(place)],
    })),
    listen: [addressOf(index)],
    protocolVersion: PROTOCOL_VERSION,
    software: "impostor/1",
    logger: SILENT,
  });
}

async function keyOf(network: LocalNetwork, index: number, role: string): Promise<UnlockedKey> {
  const { directory } = present(network.validators[index], `validator ${index}`);
  const passphrase = await readPassphrase({ file: network.passphraseFile });
  return unlockKeyFile(join(directory, `${role}.key.json`), passphrase, role);
}
