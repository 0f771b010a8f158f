import { amount, type Infer, record, text } from "../../primitives/codec/schema.ts";
import { Table } from "../state/table.ts";
import { accountId, isinText, max35Text, memberId } from "../types.ts";

/** Identifier of a lien, a repo: short enough to stand in the holder of a claim. */
export const collateralId = text(32, /[0-9A-Za-z][0-9A-Za-z._-]{0,31}/);

/** Units of one account that secure something for another member. Gone when nothing is left. */
const schema = record({
  id: collateralId,
  account: accountId,
  isin: isinText,
  /** Minor units, above zero: what the lien still holds. */
  face: amount,
  pledgee: memberId,
  /** Where the units go when the lien is enforced: an account of the pledgee. */
  pledgeeAccount: accountId,
  /** What is secured. */
  purpose: max35Text,
});
export type Lien = Infer<typeof schema>;

export const lienTable = new Table<Lien>({
  name: "lien",
  schema,
  idOf: ({ id }) => id,
  remember: false,
});

/** The name under which pledged units are claimed. */
export function lienHolder(id: string): string {
  return `lien:${id}`;
}
