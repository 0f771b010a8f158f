import { invariant } from "../../primitives/assert.ts";
import * as registry from "./registry.ts";
import type { TransactionKind } from "./transaction-kind.ts";

type Registered = (typeof registry)[keyof typeof registry];

/** Payload type of each kind, by the kind's name. */
export type Payloads = {
  [D in Registered as D["kind"]]: D extends TransactionKind<string, infer P> ? P : never;
};
export type Kind = keyof Payloads;

/** Every kind's definition under its name. */
export type KindTable = { readonly [K in Kind]: TransactionKind<K, Payloads[K]> };

function byName(): KindTable {
  const definitions = Object.values(registry);
  const table = Object.fromEntries(definitions.map((definition) => [definition.kind, definition]));
  invariant(Object.keys(table).length === definitions.length, "kinds have distinct names");
  // The names are the `kind` literals that KindTable's keys are made of.
  return table as unknown as KindTable;
}

export const kindTable: KindTable = byName();

/** Names of all kinds, sorted. */
export const kinds: readonly Kind[] = Object.values(registry)
  .map((definition) => definition.kind)
  .toSorted();

export function isKind(name: unknown): name is Kind {
  return typeof name === "string" && Object.hasOwn(kindTable, name);
}
