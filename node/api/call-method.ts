import type { MethodName, ParamsOf, ResultOf } from "../../client/rpc/methods.ts";
import type { CallContext } from "./call-context.ts";
import { chainInfo, getBlock } from "./chain-methods.ts";
import { listEvents } from "./event-methods.ts";
import { checkParams } from "./param-check.ts";
import { getAccount, getSupply, proveAccount } from "./state-methods.ts";
import { getTransaction, submit, submitBatch } from "./transaction-methods.ts";
import { getEpochs, getValidators } from "./validator-methods.ts";

type Handlers = {
  readonly [M in MethodName]: (
    context: CallContext,
    params: ParamsOf<M>,
  ) => ResultOf<M> | Promise<ResultOf<M>>;
};

const handlers: Handlers = {
  "chain.info": chainInfo,
  "chain.block": getBlock,
  "chain.validators": getValidators,
  "chain.epochs": getEpochs,
  "tx.submit": submit,
  "tx.submitBatch": submitBatch,
  "tx.get": getTransaction,
  "account.get": getAccount,
  "account.proof": proveAccount,
  "asset.supply": getSupply,
  "events.list": listEvents,
};

/** Checks the parameters and carries the call out. Throws RpcRefusal, or whatever a port throws. */
export async function callMethod<M extends MethodName>(
  method: M,
  params: unknown,
  context: CallContext,
): Promise<ResultOf<M>> {
  const handler: Handlers[M] = handlers[method];
  return handler(context, checkParams(method, params));
}
