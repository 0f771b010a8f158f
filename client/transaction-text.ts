import type { SignedTransaction, TransactionBody } from "../ledger/envelope.ts";
import { kindTable } from "../ledger/transactions/kinds.ts";
import { toHex } from "../primitives/bytes.ts";
import { formatFixed } from "../primitives/decimal.ts";

/**
 * A transaction as text for the person who signs it: everything that is in the signed bytes and
 * nothing else. Names, prices and balances are not in them and are not shown.
 */

/** Digits after the point of PKR amounts and faces: paisa. */
const PKR_DECIMALS = 2;
/** Digits after the point of fields whose name ends in E4. */
const E4_DECIMALS = 4;
const LABEL_WIDTH = 18;

/** Lines of text, without a trailing newline. */
export function inspect(transaction: SignedTransaction): string {
  const { body } = transaction;
  const kind = kindTable[body.kind];
  return [
    `${body.kind.toUpperCase()}: ${kind.summary}`,
    "",
    ...effectLines(body),
    "",
    line("Chain", body.chainId),
    line("Sender", body.member),
    line("Client reference", body.clientRef),
    line("Expires after", `height ${body.expiresAtHeight}`),
    line("Transaction id", transaction.txId),
    line("Must sign", requiredSigners(body).join("; ")),
    line("Signed by", signedBy(transaction)),
  ].join("\n");
}

function effectLines(body: TransactionBody): readonly string[] {
  return body.kind === "settle-dvp" ? bothLegs(body.payload) : fieldLines(body.payload);
}

/** Delivery versus payment: who gives what to whom, twice. */
function bothLegs(
  payload: Extract<TransactionBody, { kind: "settle-dvp" }>["payload"],
): readonly string[] {
  const total = payload.cleanAmount + payload.accruedInterest;
  return [
    line("Settlement", payload.settlementRef),
    "Securities leg",
    line("  deliver", `PKR ${rupees(payload.face)} face of ${payload.isin}`),
    line("  from", payload.delivererAccount),
    line("  to", payload.receiverAccount),
    "Cash leg",
    line("  pay", `PKR ${rupees(total)}`),
    line("  of which", `clean ${rupees(payload.cleanAmount)}`),
    line("", `accrued ${rupees(payload.accruedInterest)}`),
    line("  from", payload.payerCashAccount),
    line("  to", payload.payeeCashAccount),
    "Both legs settle together or neither does.",
  ];
}

function fieldLines(payload: object, prefix = ""): readonly string[] {
  return Object.entries(payload).flatMap(([name, value]: [string, unknown]) => {
    const label = `${prefix}${name}`;
    if (isPlainObject(value)) return fieldLines(value, `${label}.`);
    return [line(label, fieldText(name, value))];
  });
}

function fieldText(name: string, value: unknown): string {
  if (value === undefined) return "none";
  if (typeof value === "bigint") return `PKR ${rupees(value)}`;
  if (typeof value === "number") {
    if (name.endsWith("E4")) return formatFixed(BigInt(value), E4_DECIMALS);
    if (name.endsWith("Ms")) return `${new Date(value).toISOString()} (${value})`;
    return String(value);
  }
  if (value instanceof Uint8Array) return toHex(value);
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Minor units with two decimals and thousands apart: 1,000,000.00. */
export function rupees(minorUnits: bigint): string {
  const [whole = "", fraction = ""] = formatFixed(minorUnits, PKR_DECIMALS).split(".");
  return `${whole.replaceAll(/\B(?=(\d{3})+$)/g, ",")}.${fraction}`;
}

/** In words, since accounts are not resolved to members here. The sender always signs. */
function requiredSigners(body: TransactionBody): readonly string[] {
  return [`member ${body.member}`, ...ruleTexts(kindTable[body.kind].signers, body.payload)];
}

/** The rules of any kind, without the tie of field names to one payload. */
type AnySignerRule = (
  | { readonly by: "role"; readonly role: string }
  | { readonly by: "operator-of" | "member-in"; readonly field: string }
) & { readonly when?: { readonly field: string; readonly in: readonly string[] } };

function ruleTexts(rules: readonly AnySignerRule[], payload: object): readonly string[] {
  const fields: Readonly<Record<string, unknown>> = { ...payload };
  const textOf = (field: string): string => fieldText(field, fields[field]);
  return rules
    .filter(({ when }) => when === undefined || when.in.includes(textOf(when.field)))
    .map((rule) =>
      rule.by === "role" ? `any ${rule.role}` : ruleText(rule.by, textOf(rule.field)),
    );
}

function ruleText(by: "operator-of" | "member-in", named: string): string {
  return by === "operator-of" ? `operator of ${named}` : `member ${named}`;
}

function signedBy(transaction: SignedTransaction): string {
  if (transaction.signatures.length === 0) return "nobody yet";
  return transaction.signatures.map(({ member, keyId }) => `${member} (${keyId})`).join("; ");
}

function isPlainObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !(value instanceof Uint8Array);
}

function line(label: string, text: string): string {
  return `${label.padEnd(LABEL_WIDTH)} ${text}`;
}
