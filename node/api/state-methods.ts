import { RpcRefusal } from "../../client/rpc/errors.ts";
import type { ParamsOf, ResultOf } from "../../client/rpc/methods.ts";
import { accountTable } from "../../ledger/state/account.ts";
import { type Balance, balanceId, balanceTable } from "../../ledger/state/balance.ts";
import { holdingsTable } from "../../ledger/state/holdings.ts";
import { type Instrument, instrumentTable } from "../../ledger/state/instrument.ts";
import { outstandingOf, supplyTable } from "../../ledger/state/supply.ts";
import { present } from "../../primitives/assert.ts";
import { formatAmount } from "../../primitives/decimal.ts";
import type { CallContext } from "./call-context.ts";
import { proofJson, toJsonObject } from "./json-view.ts";

export function getAccount(
  context: CallContext,
  params: ParamsOf<"account.get">,
): ResultOf<"account.get"> {
  const { head, reader } = context.ports.state.atHead();
  const account = accountTable.read(reader, params.account);
  if (account === undefined) throw new RpcRefusal("NOT_FOUND", { field: "account" });
  const assets = holdingsTable.read(reader, account.id)?.assets ?? [];
  return {
    height: String(head.height),
    stateRoot: head.stateRoot,
    account: account.id,
    kind: account.kind,
    member: account.member,
    status: account.status,
    ownership: account.ownership,
    window: account.window,
    ...(account.investor === undefined ? {} : { investor: account.investor }),
    ...(account.parent === undefined ? {} : { parent: account.parent }),
    balances: assets.map((asset) =>
      balanceJson(
        present(
          balanceTable.read(reader, balanceId(account.id, asset)),
          "a balance of every asset that the index names",
        ),
      ),
    ),
  };
}

function balanceJson(balance: Balance): ResultOf<"account.get">["balances"][number] {
  return {
    asset: balance.asset,
    total: formatAmount(balance.total),
    available: formatAmount(balance.available),
    reserved: formatAmount(balance.reserved),
    pledged: formatAmount(balance.pledged),
    blocked: formatAmount(balance.blocked),
  };
}

/** A proof is given whether the entry exists or not: that there is none can be proved too. */
export async function proveAccount(
  context: CallContext,
  params: ParamsOf<"account.proof">,
): Promise<ResultOf<"account.proof">> {
  const key =
    params.asset === undefined
      ? accountTable.key(params.account)
      : balanceTable.key(balanceId(params.account, params.asset));
  return proofJson(await context.ports.state.prove(key));
}

export async function getSupply(
  context: CallContext,
  params: ParamsOf<"asset.supply">,
): Promise<ResultOf<"asset.supply">> {
  const { head, reader } = context.ports.state.atHead();
  const supply = supplyTable.read(reader, params.asset);
  if (supply === undefined) throw new RpcRefusal("NOT_FOUND", { field: "asset" });
  const instrument = instrumentTable.read(reader, params.asset);
  const result = {
    height: String(head.height),
    stateRoot: head.stateRoot,
    asset: supply.asset,
    ...(supply.authorised === undefined ? {} : { authorised: formatAmount(supply.authorised) }),
    issued: formatAmount(supply.issued),
    redeemed: formatAmount(supply.redeemed),
    outstanding: formatAmount(outstandingOf(supply)),
    ...(instrument === undefined ? {} : { instrument: instrumentJson(instrument) }),
  };
  const proof = await context.ports.state.prove(supplyTable.key(params.asset));
  return { ...result, proof: proofJson(proof) };
}

function instrumentJson(
  instrument: Instrument,
): NonNullable<ResultOf<"asset.supply">["instrument"]> {
  return {
    type: instrument.terms.type,
    registeredAtHeight: String(instrument.registeredAtHeight),
    terms: toJsonObject(instrument.terms.body),
  };
}
