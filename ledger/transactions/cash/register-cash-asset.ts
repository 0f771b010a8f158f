import { type Infer, record } from "../../../primitives/codec/schema.ts";
import { type Execution, type Failure, failure } from "../../execution.ts";
import { CASH_DECIMALS, cashAssetTable } from "../../state/cash-asset.ts";
import { CBDC, cashAssetId, currencyOf, memberId } from "../../types.ts";
import { transactionKind } from "../transaction-kind.ts";

const payload = record({
  /** Its first three letters are the currency, ISO 4217. */
  asset: cashAssetId,
  /** The custodian whose liability it will be. */
  issuer: memberId,
});
type Payload = Infer<typeof payload>;

export const registerCashAsset = transactionKind({
  kind: "register-cash-asset",
  summary: "Admits a claim on a licensed custodian as money on the ledger.",
  payload,
  signers: [
    { by: "role", role: "CENTRAL_BANK" },
    { by: "member-in", field: "issuer" },
  ],
  keyPurpose: "TRANSACTION",
  success: "APPLIED",
  failures: ["MEMBER_UNKNOWN", "ASSET_EXISTS", "MEMBER_WRONG_ROLE"],
  execute,
});

function execute({ asset, issuer }: Payload, execution: Execution): Failure | undefined {
  const { state, height } = execution;
  const member = state.members.get(issuer);
  if (member === undefined) return failure("MEMBER_UNKNOWN", "issuer");
  const assets = state.of(cashAssetTable);
  // The coin is the central bank's own and there from the start.
  if (asset === CBDC || assets.get(asset) !== undefined) return failure("ASSET_EXISTS", "asset");
  if (!member.roles.includes("CUSTODIAN")) return failure("MEMBER_WRONG_ROLE", "issuer");
  const currency = currencyOf(asset);
  assets.put({
    id: asset,
    currency,
    issuer,
    decimals: CASH_DECIMALS,
    registeredAtHeight: height,
  });
  const nothing = { authorised: undefined, issued: 0n, redeemed: 0n, tranches: 0 };
  state.supplies.put({ asset, ...nothing });
  execution.emit({ type: "cashAssetRegistered", body: { asset, currency, issuer } });
  return undefined;
}
