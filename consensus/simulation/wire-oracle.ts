import { type ConsensusMessage, proposalTarget } from "../messages.ts";
import { headerDigest } from "../header.ts";
import type { Checker } from "./checker.ts";
import type { JournalWatch } from "./journal-watch.ts";

/** Shows the oracle what an honest node puts on the wire. */
export function reportWire(
  world: { readonly checker: Checker },
  node: number,
  message: ConsensusMessage,
  watch: JournalWatch | undefined,
): void {
  const { checker } = world;
  switch (message.type) {
    case "vote": {
      const { kind, epoch, view, target, signer } = message.body;
      if (signer !== node || watch === undefined) return;
      const missing = watch.missingFor({ kind, chainId: "", epoch, view, target });
      checker.released(node, `${kind} of view ${view}`, missing);
      return;
    }
    case "proposal": {
      const { view, header, justification } = message.body;
      for (const certificate of justification) checker.certificate(node, certificate);
      if (header.proposer !== node || watch === undefined) return;
      const missing = watch.missingFor({
        kind: "proposal",
        chainId: header.chainId,
        epoch: header.epoch,
        view,
        target: proposalTarget(message.body, headerDigest(header)),
      });
      checker.released(node, `proposal of view ${view}`, missing);
      return;
    }
    case "certificate":
      checker.certificate(node, message.body);
      return;
    case "certificates":
      for (const certificate of message.body.certificates) checker.certificate(node, certificate);
      return;
    case "status":
      checker.reported(node, message.body.view, message.body.floorView);
      return;
    case "blocks":
    case "getBlocks":
    case "getHeader":
    case "header":
    case "getCertificates":
    case "evidence":
      return;
  }
}
