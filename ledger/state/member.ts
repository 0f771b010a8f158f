import { bool, fixedBytes, type Infer, list, record, text } from "../../primitives/codec/schema.ts";
import { MAX_KEYS_PER_MEMBER } from "../limits.ts";
import { keyId, keyPurpose, memberId, role, roles } from "../types.ts";
import { Table } from "./table.ts";

/** A registered signing key. That the key is admissible was checked at registration. */
export const memberKeySchema = record({
  keyId,
  /** Ed25519, 32 bytes. */
  publicKey: fixedBytes(32),
  purpose: keyPurpose,
});
export type MemberKey = Infer<typeof memberKeySchema>;

/** An institution of the network. Keys are sorted by keyId, roles by their place in the list. */
const schema = record({
  id: memberId,
  name: text(140),
  lei: text(20, /^[0-9A-Z]{18}[0-9]{2}$/),
  /** Eleven characters: a head office is written with XXX. */
  bic: text(11, /^[0-9A-Z]{4}[A-Z]{2}[0-9A-Z]{5}$/),
  roles: list(role, roles.length),
  /** ISO 3166-1 alpha-2. */
  jurisdiction: text(2, /^[A-Z]{2}$/),
  keys: list(memberKeySchema, MAX_KEYS_PER_MEMBER),
  suspended: bool,
});
export type Member = Infer<typeof schema>;

export const memberTable = new Table<Member>({
  name: "member",
  schema,
  idOf: (member) => member.id,
  remember: true,
});
