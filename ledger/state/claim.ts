import { amount, type Infer, oneOf, record } from "../../primitives/codec/schema.ts";
import { accountId, assetId, claimHolder } from "../types.ts";
import { Table } from "./table.ts";

/**
 * Parts of a balance that are not available. RESERVED: set aside for an instruction. PLEDGED: under
 * a lien. BLOCKED: under an order of a court or an authority.
 */
export const claimParts = ["RESERVED", "PLEDGED", "BLOCKED"] as const;
export const claimPart = oneOf(claimParts);
export type ClaimPart = Infer<typeof claimPart>;

/**
 * Why units of a balance are not available: one record for each holder. Each part of a balance is
 * the sum of its claims; a claim of nothing has no record.
 */
const schema = record({
  part: claimPart,
  account: accountId,
  asset: assetId,
  /** The instruction, lien or order. */
  holder: claimHolder,
  /** Minor units, above zero. */
  amount,
});
export type Claim = Infer<typeof schema>;

export function claimId(part: ClaimPart, account: string, asset: string, holder: string): string {
  return `${part}/${account}/${asset}/${holder}`;
}

export const claimTable = new Table<Claim>({
  name: "claim",
  schema,
  idOf: ({ part, account, asset, holder }) => claimId(part, account, asset, holder),
  remember: false,
});
