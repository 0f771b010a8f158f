import type { Effect, Report } from "../effects.ts";
import type { ConsensusEvent } from "../events.ts";
import type { Evidence } from "../evidence.ts";
import type { ConsensusMessage } from "../messages.ts";
import type { Certificate, Target } from "../types.ts";
import { readStatement } from "./statement-reader.ts";

/** Kind and short text of an event: both enter the fingerprint of the run. */
export function describeEvent(event: ConsensusEvent): readonly [kind: string, detail: string] {
  switch (event.type) {
    case "start":
      return ["start", `${event.incarnation}`];
    case "message":
      return [`n${event.from}->`, describeMessage(event.message)];
    case "signed":
      return ["signed", `#${event.id}`];
    case "timerFired":
      return ["timer", `${event.timer.kind} v${event.timer.view} g${event.timer.generation}`];
    case "built":
      return ["built", `v${event.view} ${event.header === undefined ? "nothing" : "a block"}`];
    case "validated":
      return ["validated", `${short(event.digest)} ${event.verdict}`];
    case "work":
      return ["work", `${event.pending}`];
    case "applied":
      return ["applied", `h${event.height}`];
    case "peerConnected":
      return ["connected", `n${event.index}`];
  }
}

const messageTexts = new WeakMap<ConsensusMessage, string>();

/** Made once for each object: a broadcast reaches many. */
export function describeMessage(message: ConsensusMessage): string {
  const known = messageTexts.get(message);
  if (known !== undefined) return known;
  const text = writeMessage(message);
  messageTexts.set(message, text);
  return text;
}

function writeMessage(message: ConsensusMessage): string {
  switch (message.type) {
    case "proposal": {
      const { view, parentView, header, justification } = message.body;
      return `proposal v${view} on v${parentView} h${header.height} parent ${short(
        header.parentDigest,
      )} t${header.timestampMs % 1_000_000} batches ${header.batchDigests.length} with ${
        justification.length
      } certificates`;
    }
    case "vote":
      return `vote ${letter(message.body.kind)} v${message.body.view} of n${
        message.body.signer
      } ${describeTarget(message.body.target)}`;
    case "certificate":
      return `certificate ${describeCertificate(message.body)}`;
    case "status": {
      const { purpose, view, floorView, floorHeight, echoes, finalization } = message.body;
      const proof = finalization === undefined ? "" : ` ${describeCertificate(finalization)}`;
      return `status ${purpose} v${view} floor v${floorView} h${floorHeight}${proof} echoes ${
        echoes.length
      }`;
    }
    case "getBlocks":
      return `getBlocks #${message.body.requestId} from ${message.body.fromHeight}`;
    case "blocks": {
      const { requestId, headers, refusal } = message.body;
      return `blocks #${requestId} ${headers.length} from ${headers[0]?.height ?? "-"} ${
        refusal ?? ""
      }`;
    }
    case "getHeader":
      return `getHeader ${short(message.body.digest)}`;
    case "header":
      return `header ${message.body.refusal ?? `h${message.body.header?.height ?? "-"}`}`;
    case "getCertificates":
      return `getCertificates from v${message.body.fromView}`;
    case "certificates":
      return `certificates ${message.body.certificates.map(describeCertificate).join(", ")} ${
        message.body.refusal ?? ""
      }`;
    case "evidence":
      return describeEvidence(message.body);
  }
}

export function describeEffect(effect: Effect): string {
  switch (effect.type) {
    case "persist":
      return `${effect.records.length} records`;
    case "sign":
      return `#${effect.id} ${effect.statements
        .map(readStatement)
        .map((read) => `${letter(read.kind)} v${read.view} ${describeTarget(read.target)}`)
        .join("; ")}`;
    case "send":
      return `n${effect.to} ${describeMessage(effect.message)}`;
    case "broadcast":
      return describeMessage(effect.message);
    case "setTimer":
      return `${effect.timer.kind} v${effect.timer.view} g${effect.timer.generation} in ${
        effect.delayMs
      } ms`;
    case "build":
      return `v${effect.view} on ${short(effect.parent.digest)} h${effect.parent.height}${
        effect.allowTransactions ? "" : " empty"
      }`;
    case "validate":
      return `v${effect.view} ${short(effect.digest)} h${effect.header.height} on ${short(
        effect.parent.digest,
      )}`;
    case "commit":
      return `${effect.headers.map((header) => `h${header.height}`).join(" ")} by ${describeCertificate(
        effect.finalization,
      )}`;
    case "endEpoch": {
      const { epoch, closing, view, startGate } = effect.end;
      return `epoch ${epoch} with h${closing.height} final in v${view}, gate ${startGate}`;
    }
    case "serveBlocks":
      return `n${effect.to} ${effect.count} from ${effect.fromHeight}`;
    case "report":
      return describeReport(effect.report);
  }
}

/** The kind of a report with its code, for counting: a closed set. */
export function describeReportKind(report: Report): string {
  switch (report.kind) {
    case "halted":
    case "peerFault":
      return `${report.kind} ${report.code}`;
    case "nullifying":
      return `nullifying ${report.reason}`;
    case "evidence":
    case "conflictingCertificates":
    case "clockSkew":
    case "votingEnabled":
    case "ignoredRecords":
      return report.kind;
  }
}

function describeReport(report: Report): string {
  switch (report.kind) {
    case "evidence":
      return describeEvidence(report.evidence);
    case "halted":
      return `HALTED ${report.code} ${report.detail}`;
    case "conflictingCertificates":
      return `CONFLICT ${describeCertificate(report.first)} / ${describeCertificate(report.second)}`;
    case "peerFault":
      return `fault of n${report.peer}: ${report.code}`;
    case "nullifying":
      return `nullifying v${report.view}: ${report.reason}`;
    case "clockSkew":
      return `clock skew ${report.offsetMs} ms${report.alarm ? " ALARM" : ""}`;
    case "votingEnabled":
      return `voting from v${report.view}`;
    case "ignoredRecords":
      return `${report.count} records ignored`;
  }
}

function describeEvidence(evidence: Evidence): string {
  return `evidence against n${evidence.signer} in v${evidence.view}`;
}

function describeCertificate(certificate: Certificate): string {
  const { kind, view, target, signers } = certificate;
  return `${letter(kind)} v${view} ${describeTarget(target)} by ${signers.toString(2)}`;
}

function describeTarget(target: Target | undefined): string {
  if (target === undefined) return "";
  return `${short(target.blockDigest)} on v${target.parentView}`;
}

function letter(kind: "proposal" | "notarize" | "nullify" | "finalize"): string {
  switch (kind) {
    case "proposal":
      return "P";
    case "notarize":
      return "N";
    case "nullify":
      return "Z";
    case "finalize":
      return "F";
  }
}

function short(digest: string): string {
  return digest.slice(0, 6);
}
