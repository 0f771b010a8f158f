import { present } from "../../../primitives/assert.ts";
import { amount, type Infer, list, record } from "../../../primitives/codec/schema.ts";
import { type Execution, type Failure, failure } from "../../execution.ts";
import { checkAttestors } from "../../instruments/attestors.ts";
import { barRoot, totalFine, updateCover } from "../../instruments/commodity-cover.ts";
import { takeFromSupply } from "../../instruments/redeem-units.ts";
import { gateCodes } from "../../movement-gate.ts";
import { moveUnits } from "../../postings.ts";
import {
  type Attestation,
  attestationId,
  attestationTable,
  type Bar,
  barPlaceTable,
  barSerial,
  commodityCoverTable,
} from "../../state/commodity.ts";
import type { LedgerState } from "../../state/ledger-state.ts";
import { accountId, isinText, max35Text, memberId } from "../../types.ts";
import { checkKinds } from "../account-checks.ts";
import { transactionKind } from "../transaction-kind.ts";

/** Bars that one redemption hands over. */
const MAX_BARS_PER_DELIVERY = 64;

const payload = record({
  isin: isinText,
  /** The holder's securities account. */
  account: accountId,
  /** The COMMODITY_VAULT account out of which the bars are handed over. */
  vault: accountId,
  attestorA: memberId,
  attestorB: memberId,
  /** Units given up, nanograms fine: the bars' fine weight rounded up to the denomination. */
  quantity: amount,
  /** Serials of the bars handed over, sorted. */
  bars: list(barSerial, MAX_BARS_PER_DELIVERY),
  reference: max35Text,
});
type Payload = Infer<typeof payload>;

export const redeemCommodity = transactionKind({
  kind: "redeem-commodity",
  summary: "Gives up units of a commodity against bars out of a vault.",
  payload,
  signers: [
    { by: "operator-of", field: "account" },
    { by: "operator-of", field: "vault" },
    { by: "member-in", field: "attestorA" },
    { by: "member-in", field: "attestorB" },
  ],
  keyPurpose: "TRANSACTION",
  success: "SETTLED",
  failures: [
    "AMOUNT_ZERO",
    "BAR_LIST_INVALID",
    "SAME_MEMBER_TWICE",
    "MEMBER_UNKNOWN",
    "ACCOUNT_UNKNOWN",
    "ASSET_UNKNOWN",
    "BAR_UNKNOWN",
    "ACCOUNT_WRONG_KIND",
    "MEMBER_WRONG_ROLE",
    "ASSET_WRONG_TYPE",
    "DENOMINATION",
    ...gateCodes,
    "INSUFFICIENT_SECURITIES",
  ],
  execute,
});

/** The units cease to be and the bars leave the attested list in one step, so I7 holds throughout. */
function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { isin, quantity, bars } = payload;
  const { state } = execution;
  if (quantity === 0n) return failure("AMOUNT_ZERO", "quantity");
  const isSorted = bars.every((serial, i) => i === 0 || (bars[i - 1] ?? "") < serial);
  if (bars.length === 0 || !isSorted) return failure("BAR_LIST_INVALID", "bars");
  const unfit = checkAttestors(state, payload, () => checkPlaces(payload, state));
  if (unfit !== undefined) return unfit;
  const attestation = present(attestationOf(payload, state), "attestation of the vault");
  const delivered = attestation.bars.filter(({ serial }) => bars.includes(serial));
  const { terms } = present(state.instruments.get(isin), `instrument ${isin}`);
  if (quantity !== roundedUp(totalFine(delivered), terms.body.denomination)) {
    return failure("DENOMINATION", "quantity");
  }
  const failed = moveUnits(execution, [
    {
      from: present(state.accounts.get(payload.account), "holder's account"),
      to: undefined,
      asset: isin,
      parts: [{ amount: quantity, reason: "DELIVERED_IN_KIND" }],
      purpose: "COMMODITY_REDEMPTION",
      reference: payload.reference,
      fields: { from: "account", to: "vault" },
    },
  ]);
  if (failed !== undefined) return failed;
  const releasedUsdCents = takeFromSupply(execution, isin, quantity);
  handOver(state, attestation, delivered);
  const { account, vault, reference } = payload;
  const fineNg = totalFine(delivered);
  execution.emit({
    type: "commodityDelivered",
    body: { isin, account, vault, quantity, bars, fineNg, releasedUsdCents, reference },
  });
  return undefined;
}

function roundedUp(value: bigint, step: bigint): bigint {
  return ((value + step - 1n) / step) * step;
}

function attestationOf({ isin, vault }: Payload, state: LedgerState): Attestation | undefined {
  return state.of(attestationTable).get(attestationId(isin, vault));
}

function checkPlaces(payload: Payload, state: LedgerState) {
  const { isin, bars } = payload;
  const account = state.accounts.get(payload.account);
  if (account === undefined) return { missing: failure("ACCOUNT_UNKNOWN", "account") };
  const vault = state.accounts.get(payload.vault);
  if (vault === undefined) return { missing: failure("ACCOUNT_UNKNOWN", "vault") };
  const instrument = state.instruments.get(isin);
  if (instrument === undefined) return { missing: failure("ASSET_UNKNOWN", "isin") };
  const held = new Set(attestationOf(payload, state)?.bars.map(({ serial }) => serial));
  const isCommodity = instrument.terms.type === "COMMODITY";
  const unknown = bars.findIndex((serial) => !held.has(serial));
  if (isCommodity && unknown >= 0) return { missing: failure("BAR_UNKNOWN", `bars[${unknown}]`) };
  return {
    wrongKind: checkKinds([
      { field: "account", account, kinds: ["SGLA", "IPS"] },
      { field: "vault", account: vault, kinds: ["COMMODITY_VAULT"] },
    ]),
    wrongType: isCommodity ? undefined : failure("ASSET_WRONG_TYPE", "isin"),
  };
}

function handOver(state: LedgerState, attestation: Attestation, delivered: readonly Bar[]): void {
  const { isin } = attestation;
  const left = attestation.bars.filter((held) => !delivered.includes(held));
  for (const { serial } of delivered) state.of(barPlaceTable).remove(serial);
  state.of(attestationTable).put({
    ...attestation,
    bars: left,
    barRoot: barRoot(left),
    fineNg: totalFine(left),
  });
  const cover = present(state.of(commodityCoverTable).get(isin), `cover of ${isin}`);
  updateCover(state, isin, cover.vaults);
}
