import { verifyCertificate } from "../certificate.ts";
import { type ConsensusMessage, proposalTarget } from "../messages.ts";
import type { Certificate } from "../types.ts";
import type { Checker } from "./checker.ts";
import { digestOf } from "./digest-memo.ts";
import type { EpochDirectory } from "./epoch-directory.ts";
import type { JournalWatch } from "./journal-watch.ts";
import type { Keyring } from "./keyring.ts";

interface Witnessed {
  readonly checker: Checker;
  readonly keyring: Keyring;
  readonly epochs: EpochDirectory;
  readonly chainId: string;
  /** Certificates found valid before; the same object passes from node to node. */
  readonly validCertificates: WeakSet<Certificate>;
}

/** Shows the oracle what an honest node puts on the wire. */
export function reportWire(
  world: Witnessed,
  node: number,
  message: ConsensusMessage,
  watch: JournalWatch | undefined,
): void {
  const { checker } = world;
  switch (message.type) {
    case "vote": {
      const { kind, epoch, view, target, signer } = message.body;
      if (watch === undefined || world.epochs.participantOf(epoch, signer) !== node) return;
      const missing = watch.missingFor({ kind, chainId: "", epoch, view, target });
      checker.released(node, `${kind} of view ${view}`, missing);
      return;
    }
    case "proposal": {
      const { view, header, justification } = message.body;
      for (const certificate of justification) reportCertificate(world, node, certificate);
      if (watch === undefined) return;
      const missing = watch.missingFor({
        kind: "proposal",
        chainId: header.chainId,
        epoch: header.epoch,
        view,
        target: proposalTarget(message.body, digestOf(header)),
      });
      checker.released(node, `proposal of view ${view}`, missing);
      return;
    }
    case "certificate":
      reportCertificate(world, node, message.body);
      return;
    case "certificates":
      for (const certificate of message.body.certificates) {
        reportCertificate(world, node, certificate);
      }
      return;
    case "status":
      if (message.body.finalization !== undefined) {
        reportCertificate(world, node, message.body.finalization);
      }
      checker.reported(node, message.body.view, message.body.floorView, message.body.epoch);
      return;
    case "blocks":
      if (message.body.finalization !== undefined) {
        reportCertificate(world, node, message.body.finalization);
      }
      return;
    case "getBlocks":
    case "getHeader":
    case "header":
    case "getCertificates":
    case "evidence":
      return;
  }
}

function reportCertificate(world: Witnessed, node: number, certificate: Certificate): void {
  const { checker, keyring, epochs, chainId, validCertificates } = world;
  checker.certificate(node, certificate);
  if (validCertificates.has(certificate)) return;
  const verify = (key: Uint8Array, statement: Uint8Array, signature: Uint8Array): boolean =>
    keyring.verifyKey(key, statement, signature);
  const { set } = epochs.of(certificate.epoch);
  if (verifyCertificate(certificate, set, chainId, verify)) validCertificates.add(certificate);
  else
    checker.fail("S10", `node ${node} sent a ${certificate.kind} certificate with a bad signature`);
}
