import { Compile, type Validator } from "typebox/compile";
import { type RefusalDetail, type RpcReason, RpcRefusal } from "../../client/rpc/errors.ts";
import { METHOD_NAMES, METHODS, type MethodName, type ParamsOf } from "../../client/rpc/methods.ts";

/** One finding of the validator, as far as it is read here. */
interface Finding {
  readonly keyword: string;
  readonly instancePath: string;
  readonly schemaPath: string;
  readonly params: object;
}

/** Longest piece of a client's text that an error gives back. */
const ECHO_MAX = 64;

const validators = new Map<MethodName, Validator>(
  METHOD_NAMES.map((name) => [name, Compile(METHODS[name].params)]),
);

/**
 * The parameters, if they are what the method's schema says. Throws RpcRefusal with the field at
 * fault: UNKNOWN_FIELD, then AMOUNT_FORMAT for a decimal that is none, LIMIT_TOO_LARGE for a number
 * above its bound, otherwise INVALID_PARAMS.
 */
export function checkParams<M extends MethodName>(method: M, params: unknown): ParamsOf<M> {
  if (params !== undefined && (typeof params !== "object" || params === null)) {
    throw new RpcRefusal("INVALID_PARAMS", { field: "params" }, { message: "params is an object" });
  }
  if (Array.isArray(params)) {
    const message = "parameters are given by name, not by position";
    throw new RpcRefusal("INVALID_PARAMS", { field: "params" }, { message });
  }
  const value = params ?? {};
  const validator = validators.get(method);
  if (validator === undefined || validator.Check(value)) {
    // The schema of this very method has admitted the value.
    return value as ParamsOf<M>;
  }
  throw refusalOf(METHODS[method].params, value, validator.Errors(value));
}

function refusalOf(schema: object, value: unknown, findings: readonly Finding[]): RpcRefusal {
  const unknown = findings.find((finding) => finding.keyword === "additionalProperties");
  if (unknown !== undefined) {
    const names = at(unknown.params, "additionalProperties");
    const name: unknown = Array.isArray(names) ? names[0] : undefined;
    return new RpcRefusal("UNKNOWN_FIELD", { field: fieldName(unknown.instancePath, name) });
  }
  const decimal = findings.find((finding) => isDecimal(schema, finding.schemaPath));
  if (decimal !== undefined) return refusal("AMOUNT_FORMAT", value, decimal);
  const limit = findings.find((finding) => finding.keyword === "maximum");
  if (limit !== undefined) return refusal("LIMIT_TOO_LARGE", value, limit);
  const first = findings[0];
  if (first === undefined) return new RpcRefusal("INVALID_PARAMS");
  return refusal("INVALID_PARAMS", value, first);
}

function refusal(reason: RpcReason, value: unknown, finding: Finding): RpcRefusal {
  const missing = at(finding.params, "requiredProperties");
  const name: unknown = Array.isArray(missing) ? missing[0] : undefined;
  const limit = echo(at(finding.params, "limit"));
  const got = echo(walk(value, finding.instancePath));
  const detail: RefusalDetail = {
    field: fieldName(finding.instancePath, name),
    ...(limit === undefined ? {} : { limit }),
    ...(got === undefined || name !== undefined ? {} : { got }),
  };
  return new RpcRefusal(reason, detail);
}

/** Whether the schema that a finding points at is one of the decimal strings. */
function isDecimal(schema: object, schemaPath: string): boolean {
  return at(walk(schema, schemaPath.replace(/^#/, "")), "decimal") === true;
}

/** Follows a JSON pointer; undefined where it leads nowhere. */
function walk(root: unknown, pointer: string): unknown {
  let value: unknown = root;
  for (const part of pointer.split("/").slice(1)) {
    value = at(value, part.replaceAll("~1", "/").replaceAll("~0", "~"));
  }
  return value;
}

function at(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  const descriptor = Object.getOwnPropertyDescriptor(value, name);
  return descriptor?.value;
}

function fieldName(instancePath: string, last: unknown): string {
  const parts = instancePath.split("/").slice(1);
  if (typeof last === "string") parts.push(last);
  return parts.length === 0 ? "params" : parts.join(".").slice(0, ECHO_MAX);
}

function echo(value: unknown): string | undefined {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
    return String(value).slice(0, ECHO_MAX);
  }
  return undefined;
}
