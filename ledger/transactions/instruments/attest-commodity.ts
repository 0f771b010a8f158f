import { hash, type Infer, list, record } from "../../../primitives/codec/schema.ts";
import { type Execution, type Failure, failure } from "../../execution.ts";
import { checkAttestors } from "../../instruments/attestors.ts";
import { barRoot, totalFine, updateCover } from "../../instruments/commodity-cover.ts";
import { MAX_BARS_PER_VAULT, MAX_VAULTS } from "../../limits.ts";
import {
  attestationId,
  attestationTable,
  bar,
  barPlaceTable,
  commodityCoverTable,
} from "../../state/commodity.ts";
import type { LedgerState } from "../../state/ledger-state.ts";
import { accountId, isinText, isoDate, max35Text, memberId } from "../../types.ts";
import { checkKinds } from "../account-checks.ts";
import { transactionKind } from "../transaction-kind.ts";

const payload = record({
  isin: isinText,
  /** A COMMODITY_VAULT account. */
  vault: accountId,
  attestorA: memberId,
  attestorB: memberId,
  /** The day of the count; not ahead, and not before that of the attestation on record. */
  asOf: isoDate,
  /** Sorted by serial. */
  bars: list(bar, MAX_BARS_PER_VAULT),
  /** Merkle root over the bars, as the attestors have computed it. */
  barRoot: hash,
  reference: max35Text,
});
type Payload = Infer<typeof payload>;

export const attestCommodity = transactionKind({
  kind: "attest-commodity",
  summary: "Two attestors state which bars one vault holds for a commodity.",
  payload,
  signers: [
    { by: "member-in", field: "attestorA" },
    { by: "member-in", field: "attestorB" },
  ],
  keyPurpose: "TRANSACTION",
  success: "APPLIED",
  failures: [
    "AMOUNT_ZERO",
    "TERMS_INVALID",
    "BAR_LIST_INVALID",
    "SAME_MEMBER_TWICE",
    "MEMBER_UNKNOWN",
    "ACCOUNT_UNKNOWN",
    "ASSET_UNKNOWN",
    "BAR_EXISTS",
    "ACCOUNT_WRONG_KIND",
    "MEMBER_WRONG_ROLE",
    "ASSET_WRONG_TYPE",
    "ATTESTATION_STALE",
    "LIMIT_REACHED",
  ],
  execute,
});

/**
 * The list replaces the one before. Less than is outstanding is recorded as well, as a shortfall:
 * the truth is not refused, but nothing more is issued until it is made good.
 */
function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { isin, vault, asOf, bars } = payload;
  const { state, businessDate } = execution;
  const refused = checkBars(payload) ?? checkAsOf(payload, businessDate);
  if (refused !== undefined) return refused;
  const unfit = checkAttestors(state, payload, () => checkPlaces(payload, state));
  if (unfit !== undefined) return unfit;
  const known = state.of(attestationTable).get(attestationId(isin, vault));
  if (known !== undefined && asOf < known.asOf) return failure("ATTESTATION_STALE", "asOf");
  const cover = state.of(commodityCoverTable).get(isin);
  const vaults = [...new Set([...(cover?.vaults ?? []), vault])].toSorted();
  if (vaults.length > MAX_VAULTS) return failure("LIMIT_REACHED", "vault");

  for (const { serial } of known?.bars ?? []) state.of(barPlaceTable).remove(serial);
  for (const { serial } of bars) state.of(barPlaceTable).put({ serial, isin, vault });
  const { bars: listed, ...facts } = payload;
  const fineNg = totalFine(listed);
  state.of(attestationTable).put({ ...payload, fineNg });
  const shortfallNg = updateCover(state, isin, vaults);
  execution.emit({
    type: "commodityAttested",
    body: { ...facts, bars: listed.length, fineNg, shortfallNg },
  });
  return undefined;
}

function checkBars({ bars, barRoot: root }: Payload): Failure | undefined {
  const light = bars.findIndex(({ fineNg }) => fineNg === 0n);
  if (light >= 0) return failure("AMOUNT_ZERO", `bars[${light}].fineNg`);
  return barRoot(bars) === root && isSorted(bars) ? undefined : failure("BAR_LIST_INVALID", "bars");
}

function isSorted(bars: Payload["bars"]): boolean {
  return bars.every(({ serial }, i) => i === 0 || (bars[i - 1]?.serial ?? "") < serial);
}

function checkAsOf({ asOf }: Payload, businessDate: string): Failure | undefined {
  return asOf > businessDate ? failure("TERMS_INVALID", "asOf") : undefined;
}

/** What the payload names: the vault, the instrument and where its bars are attested now. */
function checkPlaces(payload: Payload, state: LedgerState) {
  const { isin, vault, bars } = payload;
  const account = state.accounts.get(vault);
  if (account === undefined) return { missing: failure("ACCOUNT_UNKNOWN", "vault") };
  const instrument = state.instruments.get(isin);
  if (instrument === undefined) return { missing: failure("ASSET_UNKNOWN", "isin") };
  for (const [i, { serial }] of bars.entries()) {
    const place = state.of(barPlaceTable).get(serial);
    if (place !== undefined && (place.isin !== isin || place.vault !== vault)) {
      return { missing: failure("BAR_EXISTS", `bars[${i}].serial`) };
    }
  }
  return {
    wrongKind: checkKinds([{ field: "vault", account, kinds: ["COMMODITY_VAULT"] }]),
    wrongType:
      instrument.terms.type === "COMMODITY" ? undefined : failure("ASSET_WRONG_TYPE", "isin"),
  };
}
