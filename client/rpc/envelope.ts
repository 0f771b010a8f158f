import Type, { type Static } from "typebox";
import { RpcErrorObject } from "./errors.ts";
import { RPC_LIMITS } from "./limits.ts";
import { closed } from "./scalars.ts";

/** Path of the one endpoint. */
export const RPC_PATH = "/v1/rpc";

/** Echoed in the reply: text of bounded length, an integer that JSON keeps exact, or null. */
export const RpcId = Type.Union([
  Type.String({ maxLength: RPC_LIMITS.maxRequestId }),
  Type.Integer({ minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER }),
  Type.Null(),
]);
export type RpcId = Static<typeof RpcId>;

/** JSON-RPC 2.0 request; parameters by name only. Without `id` it is a notification. */
export const RpcRequest = closed({
  jsonrpc: Type.Literal("2.0"),
  id: Type.Optional(RpcId),
  method: Type.String({ minLength: 1, maxLength: 64 }),
  params: Type.Optional(Type.Unknown()),
});
export type RpcRequest = Static<typeof RpcRequest>;

export const RpcReply = Type.Union([
  closed({ jsonrpc: Type.Literal("2.0"), id: RpcId, result: Type.Unknown() }),
  closed({ jsonrpc: Type.Literal("2.0"), id: RpcId, error: RpcErrorObject }),
]);
export type RpcReply = Static<typeof RpcReply>;
