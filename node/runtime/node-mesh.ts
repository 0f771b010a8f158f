import { chainIdOf } from "../../ledger/genesis.ts";
import { equalBytes } from "../../primitives/bytes.ts";
import { CodedError } from "../../primitives/errors.ts";
import { Mesh, type MeshPeer } from "../net/mesh.ts";
import { PROTOCOL_VERSION, SOFTWARE } from "./chain-queries.ts";
import { meshLogger } from "./mesh-logger.ts";
import type { NodeOptions } from "./node-options.ts";
import type { Roster } from "./roster.ts";

/** A key file of another validator would make two nodes speak with one voice. */
export function checkOwnKey(options: NodeOptions, roster: Roster): void {
  const holder = roster.self === undefined ? undefined : roster.members[roster.self]?.name;
  if (holder !== undefined && holder !== options.name) {
    throw new CodedError("WRONG_CONSENSUS_KEY", `the key file is that of ${holder}`, {
      field: "node.consensusKeyFile",
      got: holder,
      expected: options.name,
    });
  }
  const registered = roster.members.find(({ name }) => name === options.name);
  if (registered === undefined || equalBytes(registered.publicKey, options.signer.publicKey)) {
    return;
  }
  // Its keys are about to be rotated, or the node comes late to a rotation; or the file is wrong.
  options.logger.warn("node.other-consensus-key", {
    validator: options.name,
    registered: registered.publicKey,
    own: options.signer.publicKey,
  });
}

/** Addresses are the configuration's: the chain knows who a peer is, not where it listens. */
export function meshPeers(options: NodeOptions, roster: Roster): readonly MeshPeer[] {
  return roster.peers.map((peer) => ({
    ...peer,
    addresses: options.peerAddresses.get(peer.name) ?? [],
  }));
}

/** The mesh of a node, with the peers that the ledger names. */
export function createMesh(
  options: NodeOptions,
  roster: Roster,
  onFatal: (error: unknown) => void,
): Promise<Mesh> {
  return Mesh.create({
    chainId: chainIdOf(options.genesis),
    self: roster.ownNumber,
    founders: options.genesis.validators.length,
    networkSeed: options.networkSeed,
    peers: meshPeers(options, roster),
    listen: options.listen,
    protocolVersion: PROTOCOL_VERSION,
    software: SOFTWARE,
    logger: meshLogger(options.logger.module("net")),
    onFatal,
  });
}
